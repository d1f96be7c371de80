"""Scenarios of the alerts about accounts, the API and the exporter."""

from dataclasses import replace

from exporter.errors import REASONS
from tests.rules.scenario import Fires, Scenario, during
from tests.rules.world import Course, Exporter

LIMIT = "AccountAtConcurrencyLimit info"
KEY = "APIKeyRejected critical"
UNREACHABLE = "APIUnreachable warning"
ERRORS = "APIErrors warning"
RATE = "APIRateLimited warning"
STALE = "DataStale warning a"
ACCOUNT_STALE = "DataStale warning"
TRUNCATED = "AgentTruncated warning a"
UNREADABLE = "BatchesUnreadable warning a"
NONE = "NoBatches info"
DISCOVERY = "DiscoveryFailing warning"
DOWN = "ExporterDown critical"
ABSENT = "ExporterAbsent critical"

WATCHING = Exporter()


def always(value: float) -> Course:
    """Return a constant value."""
    return lambda _minute: value


def serving(name: str, fires: Fires, exporter: Exporter = WATCHING, **extra: Course) -> Scenario:
    """Return a scenario of an exporter that serves further series, named as in NAMES."""
    series = {NAMES[key]: course for key, course in extra.items()}
    return Scenario(name, (replace(exporter, extra=series),), fires)


def moved(name: str, fires: Fires, exporter: Exporter = WATCHING, **extra: Course) -> Scenario:
    """Return the scenario of an exporter whose pod is another one from minute 40 on."""
    one = serving(name, fires, exporter, **extra)
    pods = (("before", (40, 999)), ("after", (0, 41)))
    return replace(
        one,
        exporters=tuple(
            replace(each, pod=pod, instance=f"{pod}:10110", down=(span,))
            for each in one.exporters
            for pod, span in pods
        ),
    )


NAMES = {
    "active": "ultravox_account_active_calls",
    "allowed": "ultravox_account_allowed_concurrent_calls",
    "account_up": "ultravox_account_up",
    "account_success": "ultravox_account_last_success_timestamp_seconds",
    "account_allowed": "ultravox_account_allowed_requests_per_second",
    "discovery": "ultravox_account_discovery_up",
    "discovered": "ultravox_account_discovered_agents",
    "refused": 'ultravox_exporter_api_requests_total{resource="account",code="403"}',
    "errors": 'ultravox_exporter_api_requests_total{resource="account",code="error"}',
    "broken": 'ultravox_exporter_api_requests_total{resource="account",code="502"}',
    "limited": 'ultravox_exporter_api_requests_total{resource="account",code="429"}',
    "batches": 'ultravox_agent_batches{state="active"}',
    "ended": 'ultravox_agent_batches{state="ended"}',
    "unreadable": "ultravox_agent_batches_unreadable",
    "hidden": 'ultravox_agent_batches_hidden{reason="max_per_agent"}',
    "unlisted": 'ultravox_agent_batches_hidden{reason="per_batch_series"}',
}

LIMITS = (
    serving(
        "as many calls as allowed, for 15 minutes",
        {**during(1, 30), **during(36, 60, LIMIT), **during(66, 70)},
        active=lambda minute: 9.0 - (minute % 3 == 0) if 20 <= minute <= 60 else 5.0,
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
        exporter=replace(WATCHING, down=((40, 43),)),
    ),
    serving(
        "at the limit for less",
        during(1, 60),
        active=lambda minute: 9.0 if 20 <= minute <= 30 else 5.0,
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
    ),
    serving(
        "at the limit when last heard of",
        {**during(16, 23, LIMIT), **during(26, 29), **during(31, 35, ACCOUNT_STALE)},
        active=always(9),
        allowed=always(9),
        account_success=lambda minute: 60 * min(minute, 20.0),
    ),
    serving(
        "at the limit since it was first seen",
        {**during(1, 13), **during(17, 20, LIMIT)},
        active=always(9),
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
    ),
    serving(
        "none are allowed",
        during(1, 30),
        active=always(0),
        allowed=always(0),
        account_success=lambda minute: 60 * minute,
    ),
)


def before(minute: float) -> float:
    """Return a counter that rises in the first minutes, and never again."""
    return min(minute, 8.0)


def failing(alert: str, reason: str) -> Scenario:
    """Return a scenario of one reason for which the polls of an agent fail for 9 minutes.

    Before, they failed for all the others.
    """
    others = {f'ultravox_agent_poll_failures_total{{reason="{each}"}}': before for each in REASONS}
    del others[f'ultravox_agent_poll_failures_total{{reason="{reason}"}}']
    return Scenario(
        f"polls fail: {reason}",
        (
            Exporter(
                failing=((20, 30), (35, 38)), reason=reason, unscraped=((27, 28),), extra=others
            ),
        ),
        {**during(1, 24), **during(26, 29, alert), **during(31, 45)},
    )


def probing(alert: str, code: str) -> Scenario:
    """Return a scenario of one cause for which the account's probe fails; there is no agent.

    Before, it failed for all the others.
    """
    return serving(
        f"the account's probe fails: {code}",
        {**during(1, 24), **during(28, 49, alert), **during(51, 60)},
        replace(WATCHING, agent_id="", unscraped=((40, 41),)),
        account_up=lambda minute: float(not 20 <= minute < 50),
        **dict.fromkeys(("refused", "errors", "broken", "limited"), before)
        | {code: lambda minute: 7.0 + max(min(minute, 50.0) - 19, 0)},
    )


CAUSES = (
    failing(KEY, "auth"),
    failing(UNREACHABLE, "unreachable"),
    failing(UNREACHABLE, "timeout"),
    failing(ERRORS, "payload"),
    failing(ERRORS, "not_found"),
    failing(RATE, "rate_limited"),
    probing(KEY, "refused"),
    probing(UNREACHABLE, "errors"),
    probing(ERRORS, "broken"),
    probing(RATE, "limited"),
    serving(
        "requests that fail and are made again are no trouble",
        during(1, 60),
        account_up=always(1),
        errors=lambda minute: minute,
        limited=lambda minute: minute,
    ),
    serving(
        "an agent that stays ill",
        {**during(40, 40, ERRORS, STALE), **during(60, 60, ERRORS, STALE)},
        replace(WATCHING, failing=((20, 99),), reason="status"),
    ),
)

STALES = (
    serving(
        "a poller that hangs",
        {**during(1, 39), **during(41, 60, STALE), **during(62, 70)},
        replace(WATCHING, hanging=((31, 61),)),
    ),
    serving(
        "a restart is nothing, and polls each ten minutes are not old for 21",
        during(1, 70),
        replace(WATCHING, hanging=((11, 29), (31, 49)), interval=10.0, down=((55, 58),)),
    ),
    serving(
        "an agent that was never polled",
        {**during(1, 4), **during(7, 30, STALE)},
        replace(WATCHING, hanging=((-999, 999),), unscraped=((15, 17),)),
    ),
    serving(
        "an account that does not answer, beside an agent that does",
        {**during(1, 29), **during(31, 40, ACCOUNT_STALE)},
        account_success=lambda minute: 60 * min(minute, 20.0),
        account_allowed=always(5),
    ),
    serving(
        "an account as slow as its agents",
        during(1, 40),
        replace(WATCHING, interval=10.0),
        account_success=lambda minute: 60 * (minute // 15) * 15,
        account_allowed=always(5),
    ),
    serving(
        "an account without agents that does not answer",
        {**during(1, 35), **during(37, 40, ACCOUNT_STALE)},
        replace(WATCHING, agent_id=""),
        account_success=lambda minute: 60 * min(minute, 20.0),
        account_allowed=always(5),
    ),
    serving(
        "an account that never answered",
        {**during(1, 4), **during(6, 20, ACCOUNT_STALE)},
        account_allowed=always(5),
    ),
)

KNOWN = (
    moved(
        "a discovery that fails, and a pod that moved",
        {**during(1, 34), **during(36, 60, DISCOVERY), **during(62, 70)},
        replace(WATCHING, unscraped=((50, 53),)),
        discovery=lambda minute: float(not 20 <= minute <= 60),
    ),
    serving(
        "batches beyond max_per_agent",
        {**during(1, 24), **during(26, 40, TRUNCATED), **during(42, 50)},
        exporter=replace(WATCHING, down=((30, 33),)),
        hidden=lambda minute: 3.0 if 20 <= minute <= 40 else 0.0,
        unlisted=always(7),
    ),
    moved(
        "batches beyond max_per_agent, and a pod that moved",
        {**during(1, 4), **during(6, 60, TRUNCATED)},
        hidden=always(3),
    ),
    moved(
        "batches that cannot be read, and a pod that moved",
        {**during(1, 24), **during(26, 50, UNREADABLE), **during(52, 60)},
        replace(WATCHING, unscraped=((30, 33),)),
        unreadable=lambda minute: 2.0 if 20 <= minute <= 50 else 0.0,
    ),
    serving(
        "batches that could not be read for two minutes",
        during(1, 40),
        unreadable=lambda minute: float(20 <= minute <= 22),
    ),
    serving(
        "a listing without an end",
        {
            **during(34, 34),
            **during(38, 45, TRUNCATED),
            **during(51, 60, TRUNCATED, STALE),
            **during(62, 70),
        },
        replace(WATCHING, failing=((30, 61),), reason="loop", unscraped=((55, 57),)),
    ),
    serving(
        "no batch for an hour",
        {**during(1, 79), **during(81, 99, NONE), **during(101, 110)},
        replace(WATCHING, down=((40, 43),)),
        batches=lambda minute: float(not 20 <= minute < 100),
        ended=always(0),
    ),
    serving(
        "ended batches are batches",
        during(1, 90),
        batches=always(0),
        ended=always(1),
        discovered=always(1),
    ),
    serving(
        "what is not known is not none",
        {**during(70, 70, NONE), **during(90, 90, STALE), **during(100, 100, STALE)},
        replace(WATCHING, hanging=((71, 999),)),
        batches=always(0),
    ),
    moved(
        "an account in which no agent is found, and a pod that moved",
        {**during(59, 59), **during(61, 70, NONE)},
        replace(WATCHING, agent_id="", unscraped=((20, 23), (64, 66))),
        discovered=always(0),
    ),
)

ONE, TWO = Exporter(down=((20, 60),)), Exporter(instance="two:10110")


def alone(name: str, exporters: tuple[Exporter, ...], fires: Fires) -> Scenario:
    """Return a scenario of alerts that have no account."""
    return Scenario(name, exporters, fires, alone=True)


EXPORTERS = (
    alone(
        "an exporter that is down, and back",
        (replace(ONE, pod="p1"),),
        {**during(1, 23), **during(26, 33, DOWN), **during(45, 45, DOWN, ABSENT), **during(62, 70)},
    ),
    alone(
        "a replica that is down, and one failed scrape of the other",
        (replace(ONE, pod="p1"), replace(TWO, pod="p2", unscraped=((40, 42),))),
        during(1, 60),
    ),
    alone(
        "a shard that is down",
        (ONE, replace(TWO, agent_id="other")),
        {**during(1, 23), **during(26, 59, DOWN)},
    ),
    alone(
        "a scrape that fails, after an agent was taken off",
        (
            Exporter(unscraped=((40, 42),)),
            Exporter(agent_id="other", known=((0, 20),), unscraped=((40, 42),)),
        ),
        during(1, 60),
    ),
    alone(
        "another program that is down",
        (Exporter(), Exporter(instance="other", down=((-999, 999),))),
        during(1, 30),
    ),
    alone(
        "no exporter at all",
        (Exporter(instance="other", down=((-999, 999),)),),
        {**during(1, 4), **during(6, 20, ABSENT)},
    ),
)

GROUPS = (LIMITS, CAUSES, STALES, KNOWN, EXPORTERS)
