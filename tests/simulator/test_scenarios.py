"""The demo account shows every state of a campaign, and the troubled ones stay in it for hours."""

from collections import Counter
from typing import Any

import pytest

from exporter.simulator import CANARIES, Simulator, demo_account
from tests.simulator.support import EPOCH, Clock, visiting

HOUR = 3_600
DAY = 24 * HOUR
ACCOUNT = demo_account()
BY_SCENARIO = {
    campaign.scenario: (agent.agent_id, campaign.batch_id)
    for agent in ACCOUNT.agents
    for campaign in agent.campaigns
}


def view(clock: Clock, scenario: str, speed: float = 1.0) -> dict[str, Any]:
    """Return one scenario's row at the clock's time."""
    agent_id, batch_id = BY_SCENARIO[scenario]
    rows = Simulator(ACCOUNT, clock=clock, epoch=EPOCH, speed=speed).batches(agent_id)
    return next(row for row in rows if row["batchId"] == batch_id)


def state(row: dict[str, Any], now: str) -> set[str]:
    """List what is true of a row; `now` is a timestamp: those compare as text to the second."""
    start, end = row.get("windowStart") or "", row.get("windowEnd") or "9"
    facts = {
        "ended": row["endedAt"] is not None,
        "left": row["completedCount"] < row["totalCount"],
        "begun": row["completedCount"] > 0,
        "paused": row.get("paused", False),
        "open": start[:19] <= now < end[:19],
        "window": bool(row.get("windowEnd")),
    }
    return {name for name, true in facts.items() if true}


MOMENTS = {0: "2026-09-21T14:13:20", 2: "2026-09-21T16:13:20", 4: "2026-09-21T18:13:20"}


@pytest.mark.parametrize(
    ("scenario", "facts"),
    [
        ("healthy", {"left", "begun", "open", "window"}),
        ("stalled", {"left", "begun", "open", "window"}),
        ("paused", {"left", "begun", "open", "window", "paused"}),
        ("slow", {"left", "begun", "open", "window"}),
        ("scheduled", {"left", "window"}),
        ("windowless", {"left", "begun", "open"}),
        ("drained", {"begun", "open", "window"}),
        ("complete", {"begun", "ended", "window"}),
        ("errors", {"begun", "ended", "open", "window"}),
        ("expired", {"left", "begun", "ended", "window"}),
        ("closed", {"left", "begun", "window"}),
        ("old", {"begun", "ended", "window"}),
        ("plain", {"left", "begun", "open"}),
    ],
)
def test_each_scenario_is_in_its_state_for_hours(
    clock: Clock, scenario: str, facts: set[str]
) -> None:
    for hours, now in MOMENTS.items():
        clock.now = EPOCH + hours * HOUR
        seen = state(view(clock, scenario), now)
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
def test_who_dials_and_who_does_not(clock: Clock, scenario: str, moves: bool, speed: int) -> None:
    before = view(clock, scenario, speed)["completedCount"]
    clock.now += 2 * HOUR / speed
    after = view(clock, scenario, speed)["completedCount"]
    assert (after > before) is moves


def test_the_slow_one_will_miss_its_window_and_the_healthy_one_will_not(clock: Clock) -> None:
    clock.now += 6 * DAY
    assert view(clock, "slow")["completedCount"] < view(clock, "slow")["totalCount"]
    assert view(clock, "healthy")["completedCount"] == view(clock, "healthy")["totalCount"]


def test_at_sixty_times_the_speed_a_window_of_eight_hours_lasts_eight_minutes(clock: Clock) -> None:
    row = view(clock, "healthy", 60)
    assert (row["windowStart"], row["windowEnd"]) == (
        "2026-09-21T14:11:20Z",
        "2026-09-21T14:19:20Z",
    )


@pytest.mark.parametrize(("speed", "limit"), [(1, DAY), (60, DAY)])
def test_one_batch_ended_more_than_a_day_ago_at_any_usual_speed(speed: int, limit: int) -> None:
    ended = view(Clock(EPOCH), "old", speed)["endedAt"]
    later = view(Clock(EPOCH - limit), "old", speed)["endedAt"]
    assert ended == later  # it was there, and ended, a day before the epoch


def test_the_crowd_is_a_thousand_calls_most_of_them_ended(clock: Clock) -> None:
    """And some share the moment of their creation."""
    agent_id, _ = BY_SCENARIO["crowd-ended"]
    rows = Simulator(ACCOUNT, clock=clock).batches(agent_id)
    assert Counter(row["endedAt"] is not None for row in rows) == {True: 970, False: 30}
    assert max(Counter(row["created"] for row in rows).values()) == 3
    assert {row["totalCount"] for row in rows} == {1}
    assert min(row["endedAt"] for row in rows if row["endedAt"]) > "2026-09-20T14:13:20"


def test_new_campaigns_keep_coming(clock: Clock) -> None:
    agent_id, _ = BY_SCENARIO["recurring"]
    simulator = Simulator(ACCOUNT, clock=clock)
    counts = []
    for _ in range(3):
        counts.append(len(simulator.batches(agent_id)))
        clock.now += 4 * HOUR
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def test_agents_are_many_kinds(clock: Clock) -> None:
    """One without a batch, one without a name, the others with a name of their own."""
    simulator = Simulator(ACCOUNT, clock=clock)
    sizes = {row.get("name"): len(simulator.batches(row["agentId"])) for row in simulator.agents()}
    assert len(sizes) == len(simulator.agents())
    assert sizes[None] > 0
    assert sizes["Spare Parts Desk"] == 0
    assert sizes["Callback Requests"] == 1_000


def test_optional_fields_are_left_out_or_null_or_there(clock: Clock) -> None:
    simulator = Simulator(ACCOUNT, clock=clock)
    rows = [row for agent in simulator.agents() for row in simulator.batches(agent["agentId"])]
    for field in ("windowStart", "windowEnd", "throttle", "webhookUrl"):
        kinds = {"missing" if field not in row else row[field] is None for row in rows}
        assert kinds == {"missing", True, False}
    assert {row.get("paused") for row in rows} == {None, True, False}
    stamps = {
        "." in row[field] for row in rows for field in ("created", "windowEnd") if row.get(field)
    }
    assert stamps == {True, False}


async def test_every_canary_is_served_somewhere(clock: Clock) -> None:
    simulator = Simulator(ACCOUNT, clock=clock)
    paths = ["/api/agents?pageSize=1"]
    for agent_id, batch_id in (BY_SCENARIO["errors"], BY_SCENARIO["stalled"]):
        paths.append(f"/api/agents/{agent_id}/scheduled_batches")
        paths.append(f"/api/agents/{agent_id}/scheduled_batches/{batch_id}/scheduled_calls")
    async with visiting(simulator) as client:
        text = "".join([str(await client.json(path)) for path in paths])
    assert [canary for canary in CANARIES if canary not in text] == []
