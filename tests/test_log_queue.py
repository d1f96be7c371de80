"""The queue of log lines: bounded, in order, and never in the way of its caller."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import pytest

from exporter.log_queue import LineQueue
from tests.support.pipes import Pipe, pipe
from tests.support.process import PATIENCE

LINES = [f"line {number:04}\n" for number in range(15)]
"""Lines of 10 characters."""


@pytest.fixture
def end() -> Iterator[Pipe]:
    """Return a pipe."""
    with pipe() as opened:
        yield opened


def stream_of(end: Pipe, encoding: str = "utf-8") -> TextIO:
    """Return a stream that writes to the pipe."""
    return open(end.write_end, "w", encoding=encoding, closefd=False)


def test_lines_are_written_in_order(end: Pipe) -> None:
    lines = LineQueue(stream_of(end))
    for line in LINES:
        lines.write(line)
    assert end.read(150).decode() == "".join(LINES)
    assert lines.wait_until_written(PATIENCE)
    assert lines.dropped == 0


def test_a_pipe_that_nobody_reads_blocks_nobody(end: Pipe) -> None:
    """The lines for which there is no room are dropped; the others are written, once it is read."""
    filled = end.fill()
    reported: list[int] = []
    lines = LineQueue(stream_of(end), 100, reported.append)
    for line in LINES:
        lines.write(line)
    assert lines.dropped == 5
    assert not lines.wait_until_written(0.01)
    assert reported == []

    end.read(filled)
    assert end.read(100).decode() == "".join(LINES[:10])
    assert lines.wait_until_written(PATIENCE)
    assert reported == [5]

    lines.write("late\n")
    assert end.read(5) == b"late\n"
    assert lines.wait_until_written(PATIENCE)
    assert (lines.dropped, reported) == (5, [5])


def test_the_report_may_be_a_line_itself(end: Pipe) -> None:
    """Who waits for the lines waits for that line, too."""
    filled = end.fill()
    lines = LineQueue(stream_of(end), 100, lambda count: lines.write(f"lost: {count}\n"))
    for line in LINES:
        lines.write(line)
    end.read(filled)
    assert lines.wait_until_written(PATIENCE)
    written = end.read(108).decode()
    assert "lost: 5\n" in written
    assert written.replace("lost: 5\n", "") == "".join(LINES[:10])
    assert lines.dropped == 5


def test_a_line_that_is_larger_than_the_queue_is_dropped(end: Pipe) -> None:
    lines = LineQueue(stream_of(end), 100)
    lines.write("x" * 101)
    lines.write("x" * 100)
    assert end.read(100) == b"x" * 100
    assert lines.dropped == 1


def test_a_pipe_whose_writes_return_at_once_gets_whole_lines(end: Pipe) -> None:
    os.set_blocking(end.write_end, False)
    lines = LineQueue(stream_of(end))
    text = "".join(map(str, range(60_000)))
    lines.write(text)
    data = b""
    while len(data) < len(text):
        # Meanwhile the pipe becomes full.
        lines.wait_until_written(0.02)
        data += os.read(end.read_end, 2**16)
    assert data.decode() == text
    assert lines.wait_until_written(PATIENCE)
    assert lines.dropped == 0


def test_a_pipe_without_a_reader_gets_lines_again_when_it_has_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ExitStack() as stack:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        stream = stack.enter_context(path.open("w"))
        os.close(reader)
        reported: list[int] = []
        lines = LineQueue(stream, report=reported.append)
        for line in LINES:
            lines.write(line)
        assert lines.wait_until_written(PATIENCE)
        assert (lines.dropped, reported) == (15, [])
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, reader)
        lines.write("again\n")
        assert lines.wait_until_written(PATIENCE)
        assert os.read(reader, 100) == b"again\n"
        assert (lines.dropped, reported) == (15, [15])


def test_a_full_disk_drops_lines() -> None:
    with Path("/dev/full").open("w") as stream:
        lines = LineQueue(stream)
        lines.write("one\n")
        assert lines.wait_until_written(PATIENCE)
    assert lines.dropped == 1


def test_a_stream_without_a_descriptor_is_written_to() -> None:
    """Until it is closed."""
    stream = io.StringIO()
    lines = LineQueue(stream)
    lines.write("é\n")
    assert lines.wait_until_written(PATIENCE)
    assert stream.getvalue() == "é\n"
    stream.close()
    lines.write("lost\n")
    assert lines.wait_until_written(PATIENCE)
    assert lines.dropped == 1


def test_a_character_that_the_stream_cannot_encode_is_escaped(end: Pipe) -> None:
    LineQueue(stream_of(end, "ascii")).write("é\udce9\n")
    assert end.read(11) == b"\\xe9\\udce9\n"


def test_threads_may_write_at_the_same_time() -> None:
    stream = io.StringIO()
    lines = LineQueue(stream)

    def write_many(name: str) -> None:
        for number in range(500):
            lines.write(f"{name} {number}\n")

    threads = [threading.Thread(target=write_many, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines.wait_until_written(PATIENCE)
    written = stream.getvalue().splitlines()
    for name in "abc":
        of_thread = [line for line in written if line.startswith(name)]
        assert of_thread == [f"{name} {number}" for number in range(500)]
