"""What an exporter would have served, and Prometheus kept.

The snapshots are made by the exporter's own code from what polls find, and the samples by its
catalogue.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from exporter.config import Batches, Polling
from exporter.metrics.agent import AGENT_METRICS
from exporter.metrics.batch import BATCH_METRICS
from exporter.metrics.metric import AnyMetric, LabelledMetric, Subject, labels
from exporter.model import Agent, AgentSnapshot, Batch, CallStatus, Listing, PollHealth
from exporter.polling.transitions import Poll, failed, succeeded
from exporter.selection import AgentSelection, fresh, select_agent, sums_by_state
from tools.alert_truth.campaigns import Exporter, Scene
from tools.alert_truth.dialling import Dialled
from tools.alert_truth.draw import GRID

POLLING = Polling()
OUTCOMES_EVERY = 120.0
ACCOUNT = "main"
STALE = math.nan
"""Where Prometheus marks a series as gone."""

Samples = Mapping[str, float]
Series = dict[str, dict[float, float]]
"""By a series' name and labels, its values by the time of their scrape."""


def played(scene: Scene, dialled: Iterable[Dialled], names: frozenset[str]) -> Series:
    """Return the history of a scene: of the series with these names."""
    series: Series = {}
    dialled = tuple(dialled)
    for exporter in scene.exporters:
        target = f'instance="{exporter.instance}",job="ultravox",pod="{exporter.pod}"'
        for moment, samples in _scraped(scene, exporter, dialled, names):
            for key, value in samples.items():
                series.setdefault(f"{key},{target}}}", {})[moment] = value
    return series


def _scraped(
    scene: Scene, exporter: Exporter, dialled: tuple[Dialled, ...], names: frozenset[str]
) -> Iterator[tuple[float, Samples]]:
    """Yield what each scrape leaves: values, and marks where a series was before and is not now."""
    shown: Samples = {}
    moment = exporter.first_scrape
    polls = _polled(scene, exporter, dialled)
    snapshot, (due, coming) = AgentSnapshot(_agent(scene, 0.0), PollHealth(30.0)), next(polls)
    while moment <= exporter.life.ends + exporter.scrape_interval:
        while due <= moment:
            snapshot, (due, coming) = coming, next(polls)
        there = moment < exporter.life.ends and moment not in exporter.unscraped
        found = _samples(snapshot, moment, names) if there else {}
        yield moment, {**dict.fromkeys(shown.keys() - found.keys(), STALE), **found}
        shown = found
        moment += exporter.scrape_interval


def _polled(
    scene: Scene, exporter: Exporter, dialled: tuple[Dialled, ...]
) -> Iterator[tuple[float, AgentSnapshot]]:
    """Yield the snapshot that follows each poll, and from when it is served."""
    began = exporter.first_poll
    snapshot, failures = AgentSnapshot(_agent(scene, began), PollHealth(POLLING.interval)), 0
    while True:
        snapshot = replace(snapshot, agent=_agent(scene, began))
        if scene.outage(began):
            poll = Poll(began, 0.5 if scene.refused else POLLING.timeout)
            failures += 1
            snapshot = failed(snapshot, poll, "unreachable", POLLING, failures)
        else:
            poll, failures = Poll(began, 0.8), 0
            found = (each.listed(began + 0.4) for each in dialled)
            listing = Listing(tuple(batch for batch in found if batch is not None), 1)
            snapshot = succeeded(snapshot, poll, listing, POLLING)
            snapshot = _with_outcomes(snapshot, dialled, began)
        yield began + poll.duration, snapshot
        began += snapshot.health.interval


def _agent(scene: Scene, moment: float) -> Agent:
    renamed = scene.renamed is not None and scene.renamed <= moment
    return Agent(ACCOUNT, scene.agent_id, "after" if renamed else "before")


def _with_outcomes(
    snapshot: AgentSnapshot, dialled: tuple[Dialled, ...], now: float
) -> AgentSnapshot:
    by_id = {each.campaign.batch_id: each for each in dialled}
    assert snapshot.listing is not None
    batches = tuple(_asked(batch, by_id[batch.batch_id], now) for batch in snapshot.listing.batches)
    return replace(snapshot, listing=replace(snapshot.listing, batches=batches))


def _asked(batch: Batch, dialled: Dialled, now: float) -> Batch:
    """Return the batch with its outcomes asked for anew where they are due."""
    known = batch.call_status
    if known and (
        known.fingerprint == batch.progress_fingerprint(now) or now - known.asked < OUTCOMES_EVERY
    ):
        return batch
    errors = dialled.errors(batch.completed)
    calls = (0, batch.remaining, batch.completed - errors, 0, errors)
    return replace(batch, call_status=CallStatus(calls, now, batch.progress_fingerprint(now)))


def _samples(snapshot: AgentSnapshot, now: float, names: frozenset[str]) -> Samples:
    agent = snapshot.agent
    who = labels((("account", agent.account), ("agent_id", agent.agent_id)))
    last = snapshot.health.last_success
    listing = snapshot.listing if fresh(last, now, POLLING.stale_after) else None
    batches = () if listing is None else listing.batches
    view = AgentSelection(snapshot)
    if listing is not None:
        view = select_agent(snapshot, len(batches), sums_by_state(batches, now), Batches())
    found = dict(_of(AGENT_METRICS, view, who, now, names))
    for batch in batches:
        which = f'{who},batch_id="{batch.batch_id}"'
        found.update(_of(BATCH_METRICS, batch, which, now, names))
    return found


def _of(
    metrics: Iterable[AnyMetric[Subject]],
    subject: Subject,
    who: str,
    now: float,
    names: frozenset[str],
) -> Iterator[tuple[str, float]]:
    for metric in metrics:
        if metric.name not in names:
            continue
        if isinstance(metric, LabelledMetric):
            for further, value in metric.samples(subject, now):
                yield f"{metric.name}{{{who},{further}", float(value)
        elif (only := metric.value(subject, now)) is not None:
            yield f"{metric.name}{{{who}", float(only)


def written(values: Mapping[float, float]) -> str:
    """Return a series' values as a rule test writes them: one a GRID, runs of the same as one."""
    words, last, times = list[str](), "", 0
    for slot in range(int(max(values) / GRID) + 1):
        value = values.get(slot * GRID)
        word = "_" if value is None else "stale" if math.isnan(value) else f"{value:.10g}"
        if word == last:
            times += 1
        else:
            words += _run(last, times)
            last, times = word, 1
    return " ".join([*words, *_run(last, times)])


def _run(word: str, times: int) -> list[str]:
    if word == "stale" or times < 3:
        return [word] * times
    # `_xN` is N gaps; `VxN` is V and N repetitions.
    return [f"_x{times}"] if word == "_" else [f"{word}x{times - 1}"]
