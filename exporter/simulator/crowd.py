"""An agent with a thousand batches of one call each: some customers work like that (observed)."""

import random

from exporter.simulator.identifiers import new_id
from exporter.simulator.model import Campaign

SIZE = 1_000
"""The number of batches."""

_HOUR = 3_600.0
_APART = 80.0  # seconds from one batch to the next: the thousandth came less than an hour ago
_FIRST = -23 * _HOUR  # within a day of the epoch, so that the ended ones count as recent
_PENDING_FROM = 970  # of the thousand, these and later ones are not made yet
_TWINS = (500, 501, 502)  # created at the same moment
_FAILING = 17  # every so manieth call is an error
_OPTIONAL = ("windowStart", "windowEnd", "throttle", "webhookUrl", "paused")


def one_call_batches(rng: random.Random) -> tuple[Campaign, ...]:
    """Return the batches, oldest first: 970 have ended, 15 are due, 15 wait for their window."""
    return tuple(_one_call(rng, number) for number in range(SIZE))


def _one_call(rng: random.Random, number: int) -> Campaign:
    place = _TWINS[0] if number in _TWINS else number
    created = _FIRST + place * _APART + 0.000_417 * place
    pending = number >= _PENDING_FROM
    opens = _HOUR * (12 + number - _PENDING_FROM) if pending and number % 2 else None
    return Campaign(
        batch_id=new_id(rng),
        scenario="crowd-pending" if pending else "crowd-ended",
        created=created,
        total=1,
        rate=1 / (5 * 24 * _HOUR) if pending else 1 / rng.uniform(20, 70),
        window_start=opens,
        window_end=None if opens is None else opens + 6 * 24 * _HOUR,
        error_share=0.0 if number % _FAILING else 1.0,
        omitted=() if opens else _OPTIONAL[: number % (len(_OPTIONAL) + 1)],
    )
