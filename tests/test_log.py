"""Log lines: four formats, and no secret in any."""

import io
import json
import logging
import os
from collections.abc import Iterator

import pytest
import structlog

from exporter.log import LogFormat, Redactor, configure, report_crash
from tests.support.pipes import pipe
from tests.support.process import PATIENCE

SECRET = "canary-key-1234"  # noqa: S105 - made up for this test


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Restore the logging configuration after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Stream(io.StringIO):
    """A stream that says whether it is a terminal, and that has every line that was logged."""

    def __init__(self, level: str, form: LogFormat, redactor: Redactor, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self._lines = configure(level, form, redactor, self)

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._terminal

    def getvalue(self) -> str:
        """Return the lines, once all are written."""
        assert self._lines.wait_until_written(PATIENCE)
        return super().getvalue()


def configured(form: LogFormat, level: str = "debug", *, terminal: bool = False) -> Stream:
    """Configure logging with a redactor that knows the secret; return the stream of the lines."""
    redactor = Redactor()
    redactor.add(SECRET)
    return Stream(level, form, redactor, terminal=terminal)


def test_logfmt() -> None:
    stream = configured(LogFormat.LOGFMT)
    structlog.get_logger().info("listening", address="[::]:10110", fine=True, note="two words\nand")
    line = stream.getvalue()
    assert line.startswith("timestamp=20")
    rest = line.partition("Z ")[2]
    assert rest == (
        'level=info event=listening address=[::]:10110 fine=true note="two words\\nand"\n'
    )


@pytest.mark.parametrize("form", list(LogFormat))
def test_control_characters_in_a_name_are_escaped(form: LogFormat) -> None:
    stream = configured(form)
    structlog.get_logger().info("agent_found", agent="\x1b[2J\x9b2J\nlevel=error\x7f")
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert "x1b[2J" in line


def test_json() -> None:
    stream = configured(LogFormat.JSON)
    structlog.get_logger().warning("agent_down", reason="auth")
    logging.getLogger("aiohttp.server").error("closed %s", "early")
    ours, theirs = map(json.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["reason"]) == ("agent_down", "warning", "auth")
    assert (theirs["event"], theirs["level"]) == ("closed early", "error")


def test_console() -> None:
    stream = configured(LogFormat.CONSOLE)
    structlog.get_logger().info("listening", address="x:1")
    assert "listening" in stream.getvalue()
    assert "address=x:1" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()


def test_auto_is_console_on_a_terminal_and_logfmt_elsewhere() -> None:
    terminal = configured(LogFormat.AUTO, terminal=True)
    structlog.get_logger().info("hello")
    assert "\x1b[" in terminal.getvalue()
    elsewhere = configured(LogFormat.AUTO)
    structlog.get_logger().info("hello")
    assert "event=hello" in elsewhere.getvalue()


def test_lines_below_the_minimum_level_are_not_logged() -> None:
    stream = configured(LogFormat.LOGFMT, "warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("asyncio").info("quiet")
    structlog.get_logger().warning("loud")
    assert len(stream.getvalue().splitlines()) == 1


def fail_with_the_secret() -> None:
    """Raise an error that quotes its argument, as a library may."""
    local = SECRET
    raise ValueError(f"bad header {local!r}")


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize("terminal", [False, True])
def test_no_format_logs_a_secret(form: LogFormat, *, terminal: bool) -> None:
    """Not in a value, not in a message of a library, and not in a traceback with its causes."""
    stream = configured(form, terminal=terminal)
    log = structlog.get_logger()
    log.info(SECRET, value=SECRET, nested={"deep": [SECRET]})
    logging.getLogger("aiohttp").warning("header %s", SECRET)
    try:
        try:
            fail_with_the_secret()
        except ValueError as error:
            raise ExceptionGroup("several", [error, RuntimeError(SECRET)]) from error
    except ExceptionGroup as group:
        log.exception("broke")
        report_crash(type(group), group, group.__traceback__)
    text = stream.getvalue()
    assert SECRET not in text
    assert "exporter_crashed" in text
    assert text.count("***") >= 8
    assert "fail_with_the_secret" in text


def test_a_secret_is_replaced_from_the_moment_it_is_added() -> None:
    redactor = Redactor()
    assert redactor.clean("a-b") == "a-b"
    redactor.add("a")
    redactor.add("b")
    assert redactor.clean("a-b") == "***-***"


def test_lines_that_were_dropped_are_reported() -> None:
    """In one line, once there is room again."""
    with pipe() as full:
        filled = full.fill()
        stream = open(full.write_end, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the pipe is closed
        lines = configure("info", LogFormat.LOGFMT, Redactor(), stream)
        for _ in range(12):
            structlog.get_logger().info("glob_found", glob="x" * 100_000)
        full.read(filled)
        text = ""
        while "log_lines_dropped" not in text or not text.endswith("\n"):
            text += os.read(full.read_end, 2**16).decode()
        assert lines.wait_until_written(PATIENCE)
    assert lines.dropped == 2
    assert text.count("event=glob_found") == 10
    assert "level=warning event=log_lines_dropped lines=2\n" in text


def test_the_default_stream_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    lines = configure("info", LogFormat.LOGFMT, Redactor())
    structlog.get_logger().info("hello")
    assert lines.wait_until_written(PATIENCE)
    out, err = capsys.readouterr()
    assert out == ""
    assert "event=hello" in err
