"""Scenarios of the alerts about accounts, the API and the exporter."""

from collections.abc import Iterator
from dataclasses import replace

from exporter.errors import REASONS
from tests.rules.scenario import Fires, Scenario, during
from tests.rules.world import Batch, Course, Exporter, Spans, steady

LIMIT = "AccountAtConcurrencyLimit info"
KEY = "APIKeyRejected critical"
UNREACHABLE = "APIUnreachable warning"
ERRORS = "APIErrors warning"
RATE = "APIRateLimited warning"
STALE = "DataStale warning a"
ACCOUNT_STALE = "DataStale warning"
TRUNCATED = "AgentTruncated warning a"
NO_BATCHES = "NoBatches info"
UNREADABLE = "BatchesUnreadable warning a"
DISCOVERY = "DiscoveryFailing warning"
SUBSCRIPTION = "SubscriptionEnds warning"
DOWN = "ExporterDown critical"
ABSENT = "ExporterAbsent critical"

POLLING = Exporter()


def always(value: float) -> Course:
    """Return a value that does not change."""
    return lambda _minute: value


def serving(name: str, fires: Fires, exporter: Exporter = POLLING, **extra: Course) -> Scenario:
    """Return a scenario of an exporter that also serves the series NAMES[key] of each key."""
    series = {NAMES[key]: course for key, course in extra.items()}
    return Scenario(name, (replace(exporter, extra=series),), fires)


def moved(name: str, fires: Fires, exporter: Exporter = POLLING, **extra: Course) -> Scenario:
    """Return the same scenario with an exporter that moves to another pod at minute 40."""
    one = serving(name, fires, exporter, **extra)
    pods = (("before", (-1e9, 40)), ("after", (42, 1e9)))
    return replace(
        one,
        exporters=tuple(
            replace(each, pod=pod, instance=f"{pod}:10110", listed=(span,))
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
        "an account at its limit for 15 minutes",
        {**during(1, 30), **during(36, 60, LIMIT), **during(66, 70)},
        active=lambda minute: 9.0 - (minute % 3 == 0) if 20 <= minute <= 60 else 5.0,
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
        exporter=replace(POLLING, down=((40, 43),)),
    ),
    serving(
        "an account at its limit for less than 15 minutes",
        during(1, 60),
        active=lambda minute: 9.0 if 20 <= minute <= 30 else 5.0,
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
    ),
    serving(
        "an account at its limit that is no longer probed",
        {**during(16, 23, LIMIT), **during(26, 29), **during(31, 35, ACCOUNT_STALE)},
        active=always(9),
        allowed=always(9),
        account_success=lambda minute: 60 * min(minute, 20.0),
    ),
    serving(
        "an account at its limit since its first probe",
        {**during(1, 13), **during(17, 20, LIMIT)},
        active=always(9),
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
    ),
    moved(
        "an account that reaches its limit when the pod moves",
        {**during(1, 49), **during(54, 70, LIMIT)},
        active=lambda minute: 9.0 if minute >= 39 else 5.0,
        allowed=always(9),
        account_success=lambda minute: 60 * minute,
    ),
    serving(
        "an account without concurrent calls",
        during(1, 30),
        active=always(0),
        allowed=always(0),
        account_success=lambda minute: 60 * minute,
    ),
)


def before(minute: float) -> float:
    """Return a counter that rises in the first minutes only."""
    return min(minute, 8.0)


def failing(alert: str, reason: str) -> Scenario:
    """Return a scenario in which an agent's polls fail for one reason, minutes 20 to 30.

    In the first minutes they fail for every other reason.
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
        {**during(1, 23), **during(26, 29, alert), **during(31, 45)},
    )


def probing(alert: str, cause: str) -> Scenario:
    """Return a scenario in which the account probe of an exporter without agents fails.

    It fails for one cause, named as in NAMES; in the first minutes it fails for every other cause.
    """
    return serving(
        f"the account probe fails: {cause}",
        {**during(1, 23), **during(28, 49, alert), **during(51, 60)},
        replace(POLLING, agent_id="", unscraped=((40, 41),)),
        account_up=lambda minute: float(not 20 <= minute < 50),
        **dict.fromkeys(("refused", "errors", "broken", "limited"), before)
        | {cause: lambda minute: 7.0 + max(min(minute, 50.0) - 19, 0)},
    )


def counter(reason: str) -> str:
    """Return the series of the polls that failed for a reason."""
    return f'ultravox_agent_poll_failures_total{{reason="{reason}"}}'


def rising(*minutes: float) -> Course:
    """Return a counter that rises by 1 at each of these minutes."""
    return lambda minute: float(sum(minute >= at for at in minutes))


def rare(alert: str, reason: str, accepted: dict[str, Course]) -> Iterator[Scenario]:
    """Yield scenarios in which polls fail for a reason too rarely for its alert.

    `accepted` are series of the account probe.
    """
    other = "status" if reason == "timeout" else "timeout"
    outage = ERRORS if other == "status" else UNREACHABLE
    of = f"{alert.split(maxsplit=1)[0]}: {reason}"
    yield Scenario(
        f"one failure before an outage of another kind, {of}",
        (
            Exporter(
                failing=((20, 60),),
                extra=accepted
                | {counter(reason): rising(20), counter(other): rising(21, 23, *range(27, 99, 5))},
                reason=other,
            ),
        ),
        {**during(1, 23), **during(27, 29, outage), **during(40, 45, outage, STALE)},
    )
    yield Scenario(
        f"two failures within an outage of another kind, {of}",
        (
            Exporter(
                failing=((10, 60),),
                reason=other,
                extra=accepted | {counter(reason): rising(40, 41)},
            ),
        ),
        {**during(1, 13), **during(16, 19, outage), **during(30, 58, outage, STALE)},
    )
    yield Scenario(
        f"one failed poll of an idle agent, {of}",
        (
            Exporter(
                failing=((20, 27),),
                reason=other,
                interval=5.0,
                extra=accepted | {counter(reason): rising(20), counter(other): always(0)},
            ),
        ),
        during(1, 45),
    )
    yield Scenario(
        f"an exporter starts in an outage, {of}",
        (Exporter(failing=((-99, 60),), reason=reason, down=((-99, 20),), extra=accepted),),
        {**during(1, 24), **during(26, 29, alert)},
        matching="UltravoxAPI.+",
    )


def rare_probe(cause: str) -> Scenario:
    """Return a scenario in which two probes fail for a cause, within an outage of another kind."""
    outage = (ERRORS, "broken") if cause == "errors" else (UNREACHABLE, "errors")
    return serving(
        f"two probes fail within an outage of another kind: {cause}",
        {**during(1, 13), **during(17, 58, outage[0])},
        replace(POLLING, agent_id=""),
        account_up=lambda minute: float(not 10 <= minute < 60),
        **{outage[1]: lambda minute: 3.0 * max(minute - 10, 0), cause: rising(40, 41)},
    )


REFUSED = replace(POLLING, failing=((20, 30),), reason="auth")

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
        "requests that succeed when retried have no alert",
        during(1, 60),
        account_up=always(1),
        errors=lambda minute: minute,
        limited=lambda minute: minute,
    ),
    *(
        scenario
        for each in (
            (KEY, "auth", {}),
            (UNREACHABLE, "timeout", {}),
            (ERRORS, "status", {}),
            (ERRORS, "auth", {NAMES["account_up"]: always(1)}),
            (RATE, "rate_limited", {}),
        )
        for scenario in rare(*each)
    ),
    *(rare_probe(cause) for cause in ("refused", "errors", "broken", "limited")),
    Scenario(
        "an exporter restarts in an outage",
        (Exporter(failing=((10, 60),), down=((30, 34),)),),
        {**during(16, 29, UNREACHABLE), **during(30, 55, UNREACHABLE)},
        matching="UltravoxAPI.+",
    ),
    serving(
        "an exporter without agents restarts in an outage",
        {**during(1, 13), **during(17, 55, UNREACHABLE)},
        replace(POLLING, agent_id="", down=((30, 34),)),
        account_up=lambda minute: float(minute < 10),
        errors=lambda minute: 3.0 * max(minute - 10, 0),
    ),
    serving(
        "an exporter without agents starts in an outage",
        {**during(1, 23), **during(26, 30, UNREACHABLE)},
        replace(POLLING, agent_id="", listed=((20, 1e9),)),
        account_up=always(0),
        errors=lambda minute: 3.0 * minute,
    ),
    Scenario(
        "many agents, of which one is always down",
        tuple(
            Exporter(agent_id=f"{number}", failing=tuple((at, at + 3) for at in range(at, 90, 12)))
            for number, at in enumerate(range(1, 12, 2))
        ),
        during(1, 90),
    ),
    serving(
        "agents that are refused although the key works",
        {**during(1, 23), **during(26, 29, ERRORS)},
        replace(REFUSED, unscraped=((26, 29),)),
        account_up=always(1),
    ),
    serving(
        "a key that is rejected",
        {**during(1, 23), **during(26, 29, KEY)},
        REFUSED,
        account_up=lambda minute: float(minute < 20),
    ),
    serving(
        "an agent that stays down",
        {**during(40, 40, ERRORS, STALE), **during(60, 60, ERRORS, STALE)},
        replace(POLLING, failing=((20, 99),), reason="status"),
    ),
)

STALES = (
    serving(
        "an agent that is no longer polled",
        {**during(1, 39), **during(41, 60, STALE), **during(62, 70)},
        replace(POLLING, hanging=((31, 61),)),
    ),
    serving(
        "polls every ten minutes, with a missed poll and a restart, are not stale",
        during(1, 70),
        replace(POLLING, hanging=((11, 29), (31, 49)), interval=10.0, down=((55, 58),)),
    ),
    serving(
        "an agent that was never polled",
        {**during(1, 4), **during(7, 30, STALE)},
        replace(POLLING, hanging=((-999, 999),), unscraped=((15, 17),)),
    ),
    serving(
        "an account whose probes fail while its agent's polls succeed",
        {**during(1, 29), **during(31, 40, ACCOUNT_STALE)},
        account_success=lambda minute: 60 * min(minute, 20.0),
        account_allowed=always(5),
    ),
    serving(
        "an account that is probed as seldom as its agents are polled",
        during(1, 40),
        replace(POLLING, interval=10.0),
        account_success=lambda minute: 60 * (minute // 15) * 15,
        account_allowed=always(5),
    ),
    serving(
        "an account without agents whose probes fail",
        {**during(1, 35), **during(37, 40, ACCOUNT_STALE)},
        replace(POLLING, agent_id=""),
        account_success=lambda minute: 60 * min(minute, 20.0),
        account_allowed=always(5),
    ),
    serving(
        "an account whose probe never succeeded",
        {**during(1, 4), **during(6, 20, ACCOUNT_STALE)},
        account_allowed=always(5),
    ),
)

AGENTS = (
    moved(
        "discovery fails, and the pod moves",
        {**during(1, 34), **during(36, 60, DISCOVERY), **during(62, 70)},
        replace(POLLING, unscraped=((50, 53),)),
        discovery=lambda minute: float(not 20 <= minute <= 60),
    ),
    serving(
        "batches beyond max_per_agent",
        {**during(1, 24), **during(26, 40, TRUNCATED), **during(42, 50)},
        exporter=replace(POLLING, down=((30, 33),)),
        hidden=lambda minute: 3.0 if 20 <= minute <= 40 else 0.0,
        unlisted=always(7),
    ),
    moved(
        "batches beyond max_per_agent, and the pod moves",
        {**during(1, 4), **during(6, 60, TRUNCATED)},
        hidden=always(3),
    ),
    moved(
        "batches that cannot be read, and a pod that moved",
        {**during(1, 24), **during(26, 50, UNREADABLE), **during(52, 60)},
        replace(POLLING, unscraped=((30, 33),)),
        unreadable=lambda minute: 2.0 if 20 <= minute <= 50 else 0.0,
    ),
    serving(
        "batches that could not be read for two minutes",
        during(1, 40),
        unreadable=lambda minute: float(20 <= minute <= 22),
    ),
    serving(
        "a pagination loop",
        {
            **during(34, 34),
            **during(38, 45, TRUNCATED),
            **during(51, 60, TRUNCATED, STALE),
            **during(62, 70),
        },
        replace(POLLING, failing=((30, 61),), reason="loop", unscraped=((55, 57),)),
    ),
    serving(
        "no batch for an hour",
        {**during(1, 79), **during(81, 99, NO_BATCHES), **during(101, 110)},
        replace(POLLING, down=((40, 43),)),
        batches=lambda minute: float(not 20 <= minute < 100),
        ended=always(0),
    ),
    serving(
        "an agent with ended batches only",
        during(1, 90),
        batches=always(0),
        ended=always(1),
        discovered=always(1),
    ),
    serving(
        "an agent without batches becomes stale",
        {**during(70, 70, NO_BATCHES), **during(90, 90, STALE), **during(100, 100, STALE)},
        replace(POLLING, hanging=((71, 999),)),
        batches=always(0),
    ),
    moved(
        "discovery finds no agent, and the pod moves",
        {**during(59, 59), **during(61, 70, NO_BATCHES)},
        replace(POLLING, agent_id="", unscraped=((20, 23), (64, 66))),
        discovered=always(0),
    ),
)

DAY = 1440.0
EXPIRATION = "ultravox_account_subscription_expiration_timestamp_seconds"


def expiring(
    name: str, fires: Fires, *batches: Batch, at: float, exporter: Exporter = POLLING
) -> Scenario:
    """Return a scenario of batches in an account whose subscription expires at a minute."""
    watching = replace(exporter, batches=batches, extra={EXPIRATION: always(60 * at)})
    return Scenario(name, (watching,), fires, matching="UltravoxSub.+")


def windowed(end: float | None, batch_id: str = "b") -> Batch:
    """Return a batch that makes a call per minute, with the end of its window."""
    return Batch(completed=steady(1), batch_id=batch_id, end=end)


SUBSCRIPTIONS = (
    expiring(
        "windows that reach past the subscription's end",
        {**during(1, 18), **during(22, 40, SUBSCRIPTION)},
        windowed(8 * DAY),
        windowed(9 * DAY, "c"),
        at=7 * DAY + 20,
        exporter=replace(POLLING, down=((30, 33),)),
    ),
    expiring(
        "a subscription that has ended, and a window that is open",
        {**during(1, 40, SUBSCRIPTION), **during(62, 70)},
        windowed(60),
        at=-10,
    ),
    expiring(
        "a subscription that ends after the window",
        during(1, 40),
        windowed(2 * DAY),
        at=3 * DAY,
    ),
    expiring(
        "a window that reaches past the subscription's end is moved",
        {**during(3, 18, SUBSCRIPTION), **during(22, 40)},
        replace(windowed(4 * DAY), moved=((20, 2 * DAY),)),
        at=3 * DAY,
    ),
    expiring(
        "batches that need no subscription: without a window, without calls, ended",
        during(1, 40),
        windowed(None),
        replace(windowed(9 * DAY, "done"), calls=0.0),
        replace(windowed(9 * DAY, "ended"), ended=-20.0),
        at=3 * DAY,
    ),
)

ONE, TWO = Exporter(down=((20, 60),)), Exporter(instance="two:10110")


DOWN_LONG = "ExporterDown warning"


PROBED = {NAMES["account_allowed"]: always(5), NAMES["account_success"]: lambda minute: 60 * minute}
"""An account whose probes succeed."""

NO_AGENTS = Exporter(agent_id="", extra=PROBED, target={"job": "uv"})
OTHER_ACCOUNT = Exporter(account="another", instance="another:10110", target={"job": "uv"})


def alone(name: str, exporters: tuple[Exporter, ...], fires: Fires) -> Scenario:
    """Return a scenario of alerts about all exporters."""
    return Scenario(name, exporters, fires, alone=True)


def after(minute: float) -> Spans:
    """Return the time from a minute on."""
    return ((minute, 1e9),)


EXPORTERS = (
    alone(
        "an exporter is down and comes back",
        (replace(ONE, pod="p1"),),
        {
            **during(1, 23),
            **during(26, 33, DOWN),
            **during(45, 59, DOWN, ABSENT),
            **during(62, 70),
        },
    ),
    Scenario(
        "a replica is down, and scrapes of the other fail",
        (replace(ONE, pod="p1"), replace(TWO, pod="p2", unscraped=((40, 42),))),
        during(1, 60),
    ),
    Scenario(
        "a shard is down",
        (ONE, replace(TWO, agent_id="other")),
        {**during(1, 23), **during(26, 59, DOWN), **during(62, 70)},
    ),
    Scenario(
        "a shard is down until it is no longer a target",
        (replace(ONE, listed=((0, 40),)), replace(TWO, agent_id="other")),
        {**during(1, 23), **during(26, 39, DOWN), **during(41, 60)},
    ),
    Scenario(
        "a shard moves to a pod that does not start",
        (
            Exporter(listed=((0, 20),)),
            Exporter(pod="new", instance="new:10110", listed=after(20), down=after(0)),
            replace(TWO, agent_id="other"),
        ),
        {**during(1, 23), **during(27, 60, DOWN)},
    ),
    Scenario(
        "an exporter without agents is down, in a job of any name",
        (replace(NO_AGENTS, down=((20, 60),)), OTHER_ACCOUNT),
        {**during(1, 23), **during(26, 59, DOWN), **during(62, 70)},
    ),
    Scenario(
        "an exporter without agents moves to a pod that does not start",
        (
            replace(NO_AGENTS, listed=((0, 20),)),
            replace(NO_AGENTS, instance="new:10110", listed=after(22), down=after(0)),
            OTHER_ACCOUNT,
        ),
        {**during(1, 24), **during(28, 60, DOWN)},
    ),
    Scenario(
        "a replica starts while a shard is down",
        (
            ONE,
            replace(TWO, agent_id="other"),
            Exporter(instance="new:10110", agent_id="other", listed=after(40), down=((0, 43),)),
        ),
        {**during(1, 23), **during(26, 59, DOWN), **during(62, 70)},
    ),
    Scenario(
        "a target in a job with the name of an exporter's serves other series",
        (Exporter(agent_id=""),),
        during(1, 30),
    ),
    alone(
        "an exporter has never been up",
        (Exporter(down=((0, 60),)),),
        {
            **during(1, 4),
            **during(6, 14, DOWN),
            **during(16, 59, DOWN, ABSENT),
            **during(61, 70),
        },
    ),
    Scenario(
        "an exporter has never been up, and another serves all that is known",
        (Exporter(down=((0, 60),)), TWO),
        {**during(1, 4), **during(6, 59, DOWN_LONG), **during(61, 70)},
    ),
    Scenario(
        "an exporter in a job of any name restarts",
        (Exporter(down=((20, 24), (40, 60)), target={"job": "uv"}), TWO),
        {**during(1, 43), **during(46, 59, DOWN), **during(61, 70)},
    ),
    Scenario(
        "scrapes fail after an agent was removed from the configuration",
        (
            Exporter(unscraped=((40, 42),)),
            Exporter(agent_id="other", known=((0, 20),), unscraped=((40, 42),)),
        ),
        during(1, 60),
    ),
    Scenario(
        "a replica falls after an agent was removed from the configuration",
        (
            Exporter(),
            replace(TWO, down=after(40)),
            Exporter(agent_id="removed", known=((0, 20),)),
            replace(TWO, agent_id="removed", known=((0, 20),), down=after(40)),
        ),
        during(1, 60),
    ),
    Scenario(
        "an agent is removed from the configuration while a replica is down",
        (
            Exporter(),
            Exporter(agent_id="removed", known=((0, 40),)),
            replace(TWO, down=after(20)),
            replace(TWO, down=after(20), agent_id="removed"),
        ),
        during(1, 70),
    ),
    Scenario(
        "a target that is not an exporter is down",
        (
            Exporter(),
            Exporter(instance="other", down=((-999, 999),), target={"job": "ultravox-simulator"}),
        ),
        during(1, 30),
    ),
    alone(
        "no exporter is a scrape target",
        (Exporter(instance="other", down=((-999, 999),), target={"job": "node"}),),
        {**during(1, 14), **during(16, 20, ABSENT)},
    ),
    Scenario(
        "the same exporter is down in one of two clusters",
        (
            replace(ONE, target={"cluster": "one"}),
            Exporter(target={"cluster": "two"}),
        ),
        {**during(1, 23), **during(26, 59, DOWN), **during(62, 70)},
    ),
)

LONG = (
    alone(
        "an exporter is down for longer than a day",
        (replace(ONE, down=after(20)),),
        during(40, 1600, DOWN, ABSENT),
    ),
    Scenario(
        "a replica that stays down",
        (Exporter(), replace(TWO, down=after(20))),
        {**during(1, 1455), **during(1465, 1480, DOWN_LONG)},
    ),
)
"""Scenarios of more than a day, for the rules about exporters alone."""

GROUPS = (LIMITS, CAUSES, SUBSCRIPTIONS, STALES, AGENTS, EXPORTERS)
