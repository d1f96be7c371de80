"""The exposition, made plainly from the catalogue: no cache, no chunks, no checkpoints."""

from collections.abc import Iterable, Iterator

from exporter.metrics.account import ACCOUNT_METRICS
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.metric import AnyMetric, Metric, Subject, labels
from exporter.model import AgentSnapshot, Batch, Snapshot
from exporter.render.text import Format, header, number
from exporter.selection import (
    AgentSelection,
    SelectionSettings,
    batches_with_series,
    is_stale,
    select_account,
    select_agent,
    sums_by_state,
)


def render(snapshot: Snapshot, now: float, settings: SelectionSettings, form: Format) -> str:
    """Return the families of batches, agents and accounts at `now` (seconds since the epoch)."""
    selected = [select(agent, now, settings) for agent in snapshot.agents]
    agents = [(_agent(agent.snapshot), agent) for agent, _ in selected]
    batches = [
        (f"{_agent(agent.snapshot)},{labels((('batch_id', batch.batch_id),))}", batch)
        for agent, exposed in selected
        for batch in exposed
    ]
    accounts = [
        (
            labels((("account", account.account),)),
            select_account(account, snapshot.agents_of(account.account), now, settings),
        )
        for account in snapshot.accounts
    ]
    return "".join(
        [
            *_families(BATCH_METRICS, batches, now, form),
            *_families(AGENT_METRICS, agents, now, form),
            *_families(ACCOUNT_METRICS, accounts, now, form),
        ]
    )


def select(
    snapshot: AgentSnapshot, now: float, settings: SelectionSettings
) -> tuple[AgentSelection, tuple[Batch, ...]]:
    """Return the selection of an agent at `now`, and its batches with series of their own."""
    listing = snapshot.listing
    if listing is None or is_stale(snapshot.health.last_success, now, settings.polling.stale_after):
        return AgentSelection(snapshot), ()
    keep_ended = settings.batches.keep_ended
    retained = [batch for batch in listing.batches if batch.is_retained(now, keep_ended)]
    exposed = batches_with_series(retained, settings.batches)
    sums = sums_by_state(retained, now)
    return select_agent(snapshot, len(exposed), sums, settings.batches), exposed


def _agent(snapshot: AgentSnapshot) -> str:
    agent = snapshot.agent
    return labels((("account", agent.account), ("agent_id", agent.agent_id)))


def _families(
    metrics: Iterable[AnyMetric[Subject]],
    subjects: Iterable[tuple[str, Subject]],
    now: float,
    form: Format,
) -> Iterator[str]:
    for metric in metrics:
        yield header(metric, form)
        for identity, subject in subjects:
            if isinstance(metric, Metric):
                value = metric.value(subject, now)
                if metric.zero_at and metric.zero_at(subject, now) is not None:
                    yield f"{metric.name}{{{identity}}} {value:.3f}\n"
                    continue
                if value is not None:
                    yield f"{metric.name}{{{identity}}} {number(value)}\n"
            else:
                for further, sample in metric.samples(subject, now):
                    yield f"{metric.name}{{{identity},{further}}} {number(sample)}\n"
