"""The proxy on the way to the API: its keys, as Prometheus names them, and when it is used.

A proxy is asked for a tunnel (CONNECT), so it sees neither the API key nor the responses. A request
with http goes to loopback only, and never to a proxy.
"""

import base64
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

from exporter.config.scalars import FLAG, Secret, ip_address, is_host, is_loopback, text
from exporter.config.shapes import Check, ListOf, MapOf, Scalar, Violation

_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<credentials>[!-~]*)@)?"
    r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)
_ENTRY: Final = re.compile(r"(\[[^\]]*\]|[^:]*):([^:]*)")
_HTTPS_PORT: Final = 443
# A log would be unreadable if every `a` in it were replaced.
_SHORTEST_REDACTED: Final = 4


class ProxyUrl(Secret):
    """The URL of a proxy. As text, it is without its credentials."""

    __slots__ = ()

    @property
    def credentials(self) -> str | None:
        """Return `USER:PASSWORD` as the URL has it, None without."""
        authority = self.reveal().partition("://")[2].rstrip("/")
        return authority.rpartition("@")[0] if "@" in authority else None

    @property
    def address(self) -> str:
        """Return the URL without credentials."""
        scheme, _, authority = self.reveal().partition("://")
        return f"{scheme}://{authority.rpartition('@')[2]}"

    def __repr__(self) -> str:
        """Return the URL with `***` for its credentials."""
        return self.address if self.credentials is None else self.address.replace("//", "//***@")

    def __format__(self, _spec: str) -> str:
        """Return the URL with `***` for its credentials."""
        return repr(self)


def _proxy_url(written: str) -> ProxyUrl:
    found = _URL.fullmatch(written)
    if found is None or not is_host(found["host"], found["port"]):
        raise ValueError("expected the URL of a proxy such as http://proxy.example.com:3128")
    if found["scheme"].lower() not in {"http", "https"}:
        raise ValueError("expected http:// or https://: other kinds of proxies are not supported")
    if re.search("[/?#@]", found["credentials"] or ""):
        raise ValueError("write / ? # @ in the credentials as %2F %3F %23 %40")
    return ProxyUrl(written)


_PROXY_URL: Final = Scalar(
    "the URL of a proxy",
    ("str",),
    _proxy_url,
    {"type": "string", "format": "uri", "pattern": "^[hH][tT][tT][pP][sS]?://[^?#]+$"},
)
_NO_PROXY: Final = text("a list of hosts with commas between them", r".*\S.*")
_HEADER: Final = text("the name of a header", "[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_TEXT: Final = text("a header's value of printable ASCII", "[ -~]+")


def _header_value(written: str) -> Secret:
    _VALUE_TEXT.parse(written)
    return Secret(written)


_VALUE: Final = Scalar(_VALUE_TEXT.expected, ("str",), _header_value, _VALUE_TEXT.schema)


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of an account that choose its proxy."""

    proxy_url: Annotated[
        ProxyUrl | None, _PROXY_URL, "Proxy for the requests to the API; may have credentials."
    ] = None
    no_proxy: Annotated[
        str | None,
        _NO_PROXY,
        "Hosts that are asked without the proxy: names, IP addresses, CIDR, *; with commas.",
    ] = None
    proxy_from_environment: Annotated[
        bool, FLAG, "true: the proxy is that of the variables HTTPS_PROXY and NO_PROXY."
    ] = False
    proxy_connect_header: Annotated[
        dict[str, tuple[Secret, ...]],
        MapOf(_HEADER, ListOf(_VALUE, lowest=1)),
        "Headers for the proxy, each with a list of values, which are kept secret.",
    ] = {}


_FROM_ENVIRONMENT: Final[dict[str, object]] = {
    "required": ["proxy_from_environment"],
    "properties": {"proxy_from_environment": {"const": True}},
}
PROXY_SCHEMA: Final[dict[str, object]] = {
    "dependentRequired": {"no_proxy": ["proxy_url"]},
    "not": {"allOf": [{"required": ["proxy_url"]}, _FROM_ENVIRONMENT]},
    "if": {
        "required": ["proxy_connect_header"],
        "properties": {"proxy_connect_header": {"minProperties": 1}},
    },
    "then": {"anyOf": [{"required": ["proxy_url"]}, _FROM_ENVIRONMENT]},
}
"""What `check_proxy` requires, in JSON Schema."""


def check_proxy(values: Mapping[str, object]) -> Iterator[Violation]:
    """Require a combination of the keys that Prometheus accepts."""
    from_url = values["proxy_url"] is not None
    from_environment = values["proxy_from_environment"] is True
    if from_url and from_environment:
        yield ("proxy_from_environment",), "proxy_url is also set: keep one of the two"
    if values["no_proxy"] is not None and not from_url:
        yield ("no_proxy",), "no proxy_url: only a proxy of this file has exceptions here"
    if values["proxy_connect_header"] and not from_url and not from_environment:
        yield ("proxy_connect_header",), "no proxy: set proxy_url or proxy_from_environment"


def environment_check(environ: Mapping[str, str]) -> Check:
    """Return the check that the environment has no unusable proxy for an account."""

    def check(values: Mapping[str, object]) -> Iterator[Violation]:
        if values["proxy_from_environment"] is True:
            try:
                _of_environment(environ)
            except ValueError as error:
                yield ("proxy_from_environment",), f"environment variable HTTPS_PROXY: {error}"

    return check


class Proxy(msgspec.Struct, frozen=True):
    """A proxy to use: its URL without credentials, and the headers of CONNECT."""

    url: str
    headers: tuple[tuple[str, Secret], ...]


def proxy_of(settings: ProxySettings, base_url: str, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for requests to a base URL, None for none.

    Raises ValueError for a variable that `environment_check` refuses.
    """
    target = urlsplit(base_url)
    host, port = target.hostname or "", str(target.port or _HTTPS_PORT)
    url, exceptions = settings.proxy_url, settings.no_proxy
    if settings.proxy_from_environment:
        url, exceptions = _of_environment(environ), _variable(environ, "NO_PROXY")
    if url is None or target.scheme != "https":
        return None
    # Go asks loopback directly where there may be exceptions, not where there is a URL alone.
    if exceptions is not None and (is_loopback(host) or is_exempt(exceptions, host, port)):
        return None
    headers = [
        (name, value) for name, values in settings.proxy_connect_header.items() for value in values
    ]
    if url.credentials is not None:
        headers = [pair for pair in headers if pair[0].lower() != "proxy-authorization"]
        headers.append(("Proxy-Authorization", Secret(f"Basic {_basic(url.credentials)}")))
    return Proxy(url.address, tuple(headers))


def proxy_secrets(settings: ProxySettings, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts about a proxy that no log may contain."""
    url = settings.proxy_url
    if settings.proxy_from_environment:
        url = _of_environment(environ)
    found = [text for values in settings.proxy_connect_header.values() for text in values]
    secrets = [word for value in found for word in (value.reveal(), *value.reveal().split())]
    if url is not None and url.credentials is not None:
        password = url.credentials.partition(":")[2]
        plain = unquote_to_bytes(password).decode(errors="replace")
        secrets += [_basic(url.credentials), url.credentials, password, plain]
    # The longest first: a part of it that is replaced before would leave the rest.
    for secret in sorted({*secrets}, key=len, reverse=True):
        if len(secret) >= _SHORTEST_REDACTED:
            yield secret


def _basic(credentials: str) -> str:
    user, _, password = credentials.partition(":")
    plain = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return base64.b64encode(plain).decode()


def _of_environment(environ: Mapping[str, str]) -> ProxyUrl | None:
    written = _variable(environ, "HTTPS_PROXY")
    if not written:
        return None
    return _proxy_url(written if "://" in written else f"http://{written}")


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def is_exempt(no_proxy: str, host: str, port: str) -> bool:
    """Return whether a list of exceptions, as Go reads it, has a host."""
    return any(_matches(entry.strip().lower(), host, port) for entry in no_proxy.split(","))


def _matches(entry: str, host: str, port: str) -> bool:
    address = ip_address(host)
    if "/" in entry:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    parts = _ENTRY.fullmatch(entry)
    name, wanted = parts.groups() if parts else (entry, "")
    if wanted not in {"", port}:
        return False
    if (named := ip_address(name)) is not None:
        return named == address
    with_subdomains = name.removeprefix("*") if name.startswith("*.") else name
    domain = with_subdomains.removeprefix(".")
    if entry == "*" or not domain:
        return entry == "*"
    return host.endswith(f".{domain}") or (with_subdomains == host)
