"""Writes to standard output and standard error, which may be full or closed at the other end."""

import os
import sys
from contextlib import suppress
from typing import TextIO

from exporter.errors import OutputError


def write(text: str) -> None:
    r"""Write to standard output at once. Raises OutputError.

    A character that the stream's encoding does not have is written as an escape such as `\xe9`.
    """
    encoding = sys.stdout.encoding
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        raise OutputError(f"can't write to standard output: {error.strerror}") from None


def write_error(text: str) -> None:
    """Write to standard error if that is possible: there is no other place for the problem."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Discard what the stream could not write: it would fail again at exit, with status 120."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
    with suppress(OSError):
        stream.flush()
