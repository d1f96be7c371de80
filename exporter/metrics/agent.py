"""The metrics of an agent."""

from collections.abc import Callable, Iterable

from exporter.errors import REASONS
from exporter.metrics.metric import (
    AGENT,
    AnyMetric,
    LabelledMetric,
    Metric,
    Sample,
    labels,
    samples_by,
)
from exporter.selection import AgentSelection, Sums


def _sums(selection: AgentSelection, value: Callable[[Sums], int]) -> Iterable[Sample]:
    return samples_by("state", ((state, value(sums)) for state, sums in selection.sums.items()))


def _agent_info(selection: AgentSelection, _now: float) -> Iterable[Sample]:
    agent = selection.snapshot.agent
    return ((labels((("agent", agent.name), *agent.labels.items())), 1),)


def _failures(selection: AgentSelection, _now: float) -> Iterable[Sample]:
    failures = selection.snapshot.health.failures
    return samples_by("reason", ((reason, failures.get(reason, 0)) for reason in REASONS))


AGENT_METRICS: tuple[AnyMetric[AgentSelection], ...] = (
    LabelledMetric(
        "ultravox_agent_info",
        "Always 1, from the start of the exporter; agent is the agent's name, further labels are"
        " those of the configuration",
        (*AGENT, "agent", "…"),
        _agent_info,
        api=("name",),
    ),
    Metric(
        "ultravox_agent_up",
        "Whether the last poll of the agent succeeded, 1 or 0; absent before the first poll",
        AGENT,
        lambda selection, _: selection.snapshot.health.up,
    ),
    Metric(
        "ultravox_agent_last_poll_timestamp_seconds",
        "Time at which the last finished poll of the agent began, in seconds since the epoch;"
        " absent before the first poll",
        AGENT,
        lambda selection, _: selection.snapshot.health.last_poll,
    ),
    Metric(
        "ultravox_agent_last_success_timestamp_seconds",
        "Time at which the last successful poll of the agent began, which is the time of the"
        " agent's data, in seconds since the epoch; absent before the first success",
        AGENT,
        lambda selection, _: selection.snapshot.health.last_success,
    ),
    Metric(
        "ultravox_agent_poll_duration_seconds",
        "Duration of the last poll of the agent, successful or failed, in seconds, with waits for"
        " request slots, rate limit and holds, without the wait for a poll slot; absent before the"
        " first poll",
        AGENT,
        lambda selection, _: selection.snapshot.health.duration,
    ),
    Metric(
        "ultravox_agent_poll_interval_seconds",
        "Time from the start of one poll of the agent to the start of the next, as it applies now,"
        " in seconds",
        AGENT,
        lambda selection, _: selection.snapshot.health.interval,
    ),
    Metric(
        "ultravox_agent_polls_total",
        "Number of polls of the agent, successful or failed",
        AGENT,
        lambda selection, _: selection.snapshot.health.polls,
        kind="counter",
    ),
    LabelledMetric(
        "ultravox_agent_poll_failures_total",
        "Number of failed polls of the agent, by reason",
        (*AGENT, "reason"),
        _failures,
        kind="counter",
    ),
    LabelledMetric(
        "ultravox_agent_batches",
        "Number of the agent's batches by state: live ones, and those that ended less than"
        " batches.keep_ended ago; absent while the agent's data are stale",
        (*AGENT, "state"),
        lambda selection, _: _sums(selection, lambda sums: sums.batches),
    ),
    LabelledMetric(
        "ultravox_agent_calls",
        "Total number of calls in the agent's batches by state of the batch, batches without"
        " series of their own included; absent while the agent's data are stale",
        (*AGENT, "state"),
        lambda selection, _: _sums(selection, lambda sums: sums.calls),
        api=("totalCount",),
    ),
    LabelledMetric(
        "ultravox_agent_calls_completed",
        "Number of completed calls in the agent's batches by state of the batch, batches without"
        " series of their own included; absent while the agent's data are stale",
        (*AGENT, "state"),
        lambda selection, _: _sums(selection, lambda sums: sums.completed),
        api=("completedCount",),
    ),
    Metric(
        "ultravox_agent_batches_reported",
        "Number of the agent's batches that the API reports, all history included; absent when the"
        " API sends no number, and while the agent's data are stale",
        AGENT,
        lambda selection, _: None if selection.listing is None else selection.listing.reported,
        api=("total of scheduled_batches",),
    ),
    LabelledMetric(
        "ultravox_agent_batches_hidden",
        "Number of the agent's batches without series of their own, by the setting that hides"
        " them; absent while the agent's data are stale",
        (*AGENT, "reason"),
        lambda selection, _: samples_by("reason", selection.hidden.items()),
    ),
    Metric(
        "ultravox_agent_batches_unreadable",
        "Number of records in the agent's last listing that cannot be read, of batches that are"
        " live, or ended less than batches.keep_ended ago; these batches have no series; absent"
        " while the agent's data are stale",
        AGENT,
        lambda selection, _: (
            None if selection.listing is None else len(selection.listing.unreadable)
        ),
        stability="experimental",
    ),
    LabelledMetric(
        "ultravox_agent_listing_pages",
        "Number of pages that the last listing of each kind read; absent before the first listing"
        " of the kind",
        (*AGENT, "listing"),
        lambda selection, _: samples_by("listing", selection.snapshot.pages.items()),
    ),
)
