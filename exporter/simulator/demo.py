"""The demo account: agents with human names, and among them a campaign in each state.

Offsets are simulated seconds from the epoch. Campaigns with a problem keep it for days, so that an
account at sixty times the speed still shows it for an hour. `OLD` ended more than a day ago at that
speed, too.
"""

import random
from functools import partial

import msgspec

from exporter.simulator.model import DAY, Account, Agent, Campaign, new_id, seeded_random

WEBHOOK_URL_CANARY = "canary-webhook-address-41d7"
"""In the query of the account's `webhookUrl`. No monitor may show it."""

_HOUR = 3_600.0
_WEBHOOK = f"https://hooks.example.com/ultravox?token={WEBHOOK_URL_CANARY}"

_campaign = partial(Campaign, batch_id="")  # `demo_account` draws the ids

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
        created=number * 4 * _HOUR - 0.5 * _HOUR - 6.060_606,
        total=450,
        rate=450 / (2.5 * _HOUR),
        window_start=number * 4 * _HOUR,
        window_end=number * 4 * _HOUR + 3 * _HOUR,
        error_share=0.04,
    )
    for number in range(-3, 84)
)
"""A campaign every four hours: three in the past, then for two weeks."""

_AGENTS: tuple[tuple[str | None, tuple[Campaign, ...]], ...] = (
    ("Renewals", (OLD, COMPLETE, HEALTHY)),
    ("Payment Reminders", (WITH_ERRORS, STALLED)),
    ("Appointment Confirmations", (EXPIRED, PAUSED)),
    ("Customer Survey", (SLOW, SCHEDULED)),
    ("Win-back", (WINDOWLESS, DRAINED)),
    ("Delivery Notices", (CLOSED, *RECURRING)),
    ("Spare Parts Desk", ()),
    (None, (PLAIN,)),
)

_ONE_CALL_BATCHES = 1_000
_PENDING_FROM = 970  # the number of the first one-call batch whose call is not made
_SAME_CREATED = (500, 501, 502)  # the numbers of one-call batches that share their `created`
_OPTIONAL = ("windowStart", "windowEnd", "throttle", "webhookUrl", "paused")


def demo_account(seed: int = 1) -> Account:
    """Return the demo account; its ids and the rates of its one-call batches depend on `seed`.

    `docs/simulator.md` lists its scenarios. The agent without a name serves bare pages.
    """
    rng = seeded_random(seed)
    agents = [_agent(rng, name, prototypes) for name, prototypes in _AGENTS]
    one_call = Agent(
        agent_id=new_id(rng),
        name="Callback Requests",
        campaigns=tuple(_one_call_batch(rng, number) for number in range(_ONE_CALL_BATCHES)),
        created=-60 * DAY,
    )
    return Account(
        name="Northwind Outreach",
        agents=(*agents, one_call),
        active_calls=37,
        allowed_concurrent_calls=100,
    )


def _agent(rng: random.Random, name: str | None, prototypes: tuple[Campaign, ...]) -> Agent:
    return Agent(
        agent_id=new_id(rng),
        name=name,
        campaigns=tuple(
            msgspec.structs.replace(prototype, batch_id=new_id(rng)) for prototype in prototypes
        ),
        created=-rng.uniform(120, 400) * DAY,
        bare_pages=name is None,
    )


def _one_call_batch(rng: random.Random, number: int) -> Campaign:
    """Return one of a thousand batches of one call (observed: some customers work like that).

    They are created within a day, 80 s apart, three of them at one moment. The first 970 have
    ended, every 17th with an error; of the others, 15 are due and 15 wait for their window.
    """
    place = _SAME_CREATED[0] if number in _SAME_CREATED else number
    pending = number >= _PENDING_FROM
    opens = _HOUR * (12 + number - _PENDING_FROM) if pending and number % 2 else None
    return Campaign(
        batch_id=new_id(rng),
        scenario="crowd-pending" if pending else "crowd-ended",
        created=-23 * _HOUR + place * 80.0 + 0.000_417 * place,
        total=1,
        rate=1 / (5 * DAY) if pending else 1 / rng.uniform(20, 70),
        window_start=opens,
        window_end=None if opens is None else opens + 6 * DAY,
        error_share=0.0 if number % 17 else 1.0,
        omitted=() if opens else _OPTIONAL[: number % (len(_OPTIONAL) + 1)],
    )
