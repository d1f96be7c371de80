"""The numbers of the first screen: those about problems have a colour only if they are not 0."""

from grafana_foundation_sdk.builders import stat

from exporter.rules.expressions import STALE_AGE, STALE_ALERT_AGE
from tools.dashboard.panels import PER_MINUTE, Steps, stat_panel
from tools.dashboard.problems import (
    MISSED,
    PAUSED,
    REMAINING_IF_NOT_CLOSED,
    TOO_SLOW,
    WITHOUT_PROGRESS,
    meaning,
)
from tools.dashboard.queries import (
    COMPLETION_RATE,
    SELECTED,
    by_agent,
    by_batch,
    count_batches,
    or_zero,
)

PLAIN: Steps = ((None, "text"),)

DATA_AGE = f"time() - min({by_agent(SELECTED.last_success)})"
CALLS_PER_MINUTE = or_zero(
    f"60 * sum({by_batch(COMPLETION_RATE)})",
    # An unknown completion rate of active batches is not 0.
    unless=f"count({by_batch(SELECTED.active)})",
)


def overview() -> list[stat.Panel]:
    """Return the numbers, from left to right."""
    return [*_work(), *_active_problems(), *_inactive_problems(), _data_age()]


def _work() -> list[stat.Panel]:
    return [
        stat_panel(
            "Active",
            "Active batches: they have remaining calls, their window is open, and they are not"
            " paused. \u201cno data\u201d means that the data of all agents are stale: look at Data"
            " age, then at Exporter and API.",
            count_batches(SELECTED.active),
            "locale",
            PLAIN,
        ),
        stat_panel(
            "Remaining",
            "Remaining calls of the batches that are not closed: active, scheduled and paused"
            " batches. If the number does not decrease while batches are active, look at"
            " Calls/min.",
            or_zero(f"sum({by_batch(REMAINING_IF_NOT_CLOSED)})"),
            "locale",
            PLAIN,
        ),
        stat_panel(
            "Calls/min",
            "Completion rate: calls that all active batches complete per minute. The time over"
            " which it is measured is chosen at the top. If it is low, look at Concurrency: the"
            " account may be at its limit.",
            CALLS_PER_MINUTE,
            PER_MINUTE,
            PLAIN,
        ).decimals(1),
    ]


def _active_problems() -> list[stat.Panel]:
    return [
        _problem_count(
            "Stalled",
            f"Stalled batches, and batches that are not started. Stalled: the batch"
            f" {meaning('Stalled')}. Not started: the batch {meaning('Not started')}. Check in"
            " Ultravox: the phone provider, the concurrency limit, the account's balance.",
            WITHOUT_PROGRESS,
            "red",
        ),
        _problem_count(
            "Too slow",
            f"Batches that are too slow: the batch {meaning('Too slow')}. The time over which the"
            " completion rate is measured is chosen at the top. Give the batch more of the"
            " account's concurrency, or schedule the remaining calls in a new batch.",
            TOO_SLOW,
            "orange",
        ),
    ]


def _inactive_problems() -> list[stat.Panel]:
    return [
        _problem_count(
            "Paused",
            f"Paused batches: the batch {meaning('Paused')}. Ultravox documents no way to resume a"
            " batch: if the pause is not intended, schedule the remaining calls in a new batch.",
            PAUSED,
            "dark-yellow",
        ),
        _problem_count(
            "Missed",
            f"Batches that missed calls: the batch {meaning('Missed')}. An ended batch counts only"
            " while the exporter keeps it (batches.keep_ended). Ultravox will not make the"
            " remaining calls: schedule them in a new batch, with a longer window.",
            MISSED,
            "purple",
        ),
    ]


def _problem_count(title: str, description: str, batches: str, colour: str) -> stat.Panel:
    steps: Steps = ((None, "transparent"), (1, colour))
    return stat_panel(title, description, count_batches(batches), "locale", steps)


def _data_age() -> stat.Panel:
    return stat_panel(
        "Data age",
        "Age of the stalest agent's data: time since its last successful poll. Red: the data are"
        " stale, and the other numbers do not include this agent. Look at Agents, then at"
        " Exporter and API.",
        DATA_AGE,
        "s",
        ((None, "green"), (STALE_ALERT_AGE, "orange"), (STALE_AGE, "red")),
    )
