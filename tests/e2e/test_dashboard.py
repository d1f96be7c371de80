"""Every query of the dashboard, with a real Prometheus that has seven hours of history."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.programs import require
from tools.docs.pages import DASHBOARD
from tools.preview.dashboard import Json, panels, queries
from tools.preview.history import (
    COURSES,
    END,
    ENDED,
    HEALTHY,
    MANY,
    MISSED,
    NEW_NAME,
    NOT_STARTED,
    PAUSED,
    REMINDERS,
    RENEWALS,
    SCHEDULED,
    SLOW,
    STALLED,
    WINDOWLESS,
    write_samples,
)
from tools.preview.html import preview_html
from tools.preview.picture import SIZE, take_screenshot
from tools.preview.prometheus import Prometheus, create_data, running
from tools.preview.viewer import View

BOARD: Json = json.loads(DASHBOARD.read_text("utf-8"))
VARIABLES = tuple(query for query in queries(BOARD) if query.kind == "variable")
NUMBERS = ("Active", "Remaining", "Calls/min", "Stalled", "Too slow", "Paused", "Missed")
PROBLEMS = "Batches that need attention"
LoadView: TypeAlias = Callable[[str], Awaitable[View]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of a Prometheus with the history."""
    folder = tmp_path_factory.mktemp("dashboard")

    async def create() -> None:
        await write_samples(folder / "history.txt")
        await create_data(require("promtool"), folder / "history.txt", folder / "data")

    asyncio.run(create())
    return folder / "data"


@pytest.fixture(scope="module")
def loaded() -> dict[str, View]:
    """Return the views of jobs that are loaded: they do not change, as the history does not."""
    return {}


@pytest.fixture
def load_view(prometheus: Prometheus, loaded: dict[str, View]) -> LoadView:
    """Return a function that returns the dashboard of a job."""

    async def load(job: str) -> View:
        if job not in loaded:
            loaded[job] = await View.load(prometheus, BOARD, job)
        return loaded[job]

    return load


@pytest.fixture
async def prometheus(data: Path) -> AsyncIterator[Prometheus]:
    """Yield a Prometheus that has the history and scrapes nothing."""
    async with running(require("prometheus"), data) as started:
        yield started


def values(frame: list[Json]) -> list[float]:
    """Return the last value of each series, in the order of their labels."""
    ordered = sorted(frame, key=lambda each: sorted(each["metric"].items()))
    return [float((each.get("values") or [each["value"]])[-1][1]) for each in ordered]


def last(frame: list[Json]) -> dict[str, float]:
    """Return the last value of each line, by batch id."""
    return {each["metric"]["batch_id"]: float(each["values"][-1][1]) for each in frame}


async def test_each_problem_is_shown(load_view: LoadView) -> None:
    """The numbers and the table show the problem that each batch of the history has."""
    view = await load_view("usual")
    numbers = [view.number(title) for title in NUMBERS]
    remaining = 201 + 360 + 1176 + 310 + 300 + 500 + 301
    assert numbers == [5, remaining, pytest.approx((200 + 150 + 60) / 60, rel=0.02), 2, 1, 1, 1]
    assert view.number("Data age") == 22
    rows = view.rows(PROBLEMS, "problem")
    assert [(row["batch_id"], int(row["problem"]), row["agent"]) for row in rows] == [
        (STALLED.batch_id, 5, "Renewals"),
        (NOT_STARTED.batch_id, 4, "Renewals"),
        (SLOW.batch_id, 3, "Appointment reminders"),
        (PAUSED.batch_id, 2, "Appointment reminders"),
        (MISSED.batch_id, 1, "Appointment reminders"),
    ]
    stalled, _, slow, paused, missed = rows
    assert (stalled["progress"], stalled["remaining"], stalled["rate"]) == (0.6, 360, 0)
    assert "finish" not in stalled
    assert stalled["window"] == 3600
    assert stalled["needed"] == 6
    assert stalled["at_close"] == 360
    assert slow["rate"] == pytest.approx(2.5)
    assert slow["at_close"] == pytest.approx(1176 - 225, abs=2)
    assert slow["finish"] / 1000 == pytest.approx(END + 1176 / 150 * 3600, abs=60)
    assert (paused["at_close"], missed["at_close"]) == (310, 100)
    assert "rate" not in paused


async def test_the_state_of_each_batch_and_its_states_over_time(load_view: LoadView) -> None:
    view = await load_view("usual")
    active, stalled, paused, scheduled, closed, ended = 6, 7, 5, 4, 2, 1
    states = {
        HEALTHY.batch_id: active,
        STALLED.batch_id: stalled,
        SLOW.batch_id: active,
        PAUSED.batch_id: paused,
        NOT_STARTED.batch_id: stalled,
        SCHEDULED.batch_id: scheduled,
        MISSED.batch_id: closed,
        ENDED.batch_id: ended,
        WINDOWLESS.batch_id: active,
    }
    rows = {row["batch_id"]: row for row in view.rows("All batches", "state")}
    assert {batch_id: row["state"] for batch_id, row in rows.items()} == states
    assert all(rows[course.batch_id]["agent"] == course.agent.name for course in COURSES)
    timeline = view.frame("States")
    assert last(timeline) == states
    of_paused = next(each for each in timeline if each["metric"]["batch_id"] == PAUSED.batch_id)
    values = [int(value) for _, value in of_paused["values"]]
    assert sorted(set(values), key=values.index) == [scheduled, active, paused]
    assert last(view.frame("Remaining calls at close"))[HEALTHY.batch_id] == 0
    share = last(view.frame("Completion rate vs. rate needed"))[SLOW.batch_id]
    assert share == pytest.approx(0.19, abs=0.01)
    even = last(view.frame("Remaining calls vs. even progress", "B"))
    assert even[SLOW.batch_id] == pytest.approx(2000 * 1.5 / 7)
    assert view.frame("Alerts")[0]["metric"]["batch_id"] == STALLED.batch_id
    started = {float(value) for each in view.frame("Restarts") for _, value in each["values"]}
    assert started == {1000 * (END - 8 * 3600), 1000 * (END - 3.5 * 3600)}


async def test_each_query_has_a_result(load_view: LoadView) -> None:
    view = await load_view("usual")
    assert [key for key, frame in view.frames.items() if not frame] == []


async def test_variables_offer_the_values_of_the_history(prometheus: Prometheus) -> None:
    offered = {each.title: await View.options(prometheus, each, "rename") for each in VARIABLES}
    assert offered["job"] >= {"usual", "gone", "replicas", "rename"}
    assert offered["account"] == {"production"}
    assert offered["batch"] == {course.batch_id for course in COURSES}
    assert offered["agent"] == {
        f"{NEW_NAME}={RENEWALS.agent_id}",
        f"{REMINDERS.name}={REMINDERS.agent_id}",
    }


async def test_a_selected_batch_is_shown_alone(prometheus: Prometheus) -> None:
    view = await View.load(prometheus, BOARD, "usual", batch=STALLED.batch_id)
    assert view.number("Active") == view.number("Stalled") == 1
    assert view.number("Paused") == 0
    assert [row["batch_id"] for row in view.rows("All batches", "state")] == [STALLED.batch_id]
    assert len(view.frame("Progress")) == 1


async def test_without_the_exporter_no_number_is_zero(load_view: LoadView) -> None:
    """It has been down for an hour: no numbers, empty tables; lines end, with their last names."""
    names = {RENEWALS.agent_id: NEW_NAME, REMINDERS.agent_id: REMINDERS.name}
    view = await load_view("gone")
    assert [view.number(title) for title in (*NUMBERS, "Data age")] == [None] * 8
    assert view.rows(PROBLEMS, "problem") == view.rows("All batches", "state") == []
    assert view.frame("Progress")
    for line in view.frame("Progress"):
        assert line["metric"]["agent"] == names[line["metric"]["agent_id"]]
        assert END - 3600 <= line["values"][-1][0] <= END - 3600 + 300


async def test_with_stale_data_no_number_is_zero(load_view: LoadView) -> None:
    """The exporter still serves the batches, but the rules take their data as stale."""
    view = await load_view("failing")
    assert len(view.rows("All batches", "remaining")) == len(COURSES)
    assert [view.number(title) for title in NUMBERS] == [None] * 7
    assert view.number("Data age") == 730


async def test_without_batches_every_number_is_zero(load_view: LoadView) -> None:
    view = await load_view("none")
    assert [view.number(title) for title in NUMBERS] == [0] * 7
    assert view.rows(PROBLEMS, "problem") == view.rows("All batches", "state") == []
    assert len(view.rows("Agents", "remaining")) == 2


async def test_two_replicas_count_once(load_view: LoadView) -> None:
    """The second one is scraped 17 seconds later. Only exporters are shown twice."""
    usual = await load_view("usual")
    view = await load_view("replicas")
    assert [view.number(title) for title in NUMBERS] == [usual.number(title) for title in NUMBERS]
    for title, key in ((PROBLEMS, "problem"), ("All batches", "state"), ("Agents", "remaining")):
        rows = [row.get("batch_id", row["agent_id"]) for row in view.rows(title, key)]
        assert rows == [row.get("batch_id", row["agent_id"]) for row in usual.rows(title, key)]
    assert len(view.rows("Exporters", "started")) == 2
    requests = {"Failed polls", "API responses", "Retries and rate limit"}
    per_exporter = {"Memory", "CPU", "Restarts", "Alerts", "Exporters", *requests}
    for query, frame in view.frames.items():
        if query[0] not in per_exporter:
            expected = pytest.approx(values(usual.frames[query]), rel=0.02, abs=20)
            assert values(frame) == expected, query


@pytest.mark.parametrize("job", ["rename", "renamed just now"])
async def test_a_renamed_agent_has_only_its_new_name(load_view: LoadView, job: str) -> None:
    """The agent was renamed within the time range, or within the look-back of the query."""
    view = await load_view(job)
    rows = view.rows("All batches", "state")
    assert len(rows) == len(COURSES)
    assert {row["agent"] for row in rows} == {NEW_NAME, REMINDERS.name}
    ids = [line["metric"]["batch_id"] for line in view.frame("Progress")]
    assert len(ids) == len(set(ids)) == len(COURSES)
    agents = [line["metric"]["agent"] for line in view.frame("Remaining calls by agent")]
    assert sorted(agents) == [REMINDERS.name, NEW_NAME]


async def test_hundreds_of_batches_are_all_in_tables_and_some_in_charts(
    prometheus: Prometheus,
) -> None:
    titles = {"Active", "All batches", "Progress", "Remaining calls vs. even progress"}
    selected = [panel for panel in panels(BOARD) if panel["title"] in titles]
    board = {**BOARD, "panels": selected}
    view = await View.load(prometheus, board, "many")
    assert view.number("Active") == len(MANY) == len(view.rows("All batches", "state"))
    assert len(view.frame("Progress")) == 30
    assert len(view.frame("Remaining calls vs. even progress")) == 10


async def test_the_picture_is_drawn_and_says_that_it_is_a_preview(
    tmp_path: Path, load_view: LoadView
) -> None:
    html, picture = preview_html(await load_view("usual")), tmp_path / "picture.png"
    assert "Preview, drawn from the queries" in html
    assert html.index(STALLED.batch_id) < html.index(SLOW.batch_id) < html.index("<svg")
    await asyncio.to_thread(take_screenshot, require("chromium"), html, tmp_path, picture)
    head = picture.read_bytes()[:24]
    assert (head[:4], struct.unpack(">II", head[16:])) == (b"\x89PNG", SIZE)


async def test_no_query_fails_in_an_empty_prometheus(tmp_path: Path) -> None:
    async with running(require("prometheus"), tmp_path / "data") as empty:
        view = await View.load(empty, BOARD, "")
        assert [key for key, frame in view.frames.items() if frame] == []
        for variable in VARIABLES:
            assert await View.options(empty, variable, "") == set()
