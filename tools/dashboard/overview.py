"""The first screen: numbers that are quiet at zero."""

from grafana_foundation_sdk.builders import stat

from exporter.rules.expressions import STALE_AGE, STALE_ALERT_AGE
from tools.dashboard.parts import PER_MINUTE, Steps, number
from tools.dashboard.problems import CALLABLE, MISSED, MISSED_WITHIN, PAUSED, SLOW, STANDING
from tools.dashboard.queries import PACE, SELECTED, THRESHOLDS, by_agent, by_batch, count, or_zero

PLAIN: Steps = ((None, "text"),)
RUNNING = SELECTED.active
MINUTES = f"{THRESHOLDS.stalled_after / 60:g}"
SHARE = f"{100 * THRESHOLDS.miss_share:g} %"
HOURS = f"{MISSED_WITHIN / 3600:g}"


def _alarm(colour: str) -> Steps:
    return ((None, "transparent"), (1, colour))


AGE = f"time() - min({by_agent(SELECTED.last_success)})"
A_MINUTE = or_zero(
    f"60 * sum({by_batch(PACE)})",
    # Batches that run at an unknown pace do not run at none.
    blind=f"count({by_batch(RUNNING)})",
)


def overview() -> list[stat.Panel]:
    """Return the numbers, from left to right."""
    return [*_work(), *_troubles(), _age()]


def _work() -> list[stat.Panel]:
    return [
        number(
            "Running",
            "Batches that should be calling now: calls left, window open, not paused. Nothing to"
            " do. \u201cno data\u201d means that no agent's data are fresh: look at Data age, then"
            " at Exporter and API.",
            count(RUNNING),
            "locale",
            PLAIN,
        ),
        number(
            "Calls left",
            "Calls not yet made in batches that are not over: running, scheduled and paused ones."
            " If it does not shrink while batches run, look at Calls/min.",
            or_zero(f"sum({by_batch(CALLABLE)})"),
            "locale",
            PLAIN,
        ),
        number(
            "Calls/min",
            "Calls that running batches completed a minute, over the pace interval chosen above."
            " If it is low, look at Concurrency: the account may be at its limit.",
            A_MINUTE,
            PER_MINUTE,
            PLAIN,
        ).decimals(1),
    ]


def _troubles() -> list[stat.Panel]:
    return [
        number(
            "Stalled",
            f"Batches that should be calling, but completed no call for {MINUTES} minutes, or none"
            " since their window opened. Look at the agent and the account in Ultravox: the"
            " telephone provider, the concurrency, the account's balance.",
            count(STANDING),
            "locale",
            _alarm("red"),
        ),
        number(
            "Too slow",
            f"Running batches that will have more than {SHARE} of their calls left when their"
            " window closes, at the pace of the interval chosen above. Make room in the account's"
            " concurrency, or schedule the rest anew in another window.",
            count(SLOW),
            "locale",
            _alarm("orange"),
        ),
        number(
            "Paused",
            "Paused batches with calls left whose window is not over. Ultravox documents no way to"
            " resume: schedule the calls that are left anew.",
            count(PAUSED),
            "locale",
            _alarm("dark-yellow"),
        ),
        number(
            f"Missed {HOURS} h",
            f"Batches that were over within the last {HOURS} hours with calls left. Those calls"
            " will not be made: schedule them anew, with more time or more concurrency.",
            count(MISSED),
            "locale",
            _alarm("purple"),
        ),
    ]


def _age() -> stat.Panel:
    return number(
        "Data age",
        "How long ago the agent that was heard of least lately was heard of. Red: its numbers"
        " are missing in the others here. Look at Agents, then at Exporter and API.",
        AGE,
        "s",
        ((None, "green"), (STALE_ALERT_AGE, "orange"), (STALE_AGE, "red")),
    )
