"""Structured logs on standard error, in four formats, without secrets.

Event names are short and constant. The details are key-value pairs. Lines of libraries (aiohttp,
asyncio) are logged in the same way. Every finished line passes the redactor, tracebacks included.
A thread writes the lines: see `log_queue`.
"""

import atexit
import logging
import sys
from collections.abc import Iterable
from enum import StrEnum
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from exporter.log_queue import LineQueue

LEVELS = ("debug", "info", "warning", "error")
"""Minimum levels, the lowest first."""

LEVEL_ALIASES = {"warn": "warning"}
"""Other names of levels: Prometheus writes `warn`."""


class LogFormat(StrEnum):
    """Format of log lines. AUTO is CONSOLE on a terminal and LOGFMT elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    LOGFMT = "logfmt"
    JSON = "json"


class Redactor:
    """Replaces secrets in text.

    This is the second line of defence. The exporter itself logs no secret, but an error message of
    a library may quote one.
    """

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def add(self, secret: str) -> None:
        """Replace this secret in every later line."""
        self._secrets.append(secret)

    def clean(self, text: str) -> str:
        """Return the text with `***` in place of each secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders a log record with the given processors, then redacts the finished line."""

    def __init__(self, redactor: Redactor, renderers: list[Processor]) -> None:
        super().__init__(processors=renderers, foreign_pre_chain=_STAMPS)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(super().format(record))


_STAMPS: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(
    level: str, form: LogFormat, redactor: Redactor, stream: TextIO | None = None
) -> LineQueue:
    """Write log lines from `level` upwards to `stream` (default: standard error) in one format.

    Returns the queue of the lines. The end of the process waits for it.
    """
    stream = sys.stderr if stream is None else stream
    lines = LineQueue(stream, report=_report_dropped)
    atexit.register(lines.wait_until_written)
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_Formatter(redactor, _renderers(form, terminal=stream.isatty())))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[*_STAMPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    return lines


def _report_dropped(count: int) -> None:
    structlog.get_logger().warning("log_lines_dropped", lines=count)


def _renderers(form: LogFormat, *, terminal: bool) -> list[Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form is LogFormat.AUTO:
        form = LogFormat.CONSOLE if terminal else LogFormat.LOGFMT
    match form:
        case LogFormat.CONSOLE:
            # structlog's other formatters print local variables, and a local variable may be a key.
            plain = structlog.dev.plain_traceback
            return [
                strip,
                _printable(_CONTROLS),
                structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=plain),
            ]
        case LogFormat.LOGFMT:
            order = ["timestamp", "level", "event"]
            renderer: Processor = structlog.processors.LogfmtRenderer(
                key_order=order, bool_as_flag=False
            )
        case _:
            renderer = structlog.processors.JSONRenderer()
    # These two renderers escape line breaks themselves.
    printable = _printable(_CONTROLS - {ord("\n")})
    return [strip, printable, structlog.processors.format_exc_info, renderer]


_CONTROLS = frozenset((*range(0x20), *range(0x7F, 0xA0)))


def _printable(controls: Iterable[int]) -> Processor:
    """Return a processor that escapes control characters: a name from the API may contain them."""
    escapes = {code: f"\\x{code:02x}" for code in controls}

    def translate(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {
            key: value.translate(escapes) if isinstance(value, str) else value
            for key, value in event.items()
        }

    return translate


def report_crash(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Log the error that ends the process. As `sys.excepthook`, so that it passes the redactor."""
    structlog.get_logger().critical("exporter_crashed", exc_info=(kind, error, traceback))
