"""The body of one scrape, written out: what users build on."""

import asyncio
import gzip
import itertools

from msgspec.structs import replace

from exporter.config import Batches, Polling
from exporter.metrics.instrumentation import Instrumentation
from exporter.model import (
    AccountSnapshot,
    Agent,
    AgentSnapshot,
    Batch,
    BatchState,
    CallStatus,
    DiscoveryHealth,
    Listing,
    PollHealth,
    Snapshot,
)
from exporter.render.cache import ExpositionCache
from exporter.render.exposition import exposition, render_changes
from exporter.render.text import Format
from exporter.selection import SelectionSettings
from exporter.store import Store

SETTINGS = SelectionSettings(
    Polling(interval=20, stale_after=600), Batches(keep_ended=86400, max_per_agent=1000)
)
AGENT = Agent("main", "a1", 'Re"new', {"team": "x"})
UNPOLLED = AgentSnapshot(AGENT, PollHealth(30))
RUNNING = Batch(
    "b1",
    created=1000.5,
    total=10,
    completed=4,
    window_start=1100.0,
    window_end=2000.0,
    throttle="evening",
    webhook=True,
    last_progress=1150.25,
    call_status=CallStatus((1, 5, 3, 0, 1), asked=1180.0, fingerprint=(10, 4, BatchState.ACTIVE)),
)
ENDED = Batch("b2", created=900.0, total=5, completed=7, ended=1200.0)
POLLED = replace(
    UNPOLLED,
    health=PollHealth(
        interval=30.0,
        up=True,
        last_poll=1190.0,
        last_success=1190.0,
        duration=0.5,
        polls=3,
        failures={"timeout": 1},
    ),
    listing=Listing((RUNNING, ENDED), pages=1, reported=9),
    pages={"full": 1},
)


OWN_PREFIXES = ("ultravox_exporter_", "process_", "python_")
"""How the names of the instrumentation begin."""


def scrape(
    snapshot: Snapshot,
    now: float,
    settings: SelectionSettings = SETTINGS,
    text_format: Format = Format.PROMETHEUS,
    *,
    compressed: bool = False,
) -> bytes:
    """Return the body of one scrape from a cache that is empty."""
    store, cache = Store(), ExpositionCache(settings)
    for account in snapshot.accounts:
        store.put_account(account)
    for agent in snapshot.agents:
        store.put_agent(agent)

    async def written() -> bytes:
        body = await exposition(
            store, cache, Instrumentation(), lambda: now, text_format, gzip=compressed
        )
        return b"".join([write async for write in body.writes()])

    return asyncio.run(written())


def lines(snapshot: Snapshot, now: float, settings: SelectionSettings = SETTINGS) -> list[str]:
    """Return the sample lines of a scrape, without the instrumentation."""
    found = scrape(snapshot, now, settings).decode().splitlines()
    return [line for line in found if line[0] != "#" and not line.startswith(OWN_PREFIXES)]


def of(found: list[str], name: str) -> list[str]:
    """Return the lines of one metric."""
    return [line for line in found if line.startswith(name + "{")]


def test_an_agent_before_its_first_poll_has_only_its_info_interval_and_counters() -> None:
    assert lines(Snapshot(agents=(UNPOLLED,)), 0) == [
        'ultravox_agent_info{account="main",agent_id="a1",agent="Re\\"new",team="x"} 1',
        'ultravox_agent_poll_interval_seconds{account="main",agent_id="a1"} 30',
        'ultravox_agent_polls_total{account="main",agent_id="a1"} 0',
        *(
            "ultravox_agent_poll_failures_total"
            f'{{account="main",agent_id="a1",reason="{reason}"}} 0'
            for reason in (
                "auth",
                "rate_limited",
                "timeout",
                "unreachable",
                "status",
                "not_found",
                "payload",
                "loop",
            )
        ),
    ]


def test_every_series_of_a_running_and_an_ended_batch() -> None:
    found = lines(Snapshot(agents=(POLLED,)), 1300)
    b1 = 'account="main",agent_id="a1",batch_id="b1"'
    b2 = 'account="main",agent_id="a1",batch_id="b2"'
    assert [line for line in found if line.startswith("ultravox_batch_")] == [
        f"ultravox_batch_calls{{{b1}}} 10",
        f"ultravox_batch_calls{{{b2}}} 5",
        f"ultravox_batch_calls_completed{{{b1}}} 4",
        f"ultravox_batch_calls_completed{{{b2}}} 7",
        f"ultravox_batch_calls_remaining{{{b1}}} 6",
        f"ultravox_batch_calls_remaining{{{b2}}} 0",
        f"ultravox_batch_paused{{{b1}}} 0",
        f'ultravox_batch_state{{{b1},state="ended"}} 0',
        f'ultravox_batch_state{{{b1},state="paused"}} 0',
        f'ultravox_batch_state{{{b1},state="window_closed"}} 0',
        f'ultravox_batch_state{{{b1},state="scheduled"}} 0',
        f'ultravox_batch_state{{{b1},state="drained"}} 0',
        f'ultravox_batch_state{{{b1},state="active"}} 1',
        f'ultravox_batch_state{{{b2},state="ended"}} 1',
        f"ultravox_batch_created_timestamp_seconds{{{b1}}} 1000.5",
        f"ultravox_batch_created_timestamp_seconds{{{b2}}} 900.0",
        f"ultravox_batch_window_start_timestamp_seconds{{{b1}}} 1100.0",
        f"ultravox_batch_window_end_timestamp_seconds{{{b1}}} 2000.0",
        f"ultravox_batch_window_remaining_seconds{{{b1}}} 700.000",
        f"ultravox_batch_ended_timestamp_seconds{{{b2}}} 1200.0",
        f"ultravox_batch_last_progress_timestamp_seconds{{{b1}}} 1150.25",
        f'ultravox_batch_info{{{b1},throttle="evening",webhook="true"}} 1',
        f'ultravox_batch_info{{{b2},throttle="",webhook="false"}} 1',
        f'ultravox_batch_scheduled_calls{{{b1},status="future"}} 1',
        f'ultravox_batch_scheduled_calls{{{b1},status="pending"}} 5',
        f'ultravox_batch_scheduled_calls{{{b1},status="success"}} 3',
        f'ultravox_batch_scheduled_calls{{{b1},status="expired"}} 0',
        f'ultravox_batch_scheduled_calls{{{b1},status="error"}} 1',
    ]


def test_every_series_of_a_polled_agent() -> None:
    found = lines(Snapshot(agents=(POLLED,)), 1300)
    a1 = 'account="main",agent_id="a1"'
    for line in (
        f"ultravox_agent_up{{{a1}}} 1",
        f"ultravox_agent_last_poll_timestamp_seconds{{{a1}}} 1190.0",
        f"ultravox_agent_last_success_timestamp_seconds{{{a1}}} 1190.0",
        f"ultravox_agent_poll_duration_seconds{{{a1}}} 0.5",
        f"ultravox_agent_poll_interval_seconds{{{a1}}} 30.0",
        f"ultravox_agent_polls_total{{{a1}}} 3",
        f'ultravox_agent_poll_failures_total{{{a1},reason="timeout"}} 1',
        f"ultravox_agent_batches_reported{{{a1}}} 9",
        f'ultravox_agent_batches_hidden{{{a1},reason="max_per_agent"}} 0',
        f'ultravox_agent_batches_hidden{{{a1},reason="per_batch_series"}} 0',
        f'ultravox_agent_listing_pages{{{a1},listing="full"}} 1',
    ):
        assert line in found
    assert of(found, "ultravox_agent_calls") == [
        f'ultravox_agent_calls{{{a1},state="ended"}} 5',
        f'ultravox_agent_calls{{{a1},state="paused"}} 0',
        f'ultravox_agent_calls{{{a1},state="window_closed"}} 0',
        f'ultravox_agent_calls{{{a1},state="scheduled"}} 0',
        f'ultravox_agent_calls{{{a1},state="drained"}} 0',
        f'ultravox_agent_calls{{{a1},state="active"}} 10',
    ]
    assert f'ultravox_agent_batches{{{a1},state="active"}} 1' in found
    assert f'ultravox_agent_calls_completed{{{a1},state="ended"}} 7' in found


def test_state_and_remaining_time_change_with_the_time_alone() -> None:
    snapshot = Snapshot(agents=(POLLED,))

    def seen(now: float) -> tuple[str, str, str]:
        found = lines(snapshot, now)
        (state,) = [
            line
            for line in of(found, "ultravox_batch_state")
            if '"b1"' in line and line.endswith(" 1")
        ]
        (remaining,) = of(found, "ultravox_batch_window_remaining_seconds")
        (agent,) = [
            line
            for line in of(found, "ultravox_agent_batches")
            if line.endswith(" 1") and "ended" not in line
        ]
        return state.split('state="')[1][:-4], remaining.split()[-1], agent.split('state="')[1][:-4]

    assert seen(1050) == ("scheduled", "900.0", "scheduled")
    assert seen(1100) == ("active", "900.000", "active")
    assert seen(1500) == ("active", "500.000", "active")
    settings = replace(SETTINGS, polling=Polling(stale_after=10**9))
    found = lines(snapshot, 2000, settings)
    assert (
        'ultravox_batch_window_remaining_seconds{account="main",agent_id="a1",batch_id="b1"} 0.0'
        in found
    )


def test_stale_data_are_withdrawn_and_the_agent_s_health_stays() -> None:
    snapshot = Snapshot(agents=(POLLED,))
    before, stale = lines(snapshot, 1789.9), lines(snapshot, 1790)
    assert of(before, "ultravox_batch_calls")
    assert not [line for line in stale if line.startswith("ultravox_batch_")]
    for name in ("batches", "calls", "calls_completed", "batches_reported", "batches_hidden"):
        assert of(before, f"ultravox_agent_{name}")
        assert not of(stale, f"ultravox_agent_{name}")
    for name in ("info", "up", "last_success_timestamp_seconds", "listing_pages"):
        assert of(stale, f"ultravox_agent_{name}")


def test_an_ended_batch_is_withdrawn_after_keep_ended() -> None:
    settings = replace(SETTINGS, batches=Batches(keep_ended=100))
    snapshot = Snapshot(agents=(POLLED,))
    assert [line for line in lines(snapshot, 1299, settings) if '"b2"' in line]
    later = lines(snapshot, 1300, settings)
    assert not [line for line in later if '"b2"' in line]
    assert 'ultravox_agent_batches{account="main",agent_id="a1",state="ended"} 0' in later


def test_an_account_before_and_after_its_probe_and_with_stale_data() -> None:
    unknown = AccountSnapshot("main", 5.0)
    found = DiscoveryHealth(
        up=False, last_success=900.0, discovered=2, included={"R*": 2, 'x"': 0}, pages=1
    )
    rates = [
        'ultravox_account_planned_requests_per_second{account="main"} 0.05',
        'ultravox_account_allowed_requests_per_second{account="main"} 5.0',
    ]
    assert lines(Snapshot((unknown,)), 0) == rates
    known = replace(
        unknown,
        up=True,
        last_success=1000.0,
        active_calls=3,
        allowed_calls=9,
        subscription_expiration=5000.0,
        discovery=found,
    )
    discovery = [
        *rates,
        'ultravox_account_discovered_agents{account="main"} 2',
        'ultravox_account_discovery_up{account="main"} 0',
        'ultravox_account_discovery_last_success_timestamp_seconds{account="main"} 900.0',
        'ultravox_account_discovery_included_agents{account="main",include="R*"} 2',
        'ultravox_account_discovery_included_agents{account="main",include="x\\""} 0',
    ]
    assert lines(Snapshot((known,)), 1500) == [
        'ultravox_account_up{account="main"} 1',
        'ultravox_account_last_success_timestamp_seconds{account="main"} 1000.0',
        'ultravox_account_active_calls{account="main"} 3',
        'ultravox_account_allowed_concurrent_calls{account="main"} 9',
        'ultravox_account_subscription_expiration_timestamp_seconds{account="main"} 5000.0',
        *discovery,
    ]
    assert lines(Snapshot((replace(known, up=False, allowed_calls=None),)), 1600) == [
        'ultravox_account_up{account="main"} 0',
        'ultravox_account_last_success_timestamp_seconds{account="main"} 1000.0',
        *discovery,
    ]


def test_equal_snapshots_and_times_give_equal_bytes() -> None:
    """Besides the instrumentation, which come last."""
    accounts = (AccountSnapshot("main", 5.0), AccountSnapshot("o", 5.0))
    snapshot = Snapshot(accounts, (POLLED, replace(POLLED, agent=Agent("o", "x", "X"))))
    for text_format in Format:

        def known(*, compressed: bool, text_format: Format = text_format) -> bytes:
            body = scrape(snapshot, 1300, SETTINGS, text_format, compressed=compressed)
            text = gzip.decompress(body) if compressed else body
            return text[: text.index(b"# HELP process_")]

        for one, other in itertools.product((False, True), repeat=2):
            assert known(compressed=one) == known(compressed=other)


def test_only_openmetrics_has_an_end_mark() -> None:
    for text_format in Format:
        body = scrape(Snapshot(agents=(POLLED,)), 1300, SETTINGS, text_format)
        assert body.endswith(b"\n# EOF\n") is (text_format is Format.OPENMETRICS)


async def test_a_change_is_rendered_before_the_next_scrape() -> None:
    store, cache = Store(), ExpositionCache(SETTINGS)
    store.put_agent(POLLED)
    renderer = asyncio.create_task(render_changes(store, cache, lambda: 1300.0))
    while not len(cache):
        await asyncio.sleep(0)
    renderer.cancel()
    await asyncio.wait([renderer])
    (chunk,) = (await cache.update(POLLED, 1400.0)).shown
    assert chunk.rendered_at == 1300.0
