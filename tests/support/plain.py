"""An exposition without cache, chunks and compression: what production code is compared with."""

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


def render(snapshot: Snapshot, now: float, settings: SelectionSettings, text_format: Format) -> str:
    """Return the families of batches, agents and accounts at `now` (seconds since the epoch)."""
    selected = [select(agent, now, settings) for agent in snapshot.agents]
    agents = [(_identity(agent.snapshot), agent) for agent, _ in selected]
    batches = [
        (f"{_identity(agent.snapshot)},{labels((('batch_id', batch.batch_id),))}", batch)
        for agent, shown in selected
        for batch in shown
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
            *_families(BATCH_METRICS, batches, now, text_format),
            *_families(AGENT_METRICS, agents, now, text_format),
            *_families(ACCOUNT_METRICS, accounts, now, text_format),
        ]
    )


def select(
    snapshot: AgentSnapshot, now: float, settings: SelectionSettings
) -> tuple[AgentSelection, tuple[Batch, ...]]:
    """Return the agent at `now` (seconds since the epoch), and its batches that have series."""
    listing = snapshot.listing
    if listing is None or is_stale(snapshot.health.last_success, now, settings.polling.stale_after):
        return AgentSelection(snapshot), ()
    kept = [
        batch for batch in listing.batches if batch.is_retained(now, settings.batches.keep_ended)
    ]
    shown = batches_with_series(kept, settings.batches)
    return select_agent(snapshot, len(shown), sums_by_state(kept, now), settings.batches), shown


def _identity(snapshot: AgentSnapshot) -> str:
    agent = snapshot.agent
    return labels((("account", agent.account), ("agent_id", agent.agent_id)))


def _families(
    metrics: Iterable[AnyMetric[Subject]],
    subjects: Iterable[tuple[str, Subject]],
    now: float,
    text_format: Format,
) -> Iterator[str]:
    for metric in metrics:
        yield header(metric, text_format)
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
