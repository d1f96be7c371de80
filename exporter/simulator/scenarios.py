"""The demo account: agents with human names, and among them every state of a campaign."""

import random

import msgspec

from exporter.simulator import campaigns
from exporter.simulator.crowd import one_call_batches
from exporter.simulator.identifiers import dice, new_id
from exporter.simulator.model import DAY, Account, Agent, Campaign

_AGENTS: tuple[tuple[str | None, tuple[Campaign, ...]], ...] = (
    ("Renewals", (campaigns.OLD, campaigns.COMPLETE, campaigns.HEALTHY)),
    ("Payment Reminders", (campaigns.WITH_ERRORS, campaigns.STALLED)),
    ("Appointment Confirmations", (campaigns.EXPIRED, campaigns.PAUSED)),
    ("Customer Survey", (campaigns.SLOW, campaigns.SCHEDULED)),
    ("Win-back", (campaigns.WINDOWLESS, campaigns.DRAINED)),
    ("Delivery Notices", (campaigns.CLOSED, *campaigns.RECURRING)),
    ("Spare Parts Desk", ()),
    (None, (campaigns.PLAIN,)),
)


def demo_account(seed: int = 1) -> Account:
    """Make the demo account; its ids and the pace of single calls depend on `seed` alone.

    Scenarios: `healthy stalled paused slow scheduled windowless drained complete errors expired
    closed old plain recurring crowd-ended crowd-pending`. The agent without a name serves bare
    pages.
    """
    rng = dice(seed)
    agents = [_agent(rng, name, prototypes) for name, prototypes in _AGENTS]
    crowd = Agent(
        agent_id=new_id(rng),
        name="Callback Requests",
        campaigns=one_call_batches(rng),
        created=-60 * DAY,
    )
    return Account(
        name="Northwind Outreach",
        agents=(*agents, crowd),
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
