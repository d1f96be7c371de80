"""Which format and which encoding a scraper accepts. Pure."""

from collections.abc import Iterator

from exporter.render.text import Format


def negotiate(accept: str) -> Format:
    """Return the format that an Accept header likes best; the older one where it does not say.

    OpenMetrics counts where it is accepted in version 1.0.0 or without a version. An equal liking
    is settled in favour of OpenMetrics, the richer of the two.
    """
    liking = {Format.PROMETHEUS: 0.0, Format.OPENMETRICS: 0.0}
    for media, parameters in _offers(accept):
        form = _format(media, parameters.get("version"))
        if form is not None:
            liking[form] = max(liking[form], _quality(parameters.get("q")))
    if liking[Format.OPENMETRICS] > 0 and liking[Format.OPENMETRICS] >= liking[Format.PROMETHEUS]:
        return Format.OPENMETRICS
    return Format.PROMETHEUS


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header lets an answer be compressed with gzip.

    What it says of gzip counts before what it says of the rest (`*`).
    """
    liking = {name: _quality(parameters.get("q")) for name, parameters in _offers(accept_encoding)}
    return liking.get("gzip", liking.get("x-gzip", liking.get("*", 0.0))) > 0


def _offers(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each offer of an Accept header and its parameters."""
    for offer in header.split(","):
        name, _, rest = offer.partition(";")
        yield name.strip().lower(), dict(_parameter(text) for text in rest.split(";"))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _format(media: str, version: str | None) -> Format | None:
    match media, version:
        case "application/openmetrics-text", None | "1.0.0":
            return Format.OPENMETRICS
        case (("text/plain" | "text/*" | "*/*"), _):
            return Format.PROMETHEUS
        case _:
            return None


def _quality(text: str | None) -> float:
    """Return a q-value; 1 where there is none (as HTTP says), 0 where it is no number."""
    if text is None:
        return 1.0
    try:
        return float(text)
    except ValueError:
        return 0.0
