"""The samples that Prometheus stores from an exporter.

The exporter's own code makes the snapshots from the batches that polls find, and its table of
metrics makes the samples.
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
from exporter.selection import AgentSelection, is_stale, select_agent, sums_by_state
from tools.alert_truth.campaigns import ExporterProcess, Scenario
from tools.alert_truth.dialling import DialledCampaign
from tools.alert_truth.random_scenarios import GRID

POLLING = Polling()
CALL_STATUS_INTERVAL = 120.0
"""Seconds between two requests for a batch's calls by status."""

ACCOUNT = "main"
STALE = math.nan
"""The sample that marks a series as gone."""

Samples = Mapping[str, float]
Series = dict[str, dict[float, float]]
"""For each series, by its name and labels, its values by the time of their scrape."""


def history_of(
    scenario: Scenario, dialled: Iterable[DialledCampaign], names: frozenset[str]
) -> Series:
    """Return the stored samples of a scenario, of the metrics with these names."""
    series: Series = {}
    dialled = tuple(dialled)
    for exporter in scenario.exporters:
        target = f'instance="{exporter.instance}",job="ultravox",pod="{exporter.pod}"'
        for time, samples in _scrapes(scenario, exporter, dialled, names):
            for key, value in samples.items():
                series.setdefault(f"{key},{target}}}", {})[time] = value
    return series


def _scrapes(
    scenario: Scenario,
    exporter: ExporterProcess,
    dialled: tuple[DialledCampaign, ...],
    names: frozenset[str],
) -> Iterator[tuple[float, Samples]]:
    """Yield the samples of each scrape, and `STALE` for each series that is gone since the last."""
    previous: Samples = {}
    time = exporter.first_scrape
    polls = _polls(scenario, exporter, dialled)
    snapshot = AgentSnapshot(_agent(scenario, 0.0), PollHealth(30.0))
    poll_end, following = next(polls)
    while time <= exporter.lifetime.end + exporter.scrape_interval:
        while poll_end <= time:
            snapshot, (poll_end, following) = following, next(polls)
        succeeds = time < exporter.lifetime.end and time not in exporter.failed_scrapes
        samples = _samples(snapshot, time, names) if succeeds else {}
        yield time, {**dict.fromkeys(previous.keys() - samples.keys(), STALE), **samples}
        previous = samples
        time += exporter.scrape_interval


def _polls(
    scenario: Scenario, exporter: ExporterProcess, dialled: tuple[DialledCampaign, ...]
) -> Iterator[tuple[float, AgentSnapshot]]:
    """Yield the end of each poll, and the snapshot that is served from then on."""
    start = exporter.first_poll
    snapshot, failures = AgentSnapshot(_agent(scenario, start), PollHealth(POLLING.interval)), 0
    while True:
        snapshot = replace(snapshot, agent=_agent(scenario, start))
        if scenario.in_outage(start):
            failures += 1
            poll = Poll(start, 0.5 if scenario.refused else POLLING.timeout)
            snapshot = failed(snapshot, poll, "unreachable", POLLING, failures)
        else:
            failures = 0
            poll = Poll(start, 0.8)
            listed = (each.listed(start + 0.4) for each in dialled)
            listing = Listing(tuple(batch for batch in listed if batch is not None), 1)
            snapshot = succeeded(snapshot, poll, listing, POLLING)
            snapshot = _with_call_status(snapshot, dialled, start)
        yield start + poll.duration, snapshot
        start += snapshot.health.interval


def _agent(scenario: Scenario, time: float) -> Agent:
    renamed = scenario.renamed is not None and scenario.renamed <= time
    return Agent(ACCOUNT, scenario.agent_id, "after" if renamed else "before")


def _with_call_status(
    snapshot: AgentSnapshot, dialled: tuple[DialledCampaign, ...], now: float
) -> AgentSnapshot:
    """Return the snapshot with the call status of each batch for which it is due."""
    listing = snapshot.listing
    if listing is None:
        return snapshot
    by_id = {each.campaign.batch_id: each for each in dialled}
    batches = tuple(_counted(batch, by_id[batch.batch_id], now) for batch in listing.batches)
    return replace(snapshot, listing=replace(listing, batches=batches))


def _counted(batch: Batch, dialled: DialledCampaign, now: float) -> Batch:
    """Return the batch with its current call status where that is due."""
    known = batch.call_status
    fingerprint = batch.progress_fingerprint(now)
    if known and (known.fingerprint == fingerprint or now - known.asked < CALL_STATUS_INTERVAL):
        return batch
    errors = dialled.errors(batch.completed)
    calls = (0, batch.remaining, batch.completed - errors, 0, errors)
    return replace(batch, call_status=CallStatus(calls, now, fingerprint))


def _samples(snapshot: AgentSnapshot, now: float, names: frozenset[str]) -> Samples:
    """Return what a scrape of a snapshot gets, by series."""
    agent = snapshot.agent
    agent_labels = labels((("account", agent.account), ("agent_id", agent.agent_id)))
    last_success = snapshot.health.last_success
    listing = None if is_stale(last_success, now, POLLING.stale_after) else snapshot.listing
    batches = () if listing is None else listing.batches
    selection = AgentSelection(snapshot)
    if listing is not None:
        selection = select_agent(snapshot, len(batches), sums_by_state(batches, now), Batches())
    samples = dict(_samples_of(AGENT_METRICS, selection, agent_labels, now, names))
    for batch in batches:
        batch_labels = f'{agent_labels},batch_id="{batch.batch_id}"'
        samples.update(_samples_of(BATCH_METRICS, batch, batch_labels, now, names))
    return samples


def _samples_of(
    metrics: Iterable[AnyMetric[Subject]],
    subject: Subject,
    identity: str,
    now: float,
    names: frozenset[str],
) -> Iterator[tuple[str, float]]:
    """Yield the series and values of a subject: without the closing brace of the labels."""
    for metric in metrics:
        if metric.name not in names:
            continue
        if isinstance(metric, LabelledMetric):
            for further, value in metric.samples(subject, now):
                yield f"{metric.name}{{{identity},{further}", float(value)
        elif (value_now := metric.value(subject, now)) is not None:
            yield f"{metric.name}{{{identity}", float(value_now)


def input_values(values: Mapping[float, float]) -> str:
    """Return a series' values as a rule test writes them: one per `GRID`, repetitions as one."""
    words, last, times = list[str](), "", 0
    for slot in range(int(max(values) / GRID) + 1):
        value = values.get(slot * GRID)
        word = "_" if value is None else "stale" if math.isnan(value) else f"{value:.10g}"
        if word == last:
            times += 1
        else:
            words += _repeated(last, times)
            last, times = word, 1
    return " ".join([*words, *_repeated(last, times)])


def _repeated(word: str, times: int) -> list[str]:
    if word == "stale" or times < 3:
        return [word] * times
    # `_xN` is N gaps; `VxN` is V and N repetitions.
    return [f"_x{times}"] if word == "_" else [f"{word}x{times - 1}"]
