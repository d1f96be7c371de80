"""A queue of log lines that a thread writes: a stream that nobody reads blocks no caller.

Standard error may be a full pipe. A write then waits until somebody reads, perhaps for ever, so
only the thread writes. The queue is bounded: lines that do not fit are dropped and counted.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import TextIO

QUEUE_SIZE = 2**20
"""Characters of the lines that wait: minutes of log lines."""

EXIT_LIMIT = 0.5
"""Seconds for which the end of the process waits for the lines of the queue."""


class LineQueue:
    """Writes lines to a stream, in order. `write` never waits for the stream.

    `size` is in characters. After lines were dropped, once a line has been written and half of the
    room is free, the thread calls `report` with their number. A line that the stream refuses (a
    closed pipe, a full disk) is dropped, too; the next one is tried.
    """

    def __init__(
        self,
        stream: TextIO,
        size: int = QUEUE_SIZE,
        report: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._write_out = _writer(stream)
        self._size = size
        self._report = report
        self._lines: deque[str] = deque()
        """The first one is the line that is being written."""
        self._used = 0
        self._unreported = 0
        self._changed = threading.Condition()
        self.dropped = 0
        """The number of lines dropped since the start."""
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def write(self, line: str) -> None:
        """Add a line with its line break, or drop it if there is no room for it."""
        length = len(line)
        with self._changed:
            if self._used + length > self._size:
                self._drop()
            else:
                self._used += length
                self._lines.append(line)
                self._changed.notify_all()

    def wait_until_written(self, limit: float = EXIT_LIMIT) -> bool:
        """Wait until no line waits, for `limit` seconds at most; return whether none does."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, limit)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                line = self._lines[0]
            written = self._written(line)
            # Before the line leaves the queue: who waits for the queue waits for the report, too.
            if written and self._used - len(line) <= self._size // 2:
                self._report_dropped()
            with self._changed:
                self._lines.popleft()
                self._used -= len(line)
                if not written:
                    self._drop()
                self._changed.notify_all()

    def _written(self, line: str) -> bool:
        try:
            self._write_out(line)
        except (OSError, ValueError):  # ValueError: the stream is closed
            return False
        return True

    def _drop(self) -> None:
        """Count a dropped line. The caller holds the lock."""
        self.dropped += 1
        self._unreported += 1

    def _report_dropped(self) -> None:
        with self._changed:
            count, self._unreported = self._unreported, 0
        if count:
            self._report(count)


def _writer(stream: TextIO) -> Callable[[str], None]:
    """Return a function that writes text to the stream. It may raise OSError and ValueError.

    It writes to the descriptor if there is one: a thread that holds the lock of a Python stream
    when the process ends makes the interpreter abort.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):

        def write_to_stream(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write_to_stream
    return lambda text: _write_all(descriptor, text.encode(stream.encoding, "backslashreplace"))


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            # Another process that has the same stream may make its writes return at once.
            select.select([], [descriptor], [])
