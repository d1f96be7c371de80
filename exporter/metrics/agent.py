"""The metrics of an agent."""

from collections.abc import Callable, Iterable

from exporter.errors import REASONS
from exporter.metrics.metric import AGENT, AnyMetric, LabelledMetric, Metric, Sample, by, labels
from exporter.selection import AgentSelection, Sums


def _sums(view: AgentSelection, value: Callable[[Sums], int]) -> Iterable[Sample]:
    return by("state", ((state, value(sums)) for state, sums in view.sums.items()))


def _agent_info(view: AgentSelection, _now: float) -> Iterable[Sample]:
    agent = view.snapshot.agent
    return ((labels((("agent", agent.name), *agent.labels.items())), 1),)


def _failures(view: AgentSelection, _now: float) -> Iterable[Sample]:
    failures = view.snapshot.health.failures
    return by("reason", ((reason, failures.get(reason, 0)) for reason in REASONS))


AGENT_METRICS: tuple[AnyMetric[AgentSelection], ...] = (
    LabelledMetric(
        "ultravox_agent_info",
        "Always 1, from start-up. The agent's name, and the labels given to it in the"
        " configuration.",
        (*AGENT, "agent", "…"),
        _agent_info,
    ),
    Metric(
        "ultravox_agent_up",
        "Whether the last poll of the agent succeeded; absent before the first.",
        AGENT,
        lambda view, _: view.snapshot.health.up,
    ),
    Metric(
        "ultravox_agent_last_poll_timestamp_seconds",
        "When the last finished poll began; absent before the first.",
        AGENT,
        lambda view, _: view.snapshot.health.last_poll,
    ),
    Metric(
        "ultravox_agent_last_success_timestamp_seconds",
        "When the last successful poll began: what is served of the agent was true after"
        " that. Absent before the first.",
        AGENT,
        lambda view, _: view.snapshot.health.last_success,
    ),
    Metric(
        "ultravox_agent_poll_duration_seconds",
        "How long the last poll took, well or ill; absent before the first.",
        AGENT,
        lambda view, _: view.snapshot.health.duration,
    ),
    Metric(
        "ultravox_agent_poll_interval_seconds",
        "From the beginning of one poll to that of the next, as in force now.",
        AGENT,
        lambda view, _: view.snapshot.health.interval,
    ),
    Metric(
        "ultravox_agent_polls_total",
        "Polls of the agent, well or ill.",
        AGENT,
        lambda view, _: view.snapshot.health.polls,
        kind="counter",
    ),
    LabelledMetric(
        "ultravox_agent_poll_failures_total",
        "Failed polls of the agent, by reason.",
        (*AGENT, "reason"),
        _failures,
        kind="counter",
    ),
    LabelledMetric(
        "ultravox_agent_batches",
        "Batches of the agent by state: live ones, and those that ended lately.",
        (*AGENT, "state"),
        lambda view, _: _sums(view, lambda sums: sums.batches),
    ),
    LabelledMetric(
        "ultravox_agent_calls",
        "Calls in those batches by the batch's state, whether or not the batch has series of"
        " its own.",
        (*AGENT, "state"),
        lambda view, _: _sums(view, lambda sums: sums.calls),
    ),
    LabelledMetric(
        "ultravox_agent_calls_completed",
        "Completed calls in those batches by the batch's state.",
        (*AGENT, "state"),
        lambda view, _: _sums(view, lambda sums: sums.completed),
    ),
    Metric(
        "ultravox_agent_batches_reported",
        "Batches of the agent as the API counts them, all history included; absent when it"
        " does not say.",
        AGENT,
        lambda view, _: None if view.listing is None else view.listing.reported,
    ),
    LabelledMetric(
        "ultravox_agent_batches_hidden",
        "Batches of the agent without series of their own, by the setting that hides them.",
        (*AGENT, "reason"),
        lambda view, _: by("reason", view.hidden.items()),
    ),
    LabelledMetric(
        "ultravox_agent_listing_pages",
        "Pages that the last listing of each kind took.",
        (*AGENT, "listing"),
        lambda view, _: by("listing", view.snapshot.pages.items()),
    ),
)
