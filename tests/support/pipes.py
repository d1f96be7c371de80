"""Pipes that may be full."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


class Pipe:
    """A pipe: the descriptors of its two ends."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()

    def fill(self) -> int:
        """Write until the pipe is full, and return the number of bytes."""
        os.set_blocking(self.write_end, False)
        count = 0
        try:
            while True:
                count += os.write(self.write_end, bytes(4096))
        except BlockingIOError:
            os.set_blocking(self.write_end, True)
        return count

    def read(self, count: int) -> bytes:
        """Read this number of bytes."""
        data = b""
        while len(data) < count:
            data += os.read(self.read_end, count - len(data))
        return data


@contextmanager
def pipe() -> Iterator[Pipe]:
    """Open a pipe, and close both ends on exit."""
    made = Pipe()
    try:
        yield made
    finally:
        os.close(made.read_end)
        os.close(made.write_end)
