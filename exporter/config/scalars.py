"""The scalars of the file: text, durations, numbers, switches, the base URL; secrets.

No message repeats the text of the file: an operator may have pasted a key into the wrong place.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final, NoReturn

from exporter import durations
from exporter.config.shapes import Scalar

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# YAML 1.1 reads 010 as eight, 1_000 as a thousand and 1:30 as ninety. Only plain digits are clear.
_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?")
_WHOLE: Final = re.compile("0|[1-9][0-9]{0,14}")
_TRUE: Final = ("true", "yes", "on")
_FALSE: Final = ("false", "no", "off")
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/[\x21-\x7e]*)?",
    re.IGNORECASE,
)
# A name server is asked for labels of 1 to 63 characters. Python can't encode others.
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE
)
_PORTS: Final = range(1, 65536)
_YEAR: Final = durations.parse("1y")


class Secret:
    """A text that only `reveal` returns. It can't be copied or pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __repr__(self) -> str:
        """Return `***` for every text."""
        return "***"

    def __format__(self, _spec: str) -> str:
        """Return `***` for every text and every format."""
        return "***"

    def __eq__(self, other: object) -> bool:
        """Return whether the other is a secret with the same text."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """Return the text's hash, so that equal secrets are one in a set."""
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        """Raise TypeError: a secret is not written anywhere."""
        raise TypeError("a secret can't be pickled or copied")


def text(expected: str, pattern: str | None = None, *, resolver: str = "") -> Scalar:
    """Return the scalar for text on one line, all of which matches a pattern."""
    whole = re.compile(pattern or ".*")

    def parse(written: str) -> str:
        if _CONTROL.search(written):
            raise ValueError(f"expected {expected}, without control characters or line breaks")
        if not whole.fullmatch(written):
            raise ValueError(f"expected {expected}")
        return written

    schema: dict[str, object] = {"type": "string"}
    if pattern is not None:
        schema["pattern"] = f"^(?:{pattern})$"
    return Scalar(expected, ("str",), parse, schema, resolver=resolver)


def duration(lowest: str) -> Scalar:
    """Return the scalar for a duration from `lowest` to one year, in float seconds."""
    floor = durations.parse(lowest)

    def parse(written: str) -> float:
        seconds = durations.parse(written)
        if not floor <= seconds <= _YEAR:
            raise ValueError(f"expected a duration from {lowest} to 1y")
        return seconds

    schema: dict[str, object] = {"type": "string", "pattern": f"^{durations.PATTERN}$"}
    # An integer is accepted here so that the message can name the missing unit.
    return Scalar("a duration such as 30s", ("str", "int"), parse, schema, show=durations.render)


def rate(highest: int) -> Scalar:
    """Return the scalar for a number above 0 and at most `highest`, as a float."""
    expected = f"a number above 0 and at most {highest}"

    def parse(written: str) -> float:
        return _within(_NUMBER, written, lambda number: 0 < number <= highest, expected)

    schema: dict[str, object] = {"type": "number", "exclusiveMinimum": 0, "maximum": highest}
    return Scalar(expected, ("int", "float"), parse, schema)


def whole(lowest: int, highest: int) -> Scalar:
    """Return the scalar for an integer between two limits, both included."""
    expected = f"a whole number from {lowest} to {highest}"

    def parse(written: str) -> int:
        return int(_within(_WHOLE, written, lambda n: lowest <= n <= highest, expected))

    schema: dict[str, object] = {"type": "integer", "minimum": lowest, "maximum": highest}
    return Scalar(expected, ("int",), parse, schema)


def _within(
    pattern: re.Pattern[str], written: str, allowed: Callable[[float], bool], expected: str
) -> float:
    if not pattern.fullmatch(written) or not allowed(float(written)):
        raise ValueError(f"expected {expected}, in plain decimal digits")
    return float(written)


def _flag(written: str) -> bool:
    if written.lower() not in _TRUE + _FALSE:
        raise ValueError("expected true or false")
    return written.lower() in _TRUE


FLAG: Final = Scalar("true or false", ("bool",), _flag, {"type": "boolean"})
"""A switch."""


def _base_url(written: str) -> str:
    authority = written.partition("://")[2].partition("/")[0]
    if "@" in authority:
        raise ValueError(
            "must not contain credentials: set the key with api_key_file or api_key_env"
        )
    if "?" in written or "#" in written:
        raise ValueError("must not contain a query or a fragment")
    found = _URL.fullmatch(written)
    if found is None or not is_host(found["host"], found["port"]):
        raise ValueError("expected an absolute URL such as https://api.ultravox.ai")
    if found["scheme"].lower() == "http" and not is_loopback(found["host"]):
        raise ValueError(
            "http sends the key unencrypted: use https (http is for loopback addresses only)"
        )
    return written.rstrip("/")


def is_host(host: str, port: str | None) -> bool:
    """Return whether a connection to a host and a port can be tried."""
    named = ip_address(host) is not None or _is_host_name(host)
    return named and (port is None or int(port) in _PORTS)


def _is_host_name(host: str) -> bool:
    """Return whether a name server can be asked for the host. `1.2.3` is a wrong IP address."""
    name = host.removesuffix(".")
    return _HOST_NAME.fullmatch(name) is not None and not name.rpartition(".")[2].isdigit()


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or its address."""
    address = ip_address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is, None for a name. IPv6 may be in brackets."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


BASE_URL: Final = Scalar(
    "an absolute URL",
    ("str",),
    _base_url,
    {"type": "string", "format": "uri", "pattern": "^[hH][tT][tT][pP][sS]?://[^?#]+$"},
)
"""The API's address without a slash at its end: https, or http to a loopback address."""
