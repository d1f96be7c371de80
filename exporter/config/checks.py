"""Rules over several fields of one record."""

from collections.abc import Iterator, Mapping
from typing import Final

from exporter import durations
from exporter.config.shapes import Complaint

ACCOUNT_SCHEMA: Final[dict[str, object]] = {
    "oneOf": [{"required": ["api_key_file"]}, {"required": ["api_key_env"]}],
    "anyOf": [
        {"required": ["agents"], "properties": {"agents": {"minItems": 1}}},
        {"required": ["discover"]},
    ],
}
"""What `account` checks, in JSON Schema."""


def account(values: Mapping[str, object]) -> Iterator[Complaint]:
    """Require one source for the key and something to watch."""
    sources = [values[key] for key in ("api_key_file", "api_key_env") if values[key] is not None]
    if not sources:
        yield (), "no API key: set api_key_file or api_key_env"
    if len(sources) > 1:
        yield ("api_key_env",), "api_key_file is set as well: keep one of the two"
    if not values["agents"] and values["discover"] is None:
        yield ("agents",), "nothing to watch: list agents, or write `discover: {}` for all of them"


def polling(values: Mapping[str, object]) -> Iterator[Complaint]:
    """Require that data outlive the time between two polls, and a poll."""
    stale_after = values["stale_after"]
    for key in ("interval", "idle_interval", "timeout"):
        value = values[key]
        if not isinstance(value, float) or not isinstance(stale_after, float):
            continue
        if stale_after < value or (stale_after == value and key != "timeout"):
            yield (key, "stale_after"), _outlived(key, value, stale_after)


def _outlived(key: str, value: float, stale_after: float) -> str:
    bound = "at most" if key == "timeout" else "shorter than"
    pair = f"{key} ({durations.render(value)}) must be {bound} stale_after"
    return f"{pair} ({durations.render(stale_after)}), or series would come and go between polls"
