"""Each row of docs/failure-modes.md, tested: the fault, and what an operator then sees.

One exporter polls many accounts; each has a simulator of its own, and each simulator one fault.
"""

import asyncio
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest

from exporter.errors import REASONS
from exporter.render.text import Format
from exporter.selection import SelectionSettings
from tests.fake_api import Simulator, serve
from tests.fake_api import faults as f
from tests.support.builders import Clock, account, surroundings
from tests.support.outage import LISTING, Outage, Scrape, Watched, watching
from tests.support.plain import render
from tests.support.process import eventually, samples
from tests.support.tls import Door, door, self_signed
from tools.docs.pages import ROOT

LONG = 10**9
"""Seconds of a `Retry-After`: longer than any hold."""

REJECTED = "auth"
"""The reason that is one warning of the account, not one of each agent."""


class Shows(msgspec.Struct, frozen=True):
    """What a fault shows: the page's row, the reason, a part of `error` in the log line.

    `requests` is the number of requests of a failed poll, None where that depends on the time that
    remains. Without `whole` the fault affects only the listing of batches.
    """

    row: str
    reason: str
    error: str
    requests: int | None = 1
    whole: bool = True


class Case(msgspec.Struct, frozen=True):
    """An effect of the simulator, and what it shows."""

    effect: f.Effect
    shows: Shows


def refused(
    row: str, reason: str, status: int, retry_after: int | str | None = None, requests: int = 1
) -> Case:
    """Return the case of a status other than 200."""
    error = f"the API answered HTTP {status}"
    return Case(f.Status(status, retry_after), Shows(row, reason, error, requests))


CASES = (
    refused("HTTP 401", "auth", 401),
    refused("HTTP 403", "auth", 403),
    refused("HTTP 402", "status", 402),
    Case(f.Status(404), Shows("HTTP 404", "not_found", "the API answered HTTP 404", whole=False)),
    refused("HTTP 429 without `Retry-After`", "rate_limited", 429, None, 3),
    refused("HTTP 429 with `Retry-After: 1`", "rate_limited", 429, 1, 3),
    refused("HTTP 429 with `Retry-After: soon`", "rate_limited", 429, "soon", 3),
    refused("HTTP 429 with `Retry-After: -1`", "rate_limited", 429, "-1", 3),
    refused("HTTP 500", "status", 500, None, 3),
    refused("HTTP 503 without `Retry-After`", "status", 503, None, 3),
    refused("HTTP 503 with `Retry-After: 1`", "status", 503, 1, 3),
    Case(
        f.Redirect("http://127.0.0.1:1/login"),
        Shows("A redirect", "status", "the API answered HTTP 302"),
    ),
    Case(f.Reset(), Shows("The connection is reset", "unreachable", "the connection broke", 3)),
    Case(f.NotJson(), Shows("HTML instead of JSON", "payload", "not the documented response")),
    Case(
        f.WrongType("totalCount", "ten"),
        Shows(
            "A field of another type in every record of a page",
            "payload",
            "Expected `int`, got `str`",
            whole=False,
        ),
    ),
    Case(
        f.Missing("completedCount"),
        Shows(
            "A missing field in every record of a page",
            "payload",
            "required field `completedCount`",
            whole=False,
        ),
    ),
    Case(
        f.Replace({"results": [], "total": 4}),
        Shows(
            "An empty list of batches whose `total` is above 0",
            "payload",
            "the listing contradicts itself: 0 records, total 4",
            whole=False,
        ),
    ),
    Case(f.CutBody(), Shows("A body that is cut off", "payload", "the response broke off", 3)),
    Case(
        f.CorruptGzip(),
        Shows("A gzip body that is cut off", "payload", "the response broke off", 3),
    ),
    Case(
        f.CorruptGzip(garbage=True),
        Shows(
            "A body that is announced as gzip and is not", "payload", "the body can't be inflated"
        ),
    ),
    Case(
        f.Huge(5),
        Shows("A body larger than 4 MiB", "payload", "larger than 4194304 bytes", 2, whole=False),
    ),
    Case(
        f.RepeatNext(),
        Shows("A page whose `next` is the same page", "loop", "a cursor repeats", 2, whole=False),
    ),
)

SLOW = (
    Case(f.Hang(), Shows("No response", "timeout", "no complete response within", None)),
    Case(
        f.HangInBody(),
        Shows(
            "A response that stops before its end", "timeout", "no complete response within", None
        ),
    ),
)

REFUSED = Shows("The connection is refused", "unreachable", "Cannot connect to host 127.0.0.1:")
NAMELESS = Shows(
    "The host name cannot be resolved", "unreachable", "Cannot connect to host nowhere"
)
UNTRUSTED = Shows("A certificate that is not trusted", "unreachable", "certificate verify failed")
MISNAMED = Shows("A certificate for another host name", "unreachable", "IP address mismatch")

HELD = (
    Case(
        f.Status(429, LONG),
        Shows("HTTP 429 with `Retry-After: 1000000000`", "rate_limited", "HTTP 429", whole=False),
    ),
    Case(
        f.Status(429, "Fri, 31 Dec 9999 23:59:59 GMT"),
        Shows("HTTP 429 with a date in `Retry-After`", "rate_limited", "HTTP 429", whole=False),
    ),
    Case(
        f.Status(503, LONG),
        Shows("HTTP 503 with `Retry-After: 1000000000`", "status", "HTTP 503", whole=False),
    ),
)

SHOWN = (
    *(case.shows for case in (*CASES, *SLOW, *HELD)),
    *(REFUSED, NAMELESS, UNTRUSTED, MISNAMED),
)


def named(row: str) -> str:
    """Return a row's title as the name of an account."""
    return re.sub("[^a-z0-9]+", "-", row.lower().replace("-1", "minus-1")).strip("-")


async def fault_is_shown(outage: Outage, watched: Watched, shows: Shows, before: Scrape) -> None:
    """Wait until metrics and log show a fault; check that the data served do not change."""
    watched.simulator.update(watched.batch, completed_count=9)
    account_up = 0.0 if shows.whole else 1.0

    def failed(found: Scrape) -> float:
        return watched.failures(found, reason=shows.reason) - watched.failures(before)

    def retries(found: Scrape) -> float:
        return watched.total(found, "ultravox_exporter_api_retries_total", reason=shows.reason)

    first = await outage.until(
        lambda found: (
            failed(found) >= 1
            and watched.is_down(found)
            and watched.series(found, "ultravox_account_up") == [account_up]
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
        assert retries(later) == retries(first)
    await fault_is_logged(outage, watched, shows)


async def fault_is_logged(outage: Outage, watched: Watched, shows: Shows) -> None:
    """Wait for the log lines of a fault; each is there once at level `warning`."""
    rejected = shows.reason == REJECTED
    level = "debug" if rejected else "warning"
    events = ["account_probe_failed"] * shows.whole + ["agent_poll_failed"]
    for event in events:
        await outage.logged(event, level=level, account=watched.name, reason=shows.reason)
    line = await outage.logged("agent_poll_failed", level=level, account=watched.name)
    assert shows.error in line["error"]
    assert (line["agent_id"], line["agent"]) == (watched.agent, watched.name)
    if rejected:
        await outage.logged("api_key_rejected", level="warning", account=watched.name)
    warned = [line["event"] for line in outage.lines(level="warning", account=watched.name)]
    assert sorted(warned) == (["api_key_rejected"] if rejected else events)


async def recovered(outage: Outage, watched: Watched, shows: Shows) -> None:
    """Wait until the API's data are served again, and the log has the end of the fault."""
    await outage.until(
        lambda found: (
            watched.is_up(found)
            and watched.series(found, "ultravox_batch_calls_completed") == [9]
            and watched.series(found, "ultravox_agent_poll_interval_seconds") == [1]
        )
    )
    await outage.logged("agent_recovered", level="info", account=watched.name)
    if shows.whole:
        await outage.logged("account_recovered", level="info", account=watched.name)
    if shows.reason == REJECTED:
        await outage.logged("api_key_accepted", level="info", account=watched.name)


async def fault_comes_and_goes(outage: Outage, watched: Watched, case: Case) -> None:
    """Add a fault, wait until it is shown, count its requests, remove it, wait for its end."""
    before = await outage.until(watched.is_up)
    first = watched.listings()
    watched.add_fault(case.effect, "*" if case.shows.whole else LISTING)
    await eventually(lambda: watched.listings() > first, outage.exporter.describe)
    await fault_is_shown(outage, watched, case.shows, before)
    if case.shows.requests is not None:
        sent = watched.listings() - first
        found = await outage.until(watched.is_down)
        failed = watched.failures(found) - watched.failures(before)
        assert sent <= case.shows.requests * (failed + 1), case
        assert watched.listings() - first >= case.shows.requests * failed, case
    watched.simulator.faults.clear()
    await recovered(outage, watched, case.shows)


@pytest.mark.parametrize(
    ("cases", "deadline"),
    [(CASES[::2], "20s"), (CASES[1::2], "20s"), (SLOW, "2s")],
    ids=["some", "others", "slow"],
)
async def test_a_fault_changes_only_the_health_until_it_ends(
    tmp_path: Path, cases: tuple[Case, ...], deadline: str
) -> None:
    """Reason, log line, requests of a poll and doubled interval are those of the page.

    The batches that are served do not change during a fault, and `/-/healthy` stays 200.
    """
    watched = [Watched(named(case.shows.row)) for case in cases]
    async with (
        watching(tmp_path, *watched, timeout=deadline) as outage,
        asyncio.TaskGroup() as together,
    ):
        for each, case in zip(watched, cases, strict=True):
            together.create_task(fault_comes_and_goes(outage, each, case))
        await outage.until(lambda found: any(each.is_down(found) for each in watched))
        assert (await outage.exporter.get("/-/healthy"))[0] == 200


async def test_an_address_without_a_server_is_unreachable(tmp_path: Path) -> None:
    """A closed port, and a host name that does not exist: that agent has no batches from the start.

    The exporter is ready nevertheless.
    """
    refusing, nameless = Watched("refusing"), Watched("nameless")
    nameless.entry["base_url"] = "https://nowhere.invalid"
    async with serve(refusing.simulator) as url, door(url) as port:
        refusing.entry["base_url"] = port.url
        async with watching(tmp_path, refusing, nameless, timeout="60s") as outage:
            before = await outage.until(refusing.is_up)
            await port.shut()
            await fault_is_shown(outage, refusing, REFUSED, before)
            await port.open()
            await recovered(outage, refusing, REFUSED)
            found = await outage.until(
                lambda found: (
                    nameless.failures(found, reason="unreachable") >= 1 and nameless.is_down(found)
                )
            )
            assert nameless.series(found, "ultravox_account_up") == [0]
            assert nameless.batches(found) == {}
            assert nameless.series(found, "ultravox_agent_info") == [1]
            assert nameless.total(found, "ultravox_exporter_api_retries_total") == 0
            line = await outage.logged(
                "agent_poll_failed", level="warning", account="nameless", reason="unreachable"
            )
            assert NAMELESS.error in line["error"]
            assert (await outage.exporter.get("/-/ready"))[0] == 200


async def test_a_certificate_must_be_trusted_and_have_the_right_name(tmp_path: Path) -> None:
    """HTTPS works with a good certificate; SSL_CERT_FILE names the trusted certificates."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    good = self_signed(folder, "good", "IP:127.0.0.1")
    misnamed = self_signed(folder, "misnamed", "IP:127.0.0.2")
    untrusted = self_signed(folder, "untrusted", "IP:127.0.0.1")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(good.path.read_text() + misnamed.path.read_text())
    watched = [Watched("misnamed"), Watched("untrusted")]
    async with AsyncExitStack() as stack:
        ports: list[Door] = []
        for each in watched:
            url = await stack.enter_async_context(serve(each.simulator))
            ports.append(await stack.enter_async_context(door(url, good)))
            each.entry["base_url"] = ports[-1].url
        env = {"SSL_CERT_FILE": str(trusted)}
        outage = await stack.enter_async_context(watching(tmp_path, *watched, env=env))
        before = await outage.until(lambda found: all(each.is_up(found) for each in watched))
        bad = zip(watched, ports, (misnamed, untrusted), (MISNAMED, UNTRUSTED), strict=True)
        for each, port, certificate, shows in bad:
            await port.show(certificate)
            await fault_is_shown(outage, each, shows, before)
            await port.show(good)
            await recovered(outage, each, shows)


async def overcome(
    outage: Outage, watched: Watched, effect: f.Effect, times: int, reason: str
) -> list[float]:
    """Let a fault affect the first `times` requests of one poll; return when requests came."""
    came: list[float] = []
    before = await outage.until(watched.is_up)
    watched.add_fault(f.Before(lambda: came.append(time.time())), LISTING)
    handle = watched.add_fault(effect, LISTING, times)
    await eventually(lambda: handle.hits == times, outage.exporter.describe)
    await poll_without_failure(outage, watched, before)
    found = await outage.until(watched.is_up)
    retries = "ultravox_exporter_api_retries_total"
    assert watched.total(found, retries, reason=reason) == times
    assert watched.total(found, retries) == times
    return came


async def poll_without_failure(outage: Outage, watched: Watched, before: Scrape) -> None:
    """Wait until a poll has ended that began after this call; none has failed since `before`."""
    polls = watched.polls(await outage.until(watched.polls))
    found = await outage.until(lambda found: watched.polls(found) > polls)
    assert watched.failures(found) == watched.failures(before) == 0
    assert watched.is_up(found)


async def overcome_at_a_date(outage: Outage, watched: Watched) -> tuple[int, float]:
    """Answer one request with a date in `Retry-After`; return the date and when the retry came.

    Both are in seconds since the epoch. Where the machine is so slow that the request comes after
    the date, another date is tried.
    """
    came: list[float] = []
    before = await outage.until(watched.is_up)
    watched.add_fault(f.Before(lambda: came.append(time.time())), LISTING)
    while True:
        due, asked, retried = await answer_with_a_date(outage, watched, came)
        await poll_without_failure(outage, watched, before)
        if asked < due - 1:
            return due, retried


async def answer_with_a_date(
    outage: Outage, watched: Watched, came: list[float]
) -> tuple[int, float, float]:
    """Answer one request so; return the date, when the request came, and when the next one came.

    `came` gets the time of each request, in seconds since the epoch.
    """
    due, first = int(time.time()) + 4, len(came)
    watched.add_fault(f.Status(503, formatdate(due, usegmt=True)), LISTING, 1)
    await eventually(lambda: len(came) > first + 1, outage.exporter.describe)
    return due, came[first], came[first + 1]


async def test_a_fault_that_a_retry_overcomes_leaves_the_agent_up(tmp_path: Path) -> None:
    """At most two retries, none before `Retry-After` allows it; each counts as a retry."""
    names = ("seconds", "date", "twice", "reset")
    seconds, date, twice, reset = watched = [Watched(name) for name in names]
    async with (
        watching(tmp_path, *watched, timeout="60s") as outage,
        asyncio.TaskGroup() as together,
    ):
        waited = together.create_task(
            overcome(outage, seconds, f.Status(429, 1), 1, "rate_limited")
        )
        dated = together.create_task(overcome_at_a_date(outage, date))
        together.create_task(overcome(outage, twice, f.Status(500), 2, "status"))
        together.create_task(overcome(outage, reset, f.Reset(), 2, "unreachable"))
    first, second, *_ = waited.result()
    assert second - first >= 0.99
    due, retried = dated.result()
    assert retried >= due


async def test_a_long_retry_after_stops_the_account_and_no_other(tmp_path: Path) -> None:
    """One request, then none: the hold is longer than any poll. Data and health do not change.

    If the account probe got the `Retry-After`, the agents stay up: nothing is polled, so nothing is
    learnt. SIGTERM ends the exporter during a hold.
    """
    held = [Watched(named(case.shows.row)) for case in HELD]
    probed, healthy = Watched("probed"), Watched("healthy")
    async with watching(tmp_path, *held, probed, healthy) as outage:
        every = (*held, probed, healthy)
        before = await outage.until(lambda found: all(each.is_up(found) for each in every))
        handles = [probed.add_fault(f.Status(429, LONG), "/api/accounts/me")]
        for each, case in zip(held, HELD, strict=True):
            handles.append(each.add_fault(case.effect, LISTING))
        for each, case in zip(held, HELD, strict=True):
            found = await outage.until(each.is_down)
            assert each.failures(found) == each.failures(found, reason=case.shows.reason) == 1
            assert each.batches(found) == each.batches(before)
            await fault_is_logged(outage, each, case.shows)
        found = await outage.until(lambda found: probed.series(found, "ultravox_account_up") == [0])
        await outage.logged(
            "account_probe_failed", level="warning", account="probed", reason="rate_limited"
        )
        found = await outage.until(lambda later: healthy.polls(later) > healthy.polls(found) + 1)
        later = await outage.until(lambda later: healthy.polls(later) > healthy.polls(found) + 2)
        for each in (*held, probed):
            assert each.polls(later) == each.polls(found)
            ups = ("ultravox_agent_up", "ultravox_account_up")
            assert [each.series(later, up) for up in ups] == [each.series(found, up) for up in ups]
        assert probed.series(later, "ultravox_agent_up") == [1]
        assert all(each.series(later, "ultravox_account_up") == [1] for each in held)
        assert [handle.hits for handle in handles] == [1, 1, 1, 1]
        assert healthy.failures(later) == 0
        assert await outage.exporter.stop(signal.SIGTERM) == 0


async def test_an_account_that_gets_only_429_sends_few_requests_and_affects_no_other(
    tmp_path: Path,
) -> None:
    """A poll sends at most three requests, as the API counts them; the other account is polled."""
    plain, dated, healthy = Watched("plain"), Watched("dated"), Watched("healthy")
    for limited, retry_after in ((plain, None), (dated, 1)):
        more = [limited.simulator.add_agent() for _ in range(5)]
        limited.entry["agents"] = [{"id": ident, "name": ident} for ident in (limited.agent, *more)]
        limited.add_fault(f.Status(429, retry_after))
    async with watching(tmp_path, plain, dated, healthy) as outage:
        before = await outage.until(healthy.is_up)
        found = await outage.until(
            lambda found: (
                healthy.polls(found) >= healthy.polls(before) + 5
                and min(plain.failures(found), dated.failures(found)) >= 4
            )
        )
        assert healthy.is_up(found)
        assert healthy.failures(found) == 0
        assert healthy.total(found, "ultravox_exporter_api_retries_total") == 0
        for limited in (plain, dated):
            sent = limited.listings()
            found = await outage.until(limited.polls)
            polls_at_once = 4
            assert sent <= 3 * (limited.polls(found) + polls_at_once)
            assert limited.listings() >= 3 * limited.failures(found)
            assert limited.polls(found) == limited.failures(found, reason="rate_limited")


async def test_sigterm_ends_the_process_while_the_api_hangs(tmp_path: Path) -> None:
    """Exit status 0, and the log has `exporter_stopped`."""
    watched = Watched("main")
    watched.add_fault(f.Hang())
    async with watching(tmp_path, watched) as outage:
        await eventually(watched.listings, outage.exporter.describe)
        assert await outage.exporter.stop(signal.SIGTERM) == 0
        assert outage.lines(event="exporter_stopped")


async def test_old_data_are_withdrawn_until_a_poll_succeeds(tmp_path: Path) -> None:
    """Batches, sums and the account's calls are absent after `stale_after`; health is not."""
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
        assert found.ended - success >= 3
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


async def test_the_key_file_may_be_emptied_or_replaced_at_run_time(tmp_path: Path) -> None:
    """An empty file leaves the previous key in use; a new key is used by the next request."""
    emptied, rotated, late = Watched("emptied"), Watched("rotated"), Watched("late")
    async with watching(tmp_path, emptied, rotated, late) as outage:
        every = (emptied, rotated, late)
        before = await outage.until(lambda found: all(each.is_up(found) for each in every))
        old = emptied.simulator.api_key

        (tmp_path / "emptied.key").write_text("")
        (tmp_path / "following").write_text("new")
        (tmp_path / "following").replace(tmp_path / "rotated.key")
        rotated.simulator.api_key = late.simulator.api_key = "new"

        line = await outage.logged("key_file_reload_failed", level="warning", account="emptied")
        assert line["problem"] == "the key file is empty"
        await outage.logged("key_file_reloaded", account="rotated")
        await outage.logged("api_key_rejected", level="warning", account="late")
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
        await outage.logged("key_file_recovered", account="emptied")
        await outage.logged("key_file_reloaded", account="late")
        await outage.logged("api_key_accepted", account="late")
        await outage.until(lambda found: emptied.is_up(found) and late.is_up(found))


async def test_discovery_may_fail_and_a_glob_may_match_nothing(tmp_path: Path) -> None:
    """Known agents are polled; a new agent is discovered when discovery works again."""
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
        line = await outage.logged("include_glob_unmatched", level="warning", account="main")
        assert line["include"] == "Win-back"

        watched.add_fault(f.Status(500), "/api/agents")
        found = await outage.until(
            lambda found: watched.series(found, "ultravox_account_discovery_up") == [0]
        )
        await outage.logged(
            "agent_discovery_failed", level="warning", account="main", reason="status"
        )
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
        await outage.logged("agent_discovered", account="main", agent="Win-back")
        await outage.logged("agent_discovery_recovered", account="main")


async def test_a_listing_that_is_not_newest_first_is_read_in_full(tmp_path: Path) -> None:
    """Every listing is full then, and no batch is lost; in the right order, one page is enough."""
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
        await outage.logged(
            "agent_poll_succeeded", level="debug", account="ordered", listing="incremental"
        )
        await outage.logged(
            "agent_poll_succeeded", level="debug", account="disordered", listing="full", pages="3"
        )
        disordered.simulator.faults.clear()
        await outage.until(
            lambda found: disordered.series(found, pages, listing="incremental") == [1]
        )


async def test_a_record_that_cannot_be_read_withdraws_that_batch_alone(tmp_path: Path) -> None:
    """The agent is up, and the log has the batch's id and the field: once, until that changes."""
    watched = Watched("main")
    now = time.time()
    older = [watched.simulator.create(watched.agent, created=now - 60 * n) for n in range(1, 50)]
    count, unreadable = "ultravox_batch_calls", "ultravox_agent_batches_unreadable"
    async with watching(tmp_path, watched) as outage:
        await outage.until(lambda found: len(watched.series(found, count)) == 50)
        watched.add_fault(f.WrongType("created", None, 7), LISTING)
        found = await outage.until(lambda found: watched.series(found, unreadable) == [1])
        later = await outage.until(lambda later: watched.polls(later) >= watched.polls(found) + 2)
        assert len(watched.series(later, count)) == 49
        assert watched.series(later, count, batch_id=older[6]) == []
        assert watched.is_up(later)
        assert watched.failures(later) == 0
        (line,) = outage.lines(event="batch_records_unreadable", level="warning")
        assert line["problems"] == f"{older[6]}: created: Expected `datetime`, got `null`"
        assert (line["account"], line["agent_id"]) == ("main", watched.agent)
        watched.simulator.faults.clear()
        await outage.until(
            lambda found: (
                watched.series(found, unreadable) == [0] and len(watched.series(found, count)) == 50
            )
        )
        await outage.logged("batch_records_recovered", level="info", account="main")


async def test_a_clock_that_is_set_back_affects_data_until_the_next_poll(
    simulator: Simulator, base_url: str, clock: Clock
) -> None:
    """By less than `stale_after`, nothing changes; by more, batches are absent until that poll."""
    agent = simulator.add_agent()
    simulator.create(agent, created=clock.now - 9000)
    for number in range(150):
        simulator.create(agent, created=clock.now - 9000 - 60 * number, ended_at=clock.now - 9000)
    async with surroundings(simulator, account(base_url, agent), clock=clock) as made:
        settings = SelectionSettings.of(made.config)
        label = f'{{account="main",agent_id="{agent}"}}'

        def served() -> dict[str, float]:
            text = render(made.store.snapshot(), clock(), settings, Format.PROMETHEUS)
            return samples(text)

        await made.poll(agent)
        await made.poll(agent)
        before = served()
        assert any(key.startswith("ultravox_batch_") for key in before)
        asked = len(simulator.requests)
        assert asked == 2 + 1
        clock.now -= settings.polling.stale_after - 1
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

FAULT = "test_a_fault_changes_only_the_health_until_it_ends"
UNREACHABLE = "test_an_address_without_a_server_is_unreachable"
CERTIFICATE = "test_a_certificate_must_be_trusted_and_have_the_right_name"
RETRY = "test_a_fault_that_a_retry_overcomes_leaves_the_agent_up"
HOLD = "test_a_long_retry_after_stops_the_account_and_no_other"
KEY_FILE = "test_the_key_file_may_be_emptied_or_replaced_at_run_time"
DISCOVERY = "test_discovery_may_fail_and_a_glob_may_match_nothing"
TLS_FILES = "api/test_tls.py::test_a_changed_ca_file_is_read_again"
PROXY_REFUSES = "api/test_proxy.py::test_a_proxy_that_refuses_is_reported_with_its_status"
CLOCK = "test_a_clock_that_is_set_back_affects_data_until_the_next_poll"
CLIENT = "api/test_client.py::"
SCHEMAS = "api/test_schemas.py::"
SUPERVISOR = "polling/test_supervisor.py::"
RETRIES = "api/test_retry.py::"
SERVER = "web/test_server.py::"
CONNECTIONS = "web/test_connections.py::"
CLIENTS = "e2e/test_clients.py::"
SLOTS = "web/test_scrape_slots.py::"
POLL_SLOTS = "polling/test_poll_slots.py::"
SCHEDULE = "polling/test_schedule.py::"
SUPERVISOR = "polling/test_supervisor.py::"
INHERITED = "cli/test_surroundings.py::"
CLOSED = f"{INHERITED}test_a_closed_stream_does_not_change_the_exit_status"
SERVES = f"{INHERITED}test_the_exporter_serves_and_stops_without_usable_streams"

RULES: Mapping[str, tuple[str, ...]] = {
    "Data are kept.": (FAULT,),
    "Stale data are withdrawn.": ("test_old_data_are_withdrawn_until_a_poll_succeeds",),
    "Polls back off.": (
        FAULT,
        f"{SCHEDULE}test_failures_double_the_interval_up_to_five_minutes",
    ),
    "Failing agents do not delay the others.": (
        "polling/test_supervisor.py::test_agents_that_hang_do_not_hold_up_the_others",
        f"{POLL_SLOTS}test_a_slow_poll_makes_room_for_an_agent_that_waits_and_starts_again",
    ),
    "Transient failures are retried.": (
        RETRY,
        f"{CLIENT}test_each_failure_has_its_reason_and_its_attempts_and_is_counted",
    ),
    "`Retry-After` holds the account.": (
        HOLD,
        f"{RETRIES}test_retry_after_is_honoured_by_every_request_of_the_account",
    ),
    "The log reports changes.": (
        FAULT,
        f"{SCHEDULE}test_health_is_logged_when_it_changes_and_otherwise_at_debug",
    ),
    "A rejected key is one warning.": (FAULT, KEY_FILE),
    "`/-/healthy` does not depend on the API.": (FAULT, UNREACHABLE),
    "A restart loses the data in memory.": (UNREACHABLE,),
}
"""The rules of the page, and the tests of each: in this file, or `FILE::TEST` below `tests`."""

SCENARIOS = "e2e/test_rules.py::test_the_rules_load_and_pass_their_unit_tests"

ROWS: Mapping[str, tuple[str, ...]] = {
    **{case.shows.row: (FAULT,) for case in (*CASES, *SLOW)},
    **{case.shows.row: (HOLD,) for case in HELD},
    NAMELESS.row: (UNREACHABLE,),
    "The name servers of one account do not answer": (
        "api/test_resolver.py::test_lookups_that_hang_do_not_keep_another_account_from_its_api",
    ),
    "The clock is wrong": (
        f"{CLIENT}test_the_date_of_a_response_shows_how_far_a_clock_is_off",
        "polling/test_preflight.py::test_a_wrong_clock_is_a_problem",
    ),
    "A bug in the code of a job": (
        f"{SUPERVISOR}test_a_job_that_crashes_affects_no_other_and_goes_on",
        f"{SUPERVISOR}test_a_probe_that_crashes_shows_the_account_down",
    ),
    "The name of an agent cannot be read": (
        "polling/test_poller.py::test_a_name_that_cannot_be_read_is_not_asked_for_with_each_poll",
    ),
    "A body larger than 4 MiB": (
        FAULT,
        "e2e/test_large_bodies.py::test_bodies_that_are_too_large_take_little_memory",
        f"{SUPERVISOR}test_a_failure_keeps_nothing_of_the_body",
    ),
    REFUSED.row: (UNREACHABLE,),
    UNTRUSTED.row: (
        CERTIFICATE,
        "api/test_tls.py::test_a_private_ca_without_key_identifiers_is_trusted",
    ),
    MISNAMED.row: (CERTIFICATE,),
    "The proxy refuses the tunnel with HTTP 407 or 403": (PROXY_REFUSES,),
    "The proxy refuses the tunnel with HTTP 502": (PROXY_REFUSES,),
    "The proxy cannot be reached": (
        "api/test_proxy.py::test_a_proxy_that_cannot_be_reached_is_named_without_credentials",
    ),
    "HTTP 401": (FAULT, f"{CLIENT}test_a_new_key_takes_over_when_the_old_one_is_refused"),
    "HTTP 429 with `Retry-After: 1`": (FAULT, RETRY),
    "HTTP 429 with a date in `Retry-After`": (
        HOLD,
        RETRY,
        f"{RETRIES}test_retry_after_is_seconds_or_a_date",
    ),
    "HTTP 429 with `Retry-After: 1000000000` for the account probe": (HOLD,),
    "HTTP 429 for every request of one account": (
        "test_an_account_that_gets_only_429_sends_few_requests_and_affects_no_other",
    ),
    "A redirect": (FAULT, f"{CLIENT}test_no_redirect_is_followed"),
    "A batch has fewer calls with the status SUCCESS or ERROR than it had completed before": (
        "polling/test_call_status.py::test_counts_that_contradict_the_batch_are_logged_once",
    ),
    "More than 10,000 pages": (f"{CLIENT}test_a_listing_with_too_many_pages_ends",),
    "A record that cannot be read, among others that can: a field is missing, null or of another"
    " type, or a time has no zone": (
        "test_a_record_that_cannot_be_read_withdraws_that_batch_alone",
        f"{SCHEMAS}test_an_unreadable_record_is_reported_and_the_others_are_read",
    ),
    "An agent's record that cannot be read, among others that can": (
        f"{SUPERVISOR}test_a_broken_list_of_agents_removes_none",
        f"{SUPERVISOR}test_an_unreadable_agent_that_is_not_known_is_skipped_and_logged",
    ),
    "A `subscriptionExpiration` of the account that cannot be read: another type, or a time without"
    " a zone": (
        f"{SCHEMAS}test_a_subscription_expiration_that_cannot_be_read_is_absent",
        f"{SUPERVISOR}test_the_probe_shows_whether_the_key_works",
    ),
    "A number such as `100.0` where a count is expected; a leap second, `23:59:60`": (
        f"{SCHEMAS}test_a_whole_number_with_a_fraction_is_a_count",
        f"{SCHEMAS}test_a_leap_second_is_the_last_second_of_its_minute",
    ),
    "Half of a surrogate pair, such as `\\ud800`, in a text": (
        f"{SCHEMAS}test_half_of_a_surrogate_pair_is_shown_as_a_replacement",
    ),
    "A list that ends before its `total`: of batches, or of agents": (
        "polling/test_poller.py::test_a_list_that_ends_before_its_total_removes_nothing",
        f"{SUPERVISOR}test_a_broken_list_of_agents_removes_none",
        f"{CLIENT}test_a_complete_listing_has_as_many_records_as_its_total",
    ),
    "A listing that is not newest first": (
        "test_a_listing_that_is_not_newest_first_is_read_in_full",
    ),
    "SIGTERM while the API hangs": ("test_sigterm_ends_the_process_while_the_api_hangs",),
    "The clock is set back by less than `stale_after`": (CLOCK,),
    "The clock is set back by `stale_after` or more": (CLOCK,),
    "The key file is empty": (KEY_FILE,),
    "The key is replaced, in the file and at Ultravox": (KEY_FILE,),
    "The key is replaced at Ultravox before it is in the file": (KEY_FILE,),
    "The file of `ca_file`, `cert_file`, `key_file` or `SSL_CERT_FILE` is replaced": (TLS_FILES,),
    "A changed TLS file cannot be used": (TLS_FILES,),
    "Agent discovery fails": (DISCOVERY,),
    "An `include` glob matches no agent": (DISCOVERY,),
    "A header line larger than 64 KiB": (
        f"{CLIENT}test_long_headers_are_read",
        f"{CLIENT}test_headers_beyond_the_limits_are_a_payload_error",
    ),
    "More than 128 header lines": (f"{CLIENT}test_headers_beyond_the_limits_are_a_payload_error",),
    "Discovery finds an agent whose id is not one segment of a URL's path, such as `..`": (
        f"{SUPERVISOR}test_an_agent_whose_id_is_not_one_segment_of_a_path_is_skipped_with_one_warning",
        f"{CLIENT}test_an_id_that_names_another_path_is_refused",
    ),
    "SIGHUP": (
        f"{INHERITED}test_sighup_is_logged_and_ignored",
        f"{INHERITED}test_sighup_while_it_starts_is_logged_and_ignored",
        f"{INHERITED}test_sighup_while_it_stops_does_not_change_the_exit_status",
    ),
    "`PROMETHEUS_MULTIPROC_DIR` is set": (
        f"{INHERITED}test_the_folder_of_a_program_with_many_processes_is_not_used",
    ),
    "`SSLKEYLOGFILE` names a file that cannot be written": (
        f"{INHERITED}test_a_file_of_tls_keys_that_cannot_be_written_is_ignored_with_a_warning",
    ),
    "Standard output or standard error is closed": (CLOSED, SERVES),
    "Standard output is full, or its reader has ended": (
        f"{INHERITED}test_an_output_that_is_full_fails_with_one_line",
        f"{INHERITED}test_an_output_whose_reader_has_ended_fails_with_one_line",
        f"{INHERITED}test_the_demo_goes_on_when_its_output_is_full",
        SERVES,
    ),
    "Standard error is full, or its reader has ended": (
        CLOSED,
        SERVES,
        "test_log_queue.py::test_a_pipe_without_a_reader_gets_lines_again_when_it_has_one",
    ),
    "Standard error is a pipe that nobody reads": (
        f"{INHERITED}test_a_log_that_nobody_reads_does_not_stop_the_exporter",
        "test_log_queue.py::test_a_pipe_that_nobody_reads_blocks_nobody",
        "test_log.py::test_lines_that_were_dropped_are_reported",
    ),
    "Standard output cannot encode a character": (
        f"{INHERITED}test_a_character_that_the_output_cannot_encode_is_escaped",
        f"{INHERITED}test_a_path_that_is_not_utf_8_is_described",
    ),
    "The working directory was deleted": (
        f"{INHERITED}test_a_deleted_working_directory_has_no_configuration",
    ),
    "More than 8 scrapes at once, or more than 6 from one address": (
        f"{SERVER}test_scrapes_beyond_the_limit_are_answered_with_503",
        f"{SERVER}test_a_scraper_that_does_not_read_makes_room_for_the_next_scrape",
        f"{SLOTS}test_an_address_with_fewer_slots_displaces_the_oldest_scrape_if_none_waits",
        f"{SLOTS}test_an_address_at_its_limit_takes_its_own_slots_while_others_are_free",
    ),
    "A scraper needs more than 60 seconds to read a response, or more than its"
    " `X-Prometheus-Scrape-Timeout-Seconds`": (
        f"{SERVER}test_a_scrape_is_aborted_at_its_time_limit",
        f"{SERVER}test_a_scrape_is_aborted_when_its_scraper_waits_no_longer",
        f"{SERVER}test_a_scraper_that_does_not_read_delays_no_one_else",
    ),
    "A scraper disconnects during a response": (
        f"{SERVER}test_a_scraper_that_disconnects_takes_no_place",
    ),
    "A client connects and sends no request, or half of one": (
        f"{CONNECTIONS}test_a_connection_without_a_complete_request_is_closed",
        f"{CONNECTIONS}test_a_connection_without_a_further_request_is_closed",
        f"{CONNECTIONS}test_the_time_for_a_further_header_begins_with_its_first_byte",
    ),
    "More connections than a quarter of the descriptors (`ulimit -n`), or more than 256": (
        f"{CONNECTIONS}test_most_descriptors_are_kept_for_polling",
        f"{CONNECTIONS}test_beyond_the_limit_the_connection_that_was_idle_longest_is_closed",
        f"{CONNECTIONS}test_the_address_with_the_most_connections_loses_them_first",
        f"{CLIENTS}test_scrapes_and_polls_go_on_while_many_clients_send_nothing_or_do_not_read",
    ),
    "No descriptor is free": (
        f"{CONNECTIONS}test_without_a_free_descriptor_an_idle_connection_makes_room",
    ),
    "An exporter is down, for minutes or for days": (
        SCENARIOS,
        "e2e/test_rules.py::test_alerts_about_exporters_last_for_longer_than_a_day",
    ),
    "A scrape target has never been up, or its pod moved and does not start": (SCENARIOS,),
    "A replica is down, and the other serves its agents": (
        SCENARIOS,
        "e2e/test_rules.py::test_alerts_about_exporters_last_for_longer_than_a_day",
    ),
    "Prometheus starts without any past": (SCENARIOS,),
    "Targets bring labels: `endpoint`, `namespace`, `cluster`, even `account`, with `honor_labels`"
    " or renamed to `exported_account`": (
        "e2e/test_rules.py::test_the_rules_pass_their_unit_tests_with_any_labels_of_targets",
    ),
    "An outage begins with another failure, such as one HTTP 500": (SCENARIOS,),
    "The API refuses agents, but accepts the key (the account probe succeeds)": (SCENARIOS,),
    "Of many agents, one is often down for a few minutes": (SCENARIOS,),
    "The pod moves when an account reaches its concurrency limit": (SCENARIOS,),
    "The count of completed calls is corrected downwards, calls are added to a batch, or a closed"
    " window is moved": (SCENARIOS,),
}
"""The rows of the page's tables of faults, and the tests of each, as in RULES."""


def rows() -> Iterator[list[str]]:
    """Yield the cells of each row of the page's tables of faults, without the head of a table."""
    in_table = False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| fault |"):
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not cells[0].startswith("--"):
            yield cells


def defined(path: Path) -> set[str]:
    """Return the names of the tests in a file."""
    definitions = r"^(?:async )?def (test_\w+)"
    return {*re.findall(definitions, path.read_text("utf-8"), re.MULTILINE)}


def test_every_row_of_the_page_has_a_test_and_every_test_a_row() -> None:
    assert {row[0] for row in rows()} == {*ROWS}
    assert {*re.findall(r"^- \*\*(.+?)\*\*", PAGE, re.MULTILINE)} == {*RULES}
    tests = {test for named_tests in (*ROWS.values(), *RULES.values()) for test in named_tests}
    here = {test for test in tests if "::" not in test}
    assert here == {test for test in defined(Path(__file__)) if "_the_page" not in test}
    for test in tests - here:
        file, _, name = test.partition("::")
        assert name in defined(ROOT / "tests" / file), test


def test_the_page_has_requests_reason_and_error_of_each_fault() -> None:
    """Each row also has the value of `ultravox_account_up`."""
    for shows in SHOWN:
        ((_, effect, reason, account_up, error),) = [row for row in rows() if row[0] == shows.row]
        assert shows.requests is None or effect.startswith(REQUESTS[shows.requests]), shows
        assert reason == f"`{shows.reason}`", shows
        assert account_up == ("0" if shows.whole else "1"), shows
        assert shows.error in error, shows


def test_the_page_explains_every_reason() -> None:
    """The reasons are those of the label `reason`."""
    head, *explained = re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE)
    assert head == "reason"
    assert explained == [*REASONS]
