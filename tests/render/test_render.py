"""The page as text, written out: this is what users build on."""

from msgspec.structs import replace

from exporter.config import Batches, Polling
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
from exporter.render.text import Format
from exporter.selection import SelectionSettings
from tests.support.plain import render

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


def lines(
    snapshot: Snapshot,
    now: float,
    policy: SelectionSettings = SETTINGS,
    form: Format = Format.PROMETHEUS,
) -> list[str]:
    """Return the sample lines of the page."""
    return [line for line in render(snapshot, now, policy, form).splitlines() if line[0] != "#"]


def of(found: list[str], name: str) -> list[str]:
    """Return the lines of one metric."""
    return [line for line in found if line.startswith(name + "{")]


def test_an_agent_that_was_never_polled_has_its_info_and_counters_only() -> None:
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


def test_time_alone_moves_state_and_time_left() -> None:
    snapshot = Snapshot(agents=(POLLED,))

    def seen(now: float) -> tuple[str, str, str]:
        found = lines(snapshot, now)
        (state,) = [
            line
            for line in of(found, "ultravox_batch_state")
            if '"b1"' in line and line.endswith(" 1")
        ]
        (left,) = of(found, "ultravox_batch_window_remaining_seconds")
        (agent,) = [
            line
            for line in of(found, "ultravox_agent_batches")
            if line.endswith(" 1") and "ended" not in line
        ]
        return state.split('state="')[1][:-4], left.split()[-1], agent.split('state="')[1][:-4]

    assert seen(1050) == ("scheduled", "900.0", "scheduled")
    assert seen(1100) == ("active", "900.000", "active")
    assert seen(1500) == ("active", "500.000", "active")
    policy = replace(SETTINGS, polling=Polling(stale_after=10**9))
    found = lines(snapshot, 2000, policy)
    assert (
        'ultravox_batch_window_remaining_seconds{account="main",agent_id="a1",batch_id="b1"} 0.0'
        in found
    )


def test_data_that_are_too_old_are_withdrawn_and_the_health_stays() -> None:
    snapshot = Snapshot(agents=(POLLED,))
    fresh, stale = lines(snapshot, 1789.9), lines(snapshot, 1790)
    assert of(fresh, "ultravox_batch_calls")
    assert not [line for line in stale if line.startswith("ultravox_batch_")]
    for name in ("batches", "calls", "calls_completed", "batches_reported", "batches_hidden"):
        assert of(fresh, f"ultravox_agent_{name}")
        assert not of(stale, f"ultravox_agent_{name}")
    for name in ("info", "up", "last_success_timestamp_seconds", "listing_pages"):
        assert of(stale, f"ultravox_agent_{name}")


def test_an_ended_batch_leaves_when_it_has_been_kept_long_enough() -> None:
    policy = replace(SETTINGS, batches=Batches(keep_ended=100))
    snapshot = Snapshot(agents=(POLLED,))
    assert [line for line in lines(snapshot, 1299, policy) if '"b2"' in line]
    later = lines(snapshot, 1300, policy)
    assert not [line for line in later if '"b2"' in line]
    assert 'ultravox_agent_batches{account="main",agent_id="a1",state="ended"} 0' in later


def test_an_account_before_and_after_its_probe_and_with_old_data() -> None:
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
        *discovery,
    ]
    assert lines(Snapshot((replace(known, up=False, allowed_calls=None),)), 1600) == [
        'ultravox_account_up{account="main"} 0',
        'ultravox_account_last_success_timestamp_seconds{account="main"} 1000.0',
        *discovery,
    ]


def test_the_same_arguments_give_the_same_page() -> None:
    snapshot = Snapshot(
        (AccountSnapshot("main", 5.0),), (POLLED, replace(POLLED, agent=Agent("o", "x", "X")))
    )
    for form in Format:
        assert render(snapshot, 1300, SETTINGS, form) == render(snapshot, 1300, SETTINGS, form)
