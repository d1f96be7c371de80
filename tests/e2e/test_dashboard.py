"""Every query of the dashboard against a real Prometheus with six hours of history."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.prometheus import Prometheus, configured, history, idle
from tools.docs.pages import DASHBOARD
from tools.preview.__main__ import SIZE, page, taken
from tools.preview.dashboard import Json, panels, queries
from tools.preview.history import (
    END,
    ENDED,
    HEALTHY,
    MANY,
    MISSED,
    NEW_NAME,
    NOT_STARTED,
    PAUSED,
    PLANS,
    REMINDERS,
    RENEWALS,
    SCHEDULED,
    SLOW,
    STALLED,
    WINDOWLESS,
    samples,
)
from tools.preview.viewer import View

BOARD: Json = json.loads(DASHBOARD.read_text("utf-8"))
EVERY = tuple(queries(BOARD))
NUMBERS = ("Running", "Calls left", "Calls/min", "Stalled", "Too slow", "Paused", "Missed 24 h")
NEED = "Batches that need attention"
Viewed: TypeAlias = Callable[[str], Awaitable[View]]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the configuration of a Prometheus with the history."""
    made = tmp_path_factory.mktemp("dashboard")
    file = made / "history.txt"
    with file.open("w") as lines:
        lines.writelines(samples())
    return asyncio.run(history(file, made))


@pytest.fixture(scope="module")
def seen() -> dict[str, View]:
    """Return what was seen of jobs: the history stands still."""
    return {}


@pytest.fixture
def viewed(prometheus: Prometheus, seen: dict[str, View]) -> Viewed:
    """Return what shows the dashboard of a job."""

    async def view(job: str) -> View:
        if job not in seen:
            seen[job] = await View.of(prometheus, BOARD, job)
        return seen[job]

    return view


@pytest.fixture
async def prometheus(config: Path) -> AsyncIterator[Prometheus]:
    """Yield a Prometheus with the history, which scrapes nothing."""
    async with configured(config) as started:
        yield started


def values(frame: list[Json]) -> list[float]:
    """Return the last value of each line or row, in the order of their labels."""
    ordered = sorted(frame, key=lambda each: sorted(each["metric"].items()))
    return [float((each.get("values") or [each["value"]])[-1][1]) for each in ordered]


def last(frame: list[Json]) -> dict[str, float]:
    """Return the last value of each line, by batch id."""
    return {each["metric"]["batch_id"]: float(each["values"][-1][1]) for each in frame}


async def test_the_usual_account(viewed: Viewed) -> None:
    """What the scenario's batches are made to be is what each panel says."""
    view = await viewed("usual")
    numbers = [view.number(title) for title in NUMBERS]
    left = 201 + 360 + 1176 + 310 + 300 + 500 + 301
    assert numbers == [5, left, pytest.approx((200 + 150 + 60) / 60, rel=0.02), 2, 1, 1, 1]
    assert view.number("Data age") == 22
    rows = view.rows(NEED, "problem")
    assert [(row["batch_id"], int(row["problem"]), row["agent"]) for row in rows] == [
        (STALLED.batch_id, 5, "Renewals"),
        (NOT_STARTED.batch_id, 4, "Renewals"),
        (SLOW.batch_id, 3, "Appointment reminders"),
        (PAUSED.batch_id, 2, "Appointment reminders"),
        (MISSED.batch_id, 1, "Appointment reminders"),
    ]
    stalled, _, slow, paused, missed = rows
    assert (stalled["progress"], stalled["left"], stalled["pace"]) == (0.6, 360, 0)
    assert "finish" not in stalled
    assert stalled["window"] == 3600
    assert stalled["needed"] == 6
    assert stalled["at_close"] == 360
    assert slow["pace"] == pytest.approx(2.5)
    assert slow["at_close"] == pytest.approx(1176 - 225, abs=2)
    assert slow["finish"] / 1000 == pytest.approx(END + 1176 / 150 * 3600, abs=60)
    assert (paused["at_close"], missed["at_close"]) == (310, 100)
    assert "pace" not in paused


async def test_every_batch_and_its_states_over_time(viewed: Viewed) -> None:
    view = await viewed("usual")
    running, stalled, paused, scheduled, closed, ended = 6, 7, 5, 4, 2, 1
    states = {
        HEALTHY.batch_id: running,
        STALLED.batch_id: stalled,
        SLOW.batch_id: running,
        PAUSED.batch_id: paused,
        NOT_STARTED.batch_id: stalled,
        SCHEDULED.batch_id: scheduled,
        MISSED.batch_id: closed,
        ENDED.batch_id: ended,
        WINDOWLESS.batch_id: running,
    }
    rows = {row["batch_id"]: row for row in view.rows("All batches", "state")}
    assert {batch_id: row["state"] for batch_id, row in rows.items()} == states
    assert all(rows[plan.batch_id]["agent"] == plan.agent.name for plan in PLANS)
    timeline = view.frame("States")
    assert last(timeline) == states
    of_paused = next(each for each in timeline if each["metric"]["batch_id"] == PAUSED.batch_id)
    values = [int(value) for _, value in of_paused["values"]]
    assert sorted(set(values), key=values.index) == [scheduled, running, paused]
    assert last(view.frame("Calls left at close"))[HEALTHY.batch_id] == 0
    assert last(view.frame("Checkpoint against needed"))[SLOW.batch_id] == pytest.approx(
        0.19, abs=0.01
    )
    plan = last(view.frame("Left against plan", "B"))
    assert plan[SLOW.batch_id] == pytest.approx(2000 * 1.5 / 7)
    assert view.frame("Alerts")[0]["metric"]["batch_id"] == STALLED.batch_id
    started = {float(value) for each in view.frame("Restarts") for _, value in each["values"]}
    assert started == {1000 * (END - 8 * 3600), 1000 * (END - 3.5 * 3600)}


async def test_each_panel_has_something_to_show(viewed: Viewed) -> None:
    view = await viewed("usual")
    assert [key for key, frame in view.frames.items() if not frame] == []


async def test_variables_offer_what_there_is(prometheus: Prometheus) -> None:
    offered = {}
    for query in EVERY:
        if query.where == "variable":
            offered[query.title] = await View.options(prometheus, query, "rename")
    assert offered["job"] >= {"usual", "gone", "replicas", "rename"}
    assert offered["account"] == {"production"}
    assert offered["batch"] == {plan.batch_id for plan in PLANS}
    assert offered["agent"] == {
        f"{NEW_NAME}={RENEWALS.agent_id}",
        f"{REMINDERS.name}={REMINDERS.agent_id}",
    }


async def test_a_chosen_batch_is_alone(prometheus: Prometheus) -> None:
    view = await View.of(prometheus, BOARD, "usual", batch=STALLED.batch_id)
    assert view.number("Running") == view.number("Stalled") == 1
    assert view.number("Paused") == 0
    assert [row["batch_id"] for row in view.rows("All batches", "state")] == [STALLED.batch_id]
    assert len(view.frame("Progress")) == 1


async def test_without_the_exporter_nothing_is_said_to_be_zero(viewed: Viewed) -> None:
    """It has been gone for an hour: no numbers, no rows; the lines end, under their last names."""
    names = {RENEWALS.agent_id: NEW_NAME, REMINDERS.agent_id: REMINDERS.name}
    view = await viewed("gone")
    assert [view.number(title) for title in (*NUMBERS, "Data age")] == [None] * 8
    assert view.rows(NEED, "problem") == view.rows("All batches", "state") == []
    assert view.frame("Progress")
    for line in view.frame("Progress"):
        assert line["metric"]["agent"] == names[line["metric"]["agent_id"]]
        assert END - 3600 <= line["values"][-1][0] <= END - 3600 + 300


async def test_with_old_data_nothing_is_said_to_be_zero(viewed: Viewed) -> None:
    """They are served still, but no longer fresh."""
    view = await viewed("failing")
    assert len(view.rows("All batches", "left")) == len(PLANS)
    assert [view.number(title) for title in NUMBERS] == [None] * 7
    assert view.number("Data age") == 730


async def test_without_batches_all_is_zero(viewed: Viewed) -> None:
    view = await viewed("none")
    assert [view.number(title) for title in NUMBERS] == [0] * 7
    assert view.rows(NEED, "problem") == view.rows("All batches", "state") == []
    assert len(view.rows("Agents", "left")) == 2


async def test_two_replicas_count_once(viewed: Viewed) -> None:
    """The second answers 17 seconds later; only what is about exporters is there twice."""
    usual = await viewed("usual")
    view = await viewed("replicas")
    assert [view.number(title) for title in NUMBERS] == [usual.number(title) for title in NUMBERS]
    for title, key in ((NEED, "problem"), ("All batches", "state"), ("Agents", "left")):
        rows = [row.get("batch_id", row["agent_id"]) for row in view.rows(title, key)]
        assert rows == [row.get("batch_id", row["agent_id"]) for row in usual.rows(title, key)]
    assert len(view.rows("Exporters", "started")) == 2
    each_does = {"Failed polls", "API answers", "Retries and waiting"}
    per_exporter = {"Memory", "Processor", "Restarts", "Alerts", "Exporters", *each_does}
    for query, frame in view.frames.items():
        if query[0] not in per_exporter:
            expected = pytest.approx(values(usual.frames[query]), rel=0.02, abs=20)
            assert values(frame) == expected, query


@pytest.mark.parametrize("job", ["rename", "renamed just now"])
async def test_after_a_rename_there_is_one_name_the_new_one(viewed: Viewed, job: str) -> None:
    """It was renamed in the middle of the range, or while its old name is still looked back at."""
    view = await viewed(job)
    rows = view.rows("All batches", "state")
    assert len(rows) == len(PLANS)
    assert {row["agent"] for row in rows} == {NEW_NAME, REMINDERS.name}
    ids = [line["metric"]["batch_id"] for line in view.frame("Progress")]
    assert len(ids) == len(set(ids)) == len(PLANS)
    agents = [line["metric"]["agent"] for line in view.frame("Calls left by agent")]
    assert sorted(agents) == [REMINDERS.name, NEW_NAME]


async def test_hundreds_of_batches_are_rows_and_few_lines(prometheus: Prometheus) -> None:
    titles = {"Running", "All batches", "Progress", "Left against plan"}
    chosen = [panel for panel in panels(BOARD) if panel["title"] in titles]
    board = {**BOARD, "panels": chosen}
    view = await View.of(prometheus, board, "many")
    assert view.number("Running") == len(MANY) == len(view.rows("All batches", "state"))
    assert len(view.frame("Progress")) == 30
    assert len(view.frame("Left against plan")) == 10


async def test_the_picture_is_drawn_and_says_that_it_is_a_preview(
    tmp_path: Path, viewed: Viewed
) -> None:
    html, picture = page(await viewed("usual")), tmp_path / "picture.png"
    assert "Preview, drawn from the queries" in html
    assert html.index(STALLED.batch_id) < html.index(SLOW.batch_id) < html.index("<svg")
    await asyncio.to_thread(taken, html, tmp_path, picture)
    head = picture.read_bytes()[:24]
    assert (head[:4], struct.unpack(">II", head[16:])) == (b"\x89PNG", SIZE)


async def test_an_empty_prometheus_makes_no_error(tmp_path: Path) -> None:
    async with configured(idle(tmp_path)) as empty:
        view = await View.of(empty, BOARD, "")
        assert [key for key, frame in view.frames.items() if frame] == []
        for query in EVERY:
            if query.where == "variable":
                assert await View.options(empty, query, "") == set()
