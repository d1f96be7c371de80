"""The demo's campaigns, one for every state in which a campaign may be; ids come later.

Offsets are simulated seconds from the epoch. Troubled campaigns stay in their trouble for days, so
that a world of sixty times the speed still shows them for an hour. The old one is so old that it
is more than a day old at that speed, too.
"""

from functools import partial

from exporter.simulator.canaries import WEBHOOK_URL_CANARY
from exporter.simulator.model import DAY, Campaign

_HOUR = 3_600.0
_WEBHOOK = f"https://hooks.example.com/ultravox?token={WEBHOOK_URL_CANARY}"

_campaign = partial(Campaign, batch_id="")

HEALTHY = _campaign(
    scenario="healthy",
    created=-2.5 * _HOUR - 11.482_913,
    total=4_800,
    rate=4_800 / (6.5 * _HOUR),
    window_start=-2 * _HOUR,
    window_end=6 * _HOUR,
    error_share=0.02,
    throttle="weekday-calm",
)
STALLED = _campaign(
    scenario="stalled",
    created=-7 * _HOUR - 48.120_077,
    total=3_000,
    rate=0.06,
    window_start=-6 * _HOUR,
    window_end=5 * DAY,
    stalled_at=-0.75 * _HOUR,
    webhook_url=_WEBHOOK,
)
PAUSED = _campaign(
    scenario="paused",
    created=-11 * _HOUR - 5.900_001,
    total=2_200,
    rate=0.05,
    window_start=-10 * _HOUR,
    window_end=4 * DAY,
    paused_at=-3 * _HOUR,
)
SLOW = _campaign(
    scenario="slow",
    created=-20 * _HOUR - 30.777_123,
    total=6_000,
    rate=6_000 * 0.45 / (5 * DAY),
    window_start=-20 * _HOUR,
    window_end=5 * DAY - 20 * _HOUR,
    error_share=0.05,
    omitted=("paused", "webhookUrl"),
)
SCHEDULED = _campaign(
    scenario="scheduled",
    created=-1 * _HOUR - 2.019_284,
    total=1_500,
    rate=1_500 / (7 * _HOUR),
    window_start=8 * _HOUR,
    window_end=16 * _HOUR,
)
WINDOWLESS = _campaign(
    scenario="windowless",
    created=-1 * DAY - 77.345_678,
    total=12_000,
    rate=12_000 / (7 * DAY),
    error_share=0.01,
    omitted=("windowStart", "windowEnd", "paused"),
)
DRAINED = _campaign(
    scenario="drained",
    created=-5 * _HOUR - 9.333_331,
    total=640,
    rate=640 / (3 * _HOUR),
    window_start=-5 * _HOUR,
    window_end=3 * DAY,
    ends=False,
)
COMPLETE = _campaign(
    scenario="complete",
    created=-9 * _HOUR - 17.250_009,
    total=1_200,
    rate=1_200 / (3.2 * _HOUR),
    window_start=-9 * _HOUR,
    window_end=-1 * _HOUR,
)
WITH_ERRORS = _campaign(
    scenario="errors",
    created=-6 * _HOUR - 21.004_410,
    total=800,
    rate=800 / (2.5 * _HOUR),
    window_start=-6 * _HOUR,
    window_end=2 * _HOUR,
    error_share=0.31,
    webhook_url=_WEBHOOK,
)
EXPIRED = _campaign(
    scenario="expired",
    created=-16 * _HOUR - 40.616_161,
    total=2_500,
    rate=1_700 / (8 * _HOUR),
    window_start=-16 * _HOUR,
    window_end=-8 * _HOUR,
    error_share=0.03,
)
CLOSED = _campaign(
    scenario="closed",
    created=-13 * _HOUR - 8.505_050,
    total=900,
    rate=700 / (8 * _HOUR),
    window_start=-13 * _HOUR,
    window_end=-5 * _HOUR,
    ends=False,
)
OLD = _campaign(
    scenario="old",
    created=-91 * DAY - 3.104_207,
    total=900,
    rate=900 / (2 * _HOUR),
    window_start=-91 * DAY,
    window_end=-91 * DAY + 8 * _HOUR,
)
PLAIN = _campaign(
    scenario="plain",
    created=-3 * _HOUR - 1.212_121,
    total=5_000,
    rate=5_000 / (6 * DAY),
    omitted=("windowStart", "windowEnd", "throttle", "webhookUrl", "webhookSecret", "paused"),
)
RECURRING = tuple(
    _campaign(
        scenario="recurring",
        created=round_ * 4 * _HOUR - 0.5 * _HOUR - 6.060_606,
        total=450,
        rate=450 / (2.5 * _HOUR),
        window_start=round_ * 4 * _HOUR,
        window_end=round_ * 4 * _HOUR + 3 * _HOUR,
        error_share=0.04,
    )
    for round_ in range(-3, 84)
)
"""A campaign every four hours, three of them past, for two weeks to come."""
