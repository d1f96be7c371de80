"""The demo account has a campaign in each state, and those with a problem keep it for hours."""

from collections import Counter
from typing import Any

import pytest

from exporter.simulator import Simulator, demo_account
from tests.fake_api import CANARIES
from tests.simulator.support import EPOCH, Clock, serving

HOUR = 3_600
DAY = 24 * HOUR
ACCOUNT = demo_account()
BY_SCENARIO = {
    campaign.scenario: (agent.agent_id, campaign.batch_id)
    for agent in ACCOUNT.agents
    for campaign in agent.campaigns
}


def observed(clock: Clock, scenario: str, speed: float = 1.0) -> dict[str, Any]:
    """Return the record of one scenario's batch at the clock's time."""
    agent_id, batch_id = BY_SCENARIO[scenario]
    records = Simulator(ACCOUNT, clock=clock, epoch=EPOCH, speed=speed).batches(agent_id)
    return next(record for record in records if record["batchId"] == batch_id)


def state(record: dict[str, Any], now: str) -> set[str]:
    """Return the names of the facts that are true of a record; `now` is a timestamp, in seconds."""
    start, end = record.get("windowStart") or "", record.get("windowEnd") or "9"
    facts = {
        "ended": record["endedAt"] is not None,
        "remaining": record["completedCount"] < record["totalCount"],
        "started": record["completedCount"] > 0,
        "paused": record.get("paused", False),
        "open": start[:19] <= now < end[:19],
        "window": bool(record.get("windowEnd")),
    }
    return {name for name, true in facts.items() if true}


NOW_AFTER_HOURS = {0: "2026-09-21T14:13:20", 2: "2026-09-21T16:13:20", 4: "2026-09-21T18:13:20"}


@pytest.mark.parametrize(
    ("scenario", "facts"),
    [
        ("healthy", {"remaining", "started", "open", "window"}),
        ("stalled", {"remaining", "started", "open", "window"}),
        ("paused", {"remaining", "started", "open", "window", "paused"}),
        ("slow", {"remaining", "started", "open", "window"}),
        ("scheduled", {"remaining", "window"}),
        ("windowless", {"remaining", "started", "open"}),
        ("drained", {"started", "open", "window"}),
        ("complete", {"started", "ended", "window"}),
        ("errors", {"started", "ended", "open", "window"}),
        ("expired", {"remaining", "started", "ended", "window"}),
        ("closed", {"remaining", "started", "window"}),
        ("old", {"started", "ended", "window"}),
        ("plain", {"remaining", "started", "open"}),
    ],
)
def test_each_scenario_is_in_its_state_for_hours(
    clock: Clock, scenario: str, facts: set[str]
) -> None:
    for hours, now in NOW_AFTER_HOURS.items():
        clock.now = EPOCH + hours * HOUR
        seen = state(observed(clock, scenario), now)
        assert seen - {"open"} == facts - {"open"}
        assert ("open" in seen) == ("open" in facts) or "ended" in facts


@pytest.mark.parametrize(
    ("scenario", "moves"),
    [
        ("healthy", True),
        ("slow", True),
        ("windowless", True),
        ("stalled", False),
        ("paused", False),
    ],
)
@pytest.mark.parametrize("speed", [1, 60])
def test_which_campaigns_make_calls(clock: Clock, scenario: str, moves: bool, speed: int) -> None:
    before = observed(clock, scenario, speed)["completedCount"]
    clock.now += 2 * HOUR / speed
    after = observed(clock, scenario, speed)["completedCount"]
    assert (after > before) is moves


def test_slow_misses_its_window_and_healthy_does_not(clock: Clock) -> None:
    clock.now += 6 * DAY
    assert observed(clock, "slow")["completedCount"] < observed(clock, "slow")["totalCount"]
    assert observed(clock, "healthy")["completedCount"] == observed(clock, "healthy")["totalCount"]


def test_at_sixty_times_the_speed_a_window_of_eight_hours_lasts_eight_minutes(clock: Clock) -> None:
    record = observed(clock, "healthy", 60)
    assert (record["windowStart"], record["windowEnd"]) == (
        "2026-09-21T14:11:20Z",
        "2026-09-21T14:19:20Z",
    )


@pytest.mark.parametrize(("speed", "limit"), [(1, DAY), (60, DAY)])
def test_one_batch_ended_more_than_a_day_ago_at_speed_1_and_60(speed: int, limit: int) -> None:
    ended = observed(Clock(EPOCH), "old", speed)["endedAt"]
    later = observed(Clock(EPOCH - limit), "old", speed)["endedAt"]
    assert ended == later  # it had ended a day before the epoch


def test_one_agent_has_a_thousand_one_call_batches_most_of_them_ended(clock: Clock) -> None:
    """Three of them share their `created`."""
    agent_id, _ = BY_SCENARIO["crowd-ended"]
    records = Simulator(ACCOUNT, clock=clock).batches(agent_id)
    assert Counter(record["endedAt"] is not None for record in records) == {True: 970, False: 30}
    assert max(Counter(record["created"] for record in records).values()) == 3
    assert {record["totalCount"] for record in records} == {1}
    assert min(record["endedAt"] for record in records if record["endedAt"]) > "2026-09-20T14:13:20"


def test_recurring_campaigns_appear_every_four_hours(clock: Clock) -> None:
    agent_id, _ = BY_SCENARIO["recurring"]
    simulator = Simulator(ACCOUNT, clock=clock)
    counts = []
    for _ in range(3):
        counts.append(len(simulator.batches(agent_id)))
        clock.now += 4 * HOUR
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def test_agents_differ_in_names_and_batches(clock: Clock) -> None:
    """One without a batch, one without a name, the others with a name of their own."""
    simulator = Simulator(ACCOUNT, clock=clock)
    sizes = {
        record.get("name"): len(simulator.batches(record["agentId"]))
        for record in simulator.agents()
    }
    assert len(sizes) == len(simulator.agents())
    assert sizes[None] > 0
    assert sizes["Spare Parts Desk"] == 0
    assert sizes["Callback Requests"] == 1_000


def test_optional_fields_are_left_out_or_null_or_set(clock: Clock) -> None:
    simulator = Simulator(ACCOUNT, clock=clock)
    records = [
        record for agent in simulator.agents() for record in simulator.batches(agent["agentId"])
    ]
    for field in ("windowStart", "windowEnd", "throttle", "webhookUrl"):
        kinds = {"missing" if field not in record else record[field] is None for record in records}
        assert kinds == {"missing", True, False}
    assert {record.get("paused") for record in records} == {None, True, False}
    stamps = {
        "." in record[field]
        for record in records
        for field in ("created", "windowEnd")
        if record.get(field)
    }
    assert stamps == {True, False}


async def test_every_canary_is_served_somewhere(clock: Clock) -> None:
    simulator = Simulator(ACCOUNT, clock=clock)
    paths = ["/api/agents?pageSize=1"]
    for agent_id, batch_id in (BY_SCENARIO["errors"], BY_SCENARIO["stalled"]):
        paths.append(f"/api/agents/{agent_id}/scheduled_batches")
        paths.append(f"/api/agents/{agent_id}/scheduled_batches/{batch_id}/scheduled_calls")
    async with serving(simulator) as client:
        text = "".join([str(await client.json(path)) for path in paths])
    assert [canary for canary in CANARIES if canary not in text] == []
