"""What goes wrong, and what a user then sees: each row of docs/failure-modes.md is shown here.

Many accounts suffer at once, each with a simulator of its own, watched by one exporter.
"""

import asyncio
import re
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest

from exporter.render.text import Format
from exporter.selection import SelectionSettings
from exporter.simulator import Simulator, serve
from exporter.simulator import faults as f
from tests.support.builders import Clock, account, surroundings
from tests.support.outage import LISTING, Outage, Scrape, Watched, watching
from tests.support.plain import render
from tests.support.process import eventually, samples
from tests.support.tls import Door, door, self_signed
from tools.docs.pages import ROOT

LONG = 10**9
"""Seconds that no API means."""


class Shows(msgspec.Struct, frozen=True):
    """What a fault shows: the page's row, the reason, a part of the log line's `error`.

    `requests` is how many a failing poll makes, None where that depends on the time that is left.
    Without `whole` the fault hits the listing of batches alone.
    """

    row: str
    reason: str
    error: str
    requests: int | None = 1
    whole: bool = True


class Case(msgspec.Struct, frozen=True):
    """An effect of the simulator and what it shows."""

    effect: f.Effect
    shows: Shows


def refused(
    row: str, reason: str, status: int, retry_after: int | str | None = None, requests: int = 1
) -> Case:
    """Return the case of a status other than 200."""
    error = f"the API answered {status}"
    return Case(f.Status(status, retry_after), Shows(row, reason, error, requests))


CASES = (
    refused("401", "auth", 401),
    refused("403", "auth", 403),
    refused("402", "status", 402),
    Case(f.Status(404), Shows("404", "not_found", "the API answered 404", whole=False)),
    refused("429 without `Retry-After`", "rate_limited", 429, None, 3),
    refused("429, `Retry-After: 1`", "rate_limited", 429, 1, 3),
    refused("429, `Retry-After: soon`", "rate_limited", 429, "soon", 3),
    refused("429, `Retry-After: -1`", "rate_limited", 429, "-1", 3),
    refused("500", "status", 500, None, 3),
    refused("503 without `Retry-After`", "status", 503, None, 3),
    refused("503, `Retry-After: 1`", "status", 503, 1, 3),
    Case(
        f.Redirect("http://127.0.0.1:1/login"),
        Shows("A redirect", "status", "the API answered 302"),
    ),
    Case(f.Reset(), Shows("Connection reset", "unreachable", "the connection broke", 3)),
    Case(f.NotJson(), Shows("HTML instead of JSON", "payload", "not the documented response")),
    Case(
        f.WrongType("totalCount", "ten"),
        Shows("A value of another type", "payload", "Expected `int`, got `str`", whole=False),
    ),
    Case(
        f.Missing("completedCount"),
        Shows("A field is missing", "payload", "required field `completedCount`", whole=False),
    ),
    Case(f.CutBody(), Shows("The body is cut", "payload", "the answer broke", 3)),
    Case(f.CorruptGzip(), Shows("Cut gzip", "payload", "not the documented response")),
    Case(
        f.CorruptGzip(garbage=True),
        Shows("Announced as gzip, and none", "payload", "the answer broke", 3),
    ),
    Case(f.Huge(70), Shows("A huge body", "payload", "more than 67108864 bytes", whole=False)),
    Case(
        f.RepeatNext(),
        Shows("A page that leads to itself", "loop", "a cursor came back", 2, whole=False),
    ),
)

SLOW = (
    Case(f.Hang(), Shows("No answer", "timeout", "no whole answer within", None)),
    Case(f.HangInBody(), Shows("An answer that stops", "timeout", "no whole answer within", None)),
)

UNREACHED = Shows("Connection refused", "unreachable", "Cannot connect to host 127.0.0.1:")
NAMELESS = Shows("The name can't be resolved", "unreachable", "Cannot connect to host nowhere")
UNTRUSTED = Shows("A certificate that is not trusted", "unreachable", "certificate verify failed")
MISNAMED = Shows("A certificate for another name", "unreachable", "IP address mismatch")

HELD = (
    Case(
        f.Status(429, LONG),
        Shows("429, `Retry-After: 1000000000`", "rate_limited", "answered 429", whole=False),
    ),
    Case(
        f.Status(429, "Fri, 31 Dec 9999 23:59:59 GMT"),
        Shows("429, `Retry-After`: a date", "rate_limited", "answered 429", whole=False),
    ),
    Case(
        f.Status(503, LONG),
        Shows("503, `Retry-After: 1000000000`", "status", "answered 503", whole=False),
    ),
)

SHOWN = (
    *(case.shows for case in (*CASES, *SLOW, *HELD)),
    *(UNREACHED, NAMELESS, UNTRUSTED, MISNAMED),
)


def named(row: str) -> str:
    """Return a row's title as the name of an account."""
    return re.sub("[^a-z0-9]+", "-", row.lower().replace("-1", "minus-1")).strip("-")


async def shown(outage: Outage, watched: Watched, shows: Shows, before: Scrape) -> None:
    """See a fault that has struck in the metrics and in the log; what is served stays as it was."""
    watched.simulator.update(watched.batch, completed_count=9)
    down = 0.0 if shows.whole else 1.0

    def failed(found: Scrape) -> float:
        return watched.failures(found, reason=shows.reason) - watched.failures(before)

    def retries(found: Scrape) -> float:
        return watched.total(found, "ultravox_exporter_api_retries_total", reason=shows.reason)

    ill = await outage.until(
        lambda found: (
            failed(found) >= 1
            and watched.is_down(found)
            and watched.series(found, "ultravox_account_up") == [down]
        )
    )
    later = await outage.until(lambda found: failed(found) >= 2)
    assert watched.failures(later) == watched.failures(later, reason=shows.reason)
    assert watched.is_down(later)
    assert watched.batches(later) == watched.batches(before)
    assert watched.batches(later)
    interval = 2 ** (failed(later) - 1)
    assert watched.series(later, "ultravox_agent_poll_interval_seconds") == [interval]
    if shows.requests == 1:
        assert retries(later) == retries(ill)
    line = await outage.said(
        "agent_down", level="warning", account=watched.name, reason=shows.reason
    )
    assert shows.error in line["error"]
    assert (line["agent_id"], line["agent"]) == (watched.agent, watched.name)
    if shows.whole:
        await outage.said(
            "account_down", level="warning", account=watched.name, reason=shows.reason
        )
    downs = outage.lines("agent_down", level="warning", account=watched.name)
    assert len(downs) == len(outage.lines("agent_up", level="info", account=watched.name))


async def recovered(outage: Outage, watched: Watched) -> None:
    """See that what is served is what the API says, and that the log says so."""

    def told(what: str) -> bool:
        ups = outage.lines(f"{what}_up", level="info", account=watched.name)
        return len(ups) == 1 + len(
            outage.lines(f"{what}_down", level="warning", account=watched.name)
        )

    await outage.until(
        lambda found: (
            watched.is_up(found)
            and watched.series(found, "ultravox_batch_calls_completed") == [9]
            and watched.series(found, "ultravox_agent_poll_interval_seconds") == [1]
        )
    )
    await eventually(lambda: told("agent") and told("account"), outage.exporter.describe)


async def suffer(outage: Outage, watched: Watched, case: Case) -> None:
    """Put a fault in force, see it, count its requests, take it away, see it go."""
    before = await outage.until(watched.is_up)
    first = watched.listings()
    watched.add_fault(case.effect, "*" if case.shows.whole else LISTING)
    await eventually(lambda: watched.listings() > first, outage.exporter.describe)
    await shown(outage, watched, case.shows, before)
    if case.shows.requests is not None:
        asked = watched.listings() - first
        found = await outage.until(watched.is_down)
        failed = watched.failures(found) - watched.failures(before)
        assert asked <= case.shows.requests * (failed + 1), case
        assert watched.listings() - first >= case.shows.requests * failed, case
    watched.simulator.faults.clear()
    await recovered(outage, watched)


@pytest.mark.parametrize(
    ("cases", "deadline"),
    [(CASES[::2], "20s"), (CASES[1::2], "20s"), (SLOW, "2s")],
    ids=["some", "others", "slow"],
)
async def test_a_fault_shows_in_the_health_alone_and_goes_when_it_is_gone(
    tmp_path: Path, cases: tuple[Case, ...], deadline: str
) -> None:
    """Reason, log line, requests a poll and doubled interval are the page's.

    The batches served stay as they were, whatever the API does, and the exporter is healthy.
    """
    watched = [Watched(named(case.shows.row)) for case in cases]
    async with (
        watching(tmp_path, *watched, timeout=deadline) as outage,
        asyncio.TaskGroup() as together,
    ):
        for each, case in zip(watched, cases, strict=True):
            together.create_task(suffer(outage, each, case))
        await outage.until(lambda found: any(each.is_down(found) for each in watched))
        assert (await outage.exporter.get("/-/healthy"))[0] == 200


async def test_where_nobody_answers_is_unreachable(tmp_path: Path) -> None:
    """A door that is shut refuses; a name that is nobody's leaves an agent without batches."""
    refusing, nameless = Watched("refusing"), Watched("nameless")
    nameless.entry["base_url"] = "https://nowhere.invalid"
    async with serve(refusing.simulator) as url, door(url) as entrance:
        refusing.entry["base_url"] = entrance.url
        async with watching(tmp_path, refusing, nameless, timeout="60s") as outage:
            before = await outage.until(refusing.is_up)
            await entrance.shut()
            await shown(outage, refusing, UNREACHED, before)
            await entrance.open()
            await recovered(outage, refusing)
            found = await outage.until(
                lambda found: (
                    nameless.failures(found, reason="unreachable") >= 1 and nameless.is_down(found)
                )
            )
            assert nameless.series(found, "ultravox_account_up") == [0]
            assert nameless.batches(found) == {}
            assert nameless.series(found, "ultravox_agent_info") == [1]
            assert nameless.total(found, "ultravox_exporter_api_retries_total") == 0
            line = await outage.said("agent_down", account="nameless", reason="unreachable")
            assert NAMELESS.error in line["error"]
            assert (await outage.exporter.get("/-/ready"))[0] == 200


async def test_a_certificate_must_be_trusted_and_for_the_right_name(tmp_path: Path) -> None:
    """With a good one HTTPS works; SSL_CERT_FILE names the certificates that are trusted."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    good = self_signed(folder, "good", "IP:127.0.0.1")
    misnamed = self_signed(folder, "misnamed", "IP:127.0.0.2")
    untrusted = self_signed(folder, "untrusted", "IP:127.0.0.1")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(good.path.read_text() + misnamed.path.read_text())
    watched = [Watched("misnamed"), Watched("untrusted")]
    async with AsyncExitStack() as stack:
        doors: list[Door] = []
        for each in watched:
            url = await stack.enter_async_context(serve(each.simulator))
            doors.append(await stack.enter_async_context(door(url, good)))
            each.entry["base_url"] = doors[-1].url
        env = {"SSL_CERT_FILE": str(trusted)}
        outage = await stack.enter_async_context(watching(tmp_path, *watched, env=env))
        before = await outage.until(lambda found: all(each.is_up(found) for each in watched))
        bad = zip(watched, doors, (misnamed, untrusted), (MISNAMED, UNTRUSTED), strict=True)
        for each, entrance, certificate, shows in bad:
            await entrance.show(certificate)
            await shown(outage, each, shows, before)
            await entrance.show(good)
            await recovered(outage, each)


async def pass_by(
    outage: Outage, watched: Watched, effect: f.Effect, times: int, reason: str
) -> list[float]:
    """Put a fault in force that hits so many requests of one poll; return when requests came."""
    came: list[float] = []
    before = await outage.until(watched.is_up)
    watched.add_fault(f.Before(lambda: came.append(time.time())), LISTING)
    struck = watched.add_fault(effect, LISTING, times)
    await eventually(lambda: struck.hits == times, outage.exporter.describe)
    polls = watched.polls(await outage.until(watched.polls))
    found = await outage.until(lambda found: watched.polls(found) > polls)
    assert watched.failures(found) == watched.failures(before) == 0
    assert watched.is_up(found)
    retries = "ultravox_exporter_api_retries_total"
    assert watched.total(found, retries, reason=reason) == times
    assert watched.total(found, retries) == times
    return came


async def test_what_passes_within_a_poll_leaves_the_agent_up(tmp_path: Path) -> None:
    """Two more attempts at most, not before a `Retry-After` allows; each counts as a retry."""
    names = ("seconds", "date", "twice", "reset")
    seconds, date, twice, reset = watched = [Watched(name) for name in names]
    async with watching(tmp_path, *watched, timeout="60s") as outage:
        for each in watched:
            await outage.until(each.is_up)
        due = int(time.time()) + 4
        later = formatdate(due, usegmt=True)
        async with asyncio.TaskGroup() as together:
            waited = together.create_task(
                pass_by(outage, seconds, f.Status(429, 1), 1, "rate_limited")
            )
            dated = together.create_task(pass_by(outage, date, f.Status(503, later), 1, "status"))
            together.create_task(pass_by(outage, twice, f.Status(500), 2, "status"))
            together.create_task(pass_by(outage, reset, f.Reset(), 2, "unreachable"))
    first, second, *_ = waited.result()
    assert second - first >= 0.99
    assert dated.result()[1] >= due


async def test_a_long_retry_after_stops_the_account_and_no_other(tmp_path: Path) -> None:
    """One request, then silence: the hold outlasts any poll. What is told stays as it is.

    An account that is held for its probe's sake keeps its agents up: nothing is asked, so nothing
    is learnt. An exporter that is told to end does not wait for it.
    """
    held = [Watched(named(case.shows.row)) for case in HELD]
    probed, well = Watched("probed"), Watched("well")
    async with watching(tmp_path, *held, probed, well) as outage:
        every = (*held, probed, well)
        before = await outage.until(lambda found: all(each.is_up(found) for each in every))
        handles = [probed.add_fault(f.Status(429, LONG), "/api/accounts/me")]
        for each, case in zip(held, HELD, strict=True):
            handles.append(each.add_fault(case.effect, LISTING))
        for each, case in zip(held, HELD, strict=True):
            found = await outage.until(each.is_down)
            assert each.failures(found) == each.failures(found, reason=case.shows.reason) == 1
            assert each.batches(found) == each.batches(before)
            line = await outage.said(
                "agent_down", level="warning", account=each.name, reason=case.shows.reason
            )
            assert case.shows.error in line["error"]
        found = await outage.until(lambda found: probed.series(found, "ultravox_account_up") == [0])
        await outage.said("account_down", account="probed", reason="rate_limited")
        found = await outage.until(lambda later: well.polls(later) > well.polls(found) + 1)
        later = await outage.until(lambda later: well.polls(later) > well.polls(found) + 2)
        for each in (*held, probed):
            assert each.polls(later) == each.polls(found)
            ups = ("ultravox_agent_up", "ultravox_account_up")
            assert [each.series(later, up) for up in ups] == [each.series(found, up) for up in ups]
        assert probed.series(later, "ultravox_agent_up") == [1]
        assert all(each.series(later, "ultravox_account_up") == [1] for each in held)
        assert [handle.hits for handle in handles] == [1, 1, 1, 1]
        assert well.failures(later) == 0
        assert await outage.exporter.stop(signal.SIGTERM) == 0


async def test_a_storm_of_429_is_met_with_few_requests_and_is_nobody_else_s(
    tmp_path: Path,
) -> None:
    """A poll makes three requests at most, as the API counts them; the other account polls on."""
    plain, wishing, well = Watched("plain"), Watched("wishing"), Watched("well")
    for stormed, retry_after in ((plain, None), (wishing, 1)):
        more = [stormed.simulator.add_agent() for _ in range(5)]
        stormed.entry["agents"] = [{"id": ident, "name": ident} for ident in (stormed.agent, *more)]
        stormed.add_fault(f.Status(429, retry_after))
    async with watching(tmp_path, plain, wishing, well) as outage:
        before = await outage.until(well.is_up)
        found = await outage.until(
            lambda found: (
                well.polls(found) >= well.polls(before) + 5
                and min(plain.failures(found), wishing.failures(found)) >= 4
            )
        )
        assert well.is_up(found)
        assert well.failures(found) == 0
        assert well.total(found, "ultravox_exporter_api_retries_total") == 0
        for stormed in (plain, wishing):
            asked = stormed.listings()
            found = await outage.until(stormed.polls)
            under_way = 4
            assert asked <= 3 * (stormed.polls(found) + under_way)
            assert stormed.listings() >= 3 * stormed.failures(found)
            assert stormed.polls(found) == stormed.failures(found, reason="rate_limited")


async def test_old_data_are_withdrawn_until_a_poll_succeeds(tmp_path: Path) -> None:
    """Batches, sums and the account's calls go when `stale_after` has passed; health stays."""
    watched = Watched("main")
    async with watching(tmp_path, watched, timeout="3s", stale_after="3s") as outage:
        await outage.until(lambda found: watched.is_up(found) and watched.batches(found))
        watched.add_fault(f.Status(500))
        found = await outage.until(
            lambda found: (
                not watched.batches(found)
                and not watched.series(found, "ultravox_account_active_calls")
            )
        )
        (success,) = watched.series(found, "ultravox_agent_last_success_timestamp_seconds")
        assert time.time() - success >= 3
        assert watched.is_down(found)
        assert watched.failures(found, reason="status") >= 1
        assert watched.series(found, "ultravox_agent_info") == [1]
        watched.simulator.faults.clear()
        await outage.until(
            lambda found: (
                watched.is_up(found)
                and watched.batches(found)
                and watched.series(found, "ultravox_account_active_calls")
            )
        )


async def test_a_key_file_may_be_emptied_or_replaced_while_it_runs(tmp_path: Path) -> None:
    """An empty file leaves the old key in use; a new key takes over, at the latest when needed."""
    emptied, rotated, late = Watched("emptied"), Watched("rotated"), Watched("late")
    async with watching(tmp_path, emptied, rotated, late) as outage:
        every = (emptied, rotated, late)
        before = await outage.until(lambda found: all(each.is_up(found) for each in every))
        old = emptied.simulator.api_key

        (tmp_path / "emptied.key").write_text("")
        (tmp_path / "following").write_text("new")
        (tmp_path / "following").replace(tmp_path / "rotated.key")
        rotated.simulator.api_key = late.simulator.api_key = "new"

        line = await outage.said("key_not_replaced", level="warning", account="emptied")
        assert line["problem"] == "the key file is empty"
        await outage.said("key_replaced", account="rotated")
        await outage.said("agent_down", level="warning", account="late", reason="auth")
        await outage.said("account_down", level="warning", account="late", reason="auth")
        found = await outage.until(
            lambda found: (
                emptied.polls(found) >= emptied.polls(before) + 3
                and rotated.polls(found) >= rotated.polls(before) + 3
                and late.is_down(found)
                and late.series(found, "ultravox_account_up") == [0]
            )
        )
        assert late.batches(found) == late.batches(before)
        assert late.failures(found) == late.failures(found, reason="auth")
        for each in (emptied, rotated):
            assert each.is_up(found)
            assert each.failures(found) == 0

        (tmp_path / "emptied.key").write_text(old)
        (tmp_path / "late.key").write_text("new")
        await outage.said("key_file_well_again", account="emptied")
        await outage.said("key_replaced", account="late")
        await outage.until(lambda found: emptied.is_up(found) and late.is_up(found))


async def test_discovery_may_fail_and_a_glob_may_match_nothing(tmp_path: Path) -> None:
    """The agents that are known stay and are polled; a new one is found when it works again."""
    watched = Watched("main")
    watched.entry |= {
        "agents": [],
        "discover": {"include": ["Agent*", "Win-back"], "interval": "1s"},
    }
    included = "ultravox_account_discovery_included_agents"
    async with watching(tmp_path, watched) as outage:
        before = await outage.until(watched.is_up)
        assert watched.series(before, included, include="Win-back") == [0]
        assert watched.series(before, included, include="Agent*") == [1]
        assert watched.series(before, "ultravox_account_discovery_up") == [1]
        line = await outage.said("include_matches_no_agent", level="warning", account="main")
        assert line["include"] == "Win-back"

        watched.add_fault(f.Status(500), "/api/agents")
        found = await outage.until(
            lambda found: watched.series(found, "ultravox_account_discovery_up") == [0]
        )
        await outage.said("discovery_down", level="warning", account="main", reason="status")
        watched.simulator.add_agent("Win-back")
        found = await outage.until(lambda later: watched.polls(later) > watched.polls(found) + 1)
        assert watched.is_up(found)
        assert watched.batches(found) == watched.batches(before)
        assert watched.series(found, "ultravox_account_discovery_up") == [0]

        watched.simulator.faults.clear()
        await outage.until(
            lambda found: (
                watched.series(found, included, include="Win-back") == [1]
                and watched.series(found, "ultravox_account_discovery_up") == [1]
            )
        )
        await outage.said("agent_found", account="main", agent="Win-back")


async def test_pages_out_of_order_are_all_read(tmp_path: Path) -> None:
    """Every listing is a full one then, and nothing is lost; in order, one page is enough."""
    ordered, disordered = Watched("ordered"), Watched("disordered")
    now = time.time()
    for each in (ordered, disordered):
        for number in range(1, 250):
            each.simulator.create(each.agent, created=now - 60 * number, ended_at=now)
    disordered.add_fault(f.OldestFirst(), LISTING)
    pages = "ultravox_agent_listing_pages"
    async with watching(tmp_path, ordered, disordered) as outage:
        found = await outage.until(
            lambda found: (
                disordered.polls(found) >= 3
                and ordered.series(found, pages, listing="incremental") == [1]
            )
        )
        assert disordered.is_up(found)
        assert disordered.series(found, pages) == [3]
        assert disordered.series(found, pages, listing="full") == [3]
        for each in (ordered, disordered):
            assert each.series(found, "ultravox_agent_batches", state="ended") == [249]
            assert each.series(found, "ultravox_agent_batches", state="active") == [1]
        await outage.said("agent_up", level="debug", account="ordered", listing="incremental")
        await outage.said(
            "agent_up", level="debug", account="disordered", listing="full", pages="3"
        )
        disordered.simulator.faults.clear()
        await outage.until(
            lambda found: disordered.series(found, pages, listing="incremental") == [1]
        )


async def test_a_clock_put_back_is_got_over_with_the_next_poll(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """By less than `stale_after`, nothing changes; by more, batches are gone until that poll."""
    agent = simulator.add_agent()
    simulator.create(agent, created=clock.now - 9000)
    for number in range(150):
        simulator.create(agent, created=clock.now - 9000 - 60 * number, ended_at=clock.now - 9000)
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        policy = SelectionSettings.of(made.config)
        label = f'{{account="main",agent_id="{agent}"}}'

        def served() -> dict[str, float]:
            text = render(made.store.snapshot(), clock(), policy, Format.PROMETHEUS)
            return samples(text)

        await made.poll(agent)
        await made.poll(agent)
        before = served()
        assert any(key.startswith("ultravox_batch_") for key in before)
        asked = len(simulator.requests)
        assert asked == 2 + 1
        clock.now -= policy.polling.stale_after - 1
        assert served() == before
        clock.now -= 1
        gone = served()
        assert not any(key.startswith("ultravox_batch_") for key in gone)
        assert gone[f"ultravox_agent_up{label}"] == 1
        await made.poll(agent)
        after = served()
        assert {key: after.get(key) for key in before if key.startswith("ultravox_batch_")} == {
            key: value for key, value in before.items() if key.startswith("ultravox_batch_")
        }
        assert after[f"ultravox_agent_up{label}"] == 1
        assert after[f"ultravox_agent_last_success_timestamp_seconds{label}"] == clock.now
        assert len(simulator.requests) == asked + 2


PAGE = (ROOT / "docs" / "failure-modes.md").read_text("utf-8")
REQUESTS = {1: "1 request", 2: "2 requests", 3: "3 requests"}
TEST = re.compile(r"`(test_\w+)`")


def rows() -> Iterator[list[str]]:
    """Yield the five cells of each row of the page's tables of faults."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (
            line.startswith("|")
            and len(cells) == 5
            and cells[0] != "Fault"
            and cells[0][:2] != "--"
        ):
            yield cells


def defined(*paths: Path) -> set[str]:
    """Return the names of the tests in these files."""
    return {
        name
        for path in paths
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }


def test_every_row_of_the_page_names_a_test_that_there_is() -> None:
    """And the page names every test of a fault that is here."""
    every = defined(*(ROOT / "tests").rglob("test_*.py"))
    named_tests = [TEST.findall(row[4]) for row in rows()]
    assert all(named_tests)
    assert set(TEST.findall(PAGE)) - every == set()
    about_the_page = {name for name in defined(Path(__file__)) if "_the_page" in name}
    assert defined(Path(__file__)) - about_the_page - set(TEST.findall(PAGE)) == set()


def test_the_page_says_of_each_fault_what_is_seen() -> None:
    """Requests a poll, reason, what becomes of the account, and what the log says."""
    for shows in SHOWN:
        ((_, deed, metric, line, _),) = [row for row in rows() if row[0] == shows.row]
        assert shows.requests is None or deed.startswith(REQUESTS[shows.requests]), shows
        assert f'reason="{shows.reason}"' in metric, shows
        assert ("`ultravox_account_up` stays 1" in metric) is not shows.whole, shows
        assert f"event=agent_down reason={shows.reason}" in line, shows
        assert shows.error in line, shows
