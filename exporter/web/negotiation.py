"""The text format and the encoding that a scraper accepts. Pure."""

from collections.abc import Iterator

from exporter.render.text import Format


def negotiate(accept: str) -> Format:
    """Return the format that an Accept header prefers; Prometheus text without a preference.

    OpenMetrics needs version 1.0.0 or no version. If both have the same quality, OpenMetrics is
    preferred: it says more.
    """
    quality = {Format.PROMETHEUS: 0.0, Format.OPENMETRICS: 0.0}
    for media_type, parameters in _entries(accept):
        text_format = _format(media_type, parameters.get("version"))
        if text_format is not None:
            quality[text_format] = max(quality[text_format], _quality(parameters.get("q")))
    if 0 < quality[Format.OPENMETRICS] >= quality[Format.PROMETHEUS]:
        return Format.OPENMETRICS
    return Format.PROMETHEUS


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header accepts gzip.

    An entry for gzip has precedence over one for every encoding (`*`).
    """
    quality = {
        name: _quality(parameters.get("q")) for name, parameters in _entries(accept_encoding)
    }
    return quality.get("gzip", quality.get("x-gzip", quality.get("*", 0.0))) > 0


def _entries(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name and the parameters of each entry of an Accept header."""
    for entry in header.split(","):
        name, _, rest = entry.partition(";")
        yield name.strip().lower(), dict(_parameter(text) for text in rest.split(";"))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _format(media_type: str, version: str | None) -> Format | None:
    match media_type, version:
        case "application/openmetrics-text", None | "1.0.0":
            return Format.OPENMETRICS
        case (("text/plain" | "text/*" | "*/*"), _):
            return Format.PROMETHEUS
        case _:
            return None


def _quality(text: str | None) -> float:
    """Return a q-value: 1 if it is missing, as HTTP defines; 0 if it is not a number."""
    if text is None:
        return 1.0
    try:
        return float(text)
    except ValueError:
        return 0.0
