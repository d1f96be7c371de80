"""(snapshot, now) -> text. Pure: equal arguments give equal bytes."""

from collections.abc import Iterable, Iterator

from exporter.exposition.accounts import ACCOUNT_METRICS
from exporter.exposition.agents import AGENT_METRICS
from exporter.exposition.batches import BATCH_METRICS
from exporter.exposition.family import Labels, Metric, Subject
from exporter.exposition.text import Format, header, labels, number
from exporter.exposition.view import AgentView, Policy, view_account, view_agent
from exporter.model import Snapshot


def render(snapshot: Snapshot, now: float, policy: Policy, form: Format) -> str:
    """Return the families of batches, agents and accounts at `now` (seconds since the epoch).

    OpenMetrics' end mark is not written: more families follow.
    """
    agents = [view_agent(agent, now, policy) for agent in snapshot.agents]
    accounts = [
        view_account(account, snapshot.agents_of(account.account), now, policy)
        for account in snapshot.accounts
    ]
    batches = [
        (_batch_labels(agent, batch.batch_id), batch) for agent in agents for batch in agent.shown
    ]
    return "".join(
        [
            *_families(BATCH_METRICS, batches, now, form),
            *_families(
                AGENT_METRICS, [(_agent_labels(agent), agent) for agent in agents], now, form
            ),
            *_families(
                ACCOUNT_METRICS,
                [((("account", view.snapshot.account),), view) for view in accounts],
                now,
                form,
            ),
        ]
    )


def _agent_labels(view: AgentView) -> Labels:
    agent = view.snapshot.agent
    return (("account", agent.account), ("agent_id", agent.agent_id))


def _batch_labels(view: AgentView, batch_id: str) -> Labels:
    return (*_agent_labels(view), ("batch_id", batch_id))


def _families(
    metrics: Iterable[Metric[Subject]],
    subjects: Iterable[tuple[Labels, Subject]],
    now: float,
    form: Format,
) -> Iterator[str]:
    """Yield each family's header and lines; without samples the header says that it exists."""
    identified = [(labels(identity), subject) for identity, subject in subjects]
    for metric in metrics:
        yield header(metric, form)
        for identity, subject in identified:
            for further, value in metric.samples(subject, now):
                text = f"{identity},{labels(further)}" if further else identity
                yield f"{metric.name}{{{text}}} {number(value)}\n"
