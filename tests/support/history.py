"""What the API said at each time, and whether an exposition says the same of that time."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.support import truth
from tests.support.truth import Record

KEPT = 3 * 3600.0
"""Seconds for which what the API said is remembered: longer than anything that is served."""

MEMORY = ("ultravox_batch_last_progress_timestamp_seconds", "ultravox_batch_scheduled_calls")
"""Metrics of a batch that are no values of the listing at one time."""


class Rules(NamedTuple):
    """The settings of the exporter on which the comparison depends, in seconds.

    `longest_poll` is how long a poll may last, with its time in queues.
    """

    stale_after: float
    full_listing_interval: float
    keep_ended: float
    longest_poll: float


class AgentHealth(NamedTuple):
    """What an exposition says of an agent's polls: times in seconds since the epoch, or None."""

    up: bool
    last_success: float | None
    duration: float


class History:
    """The records of one agent's batches by time."""

    def __init__(self, account: str, agent_id: str) -> None:
        self._account = account
        self.agent_id = agent_id
        self._times: dict[str, list[float]] = defaultdict(list)
        self._records: dict[str, list[Record | None]] = defaultdict(list)

    def note(self, batch_id: str, record: Record | None, now: float) -> None:
        """Note how the API describes a batch from now on; None once it is deleted."""
        self._times[batch_id].append(now)
        self._records[batch_id].append(record)

    def forget(self, now: float) -> None:
        """Forget what was said no longer than KEPT ago, to the last value of each batch."""
        for batch_id, times in tuple(self._times.items()):
            first = max(bisect.bisect_right(times, now - KEPT) - 1, 0)
            records = self._records[batch_id]
            del times[:first], records[:first]
            if records == [None] and times[0] < now - KEPT:
                del self._times[batch_id], self._records[batch_id]

    def between(self, batch_id: str, since: float, until: float) -> list[Record | None]:
        """Return what the API said of a batch at these times: one value, or more if it changed."""
        times = self._times.get(batch_id, [])
        first, last = (bisect.bisect_right(times, each) for each in (since, until))
        before: list[Record | None] = [self._records[batch_id][first - 1]] if first else [None]
        return before + (self._records[batch_id][first:last] if times else [])

    def check(
        self, found: Mapping[str, float], health: AgentHealth, now: float, rules: Rules
    ) -> int:
        """Compare the agent's samples of a scrape at `now`; return how many were compared.

        Raises AssertionError. Data older than `stale_after` must be absent. Otherwise each sample
        must be what the API said at the time of the last successful poll: while that lasted, a
        batch may have changed, and then either value is right. A poll's own duration is known while
        the agent is up; otherwise it is `longest_poll` at most. Deleted batches that had ended stay
        until the next full listing. The batches that are missing must be as many as the exporter
        reports as unreadable, and the sums must be those of the batches that are served.
        """
        served = _batches(found, self._account, self.agent_id)
        if health.last_success is None or now >= health.last_success + rules.stale_after:
            absent = [key for key in found if self._is_sum(key)]
            assert not served, (self.agent_id, "stale data are served", health, now, served)
            assert not absent, (self.agent_id, "stale sums are served", health, now)
            return 0
        since = health.last_success
        until = since + (health.duration if health.up else rules.longest_poll)
        records = {
            batch_id: self._served_record(batch_id, samples, (since, until), now, rules)
            for batch_id, samples in served.items()
        }
        self._check_missing(found, served.keys(), (since, until), now, rules)
        sums = truth.agent_sums(self._account, self.agent_id, records.values(), now)
        for key, value in sums.items():
            assert found[key] == value, (self.agent_id, key, found[key], value, health, now)
        return sum(map(len, served.values())) + len(sums)

    def _served_record(
        self,
        batch_id: str,
        samples: Mapping[str, float],
        times: tuple[float, float],
        now: float,
        rules: Rules,
    ) -> Record:
        """Return the record that the samples describe; it must be one of that time."""
        candidates = [each for each in self.between(batch_id, *times) if each is not None]
        deleted_since = times[0] - rules.full_listing_interval
        earlier = self.between(batch_id, deleted_since, times[0])
        candidates += [each for each in earlier if each is not None and each["endedAt"]]
        wrong: list[object] = []
        for record in candidates:
            expected = truth.batch_series(self._account, self.agent_id, record, now)
            if _same(samples, expected):
                return record
            wrong.append({key: expected.get(key) for key in {*samples, *expected}})
        raise AssertionError(self.agent_id, batch_id, times, now, samples, wrong)

    def _check_missing(
        self,
        found: Mapping[str, float],
        served: Iterable[str],
        times: tuple[float, float],
        now: float,
        rules: Rules,
    ) -> None:
        label = f'{{account="{self._account}",agent_id="{self.agent_id}"}}'
        unreadable = found[f"ultravox_agent_batches_unreadable{label}"]
        missing = []
        for batch_id in self._times.keys() - set(served):
            said = self.between(batch_id, *times)
            kept = [each for each in said if each and truth.kept([each], now, rules.keep_ended)]
            if len(kept) == len(said):
                missing.append(batch_id)
        assert len(missing) <= unreadable, (self.agent_id, missing, unreadable, times, now)

    def _is_sum(self, key: str) -> bool:
        names = ("ultravox_agent_batches{", "ultravox_agent_calls")
        return key.startswith(names) and f'agent_id="{self.agent_id}"' in key


def health_of(found: Mapping[str, float], account: str, agent_id: str) -> AgentHealth:
    """Return what an exposition says of an agent's polls."""
    label = f'{{account="{account}",agent_id="{agent_id}"}}'
    return AgentHealth(
        found.get(f"ultravox_agent_up{label}") == 1,
        found.get(f"ultravox_agent_last_success_timestamp_seconds{label}"),
        found.get(f"ultravox_agent_poll_duration_seconds{label}", 0.0),
    )


def _batches(
    found: Mapping[str, float], account: str, agent_id: str
) -> dict[str, dict[str, float]]:
    """Return the agent's samples of each batch."""
    begin = f'{{account="{account}",agent_id="{agent_id}",batch_id="'
    served: dict[str, dict[str, float]] = defaultdict(dict)
    for key, value in found.items():
        name, _, rest = key.partition(begin)
        if rest and name not in MEMORY:
            served[rest.partition('"')[0]][key] = value
    return served


def _same(samples: Mapping[str, float], expected: Mapping[str, float]) -> bool:
    """Return whether the samples are those expected; a countdown may differ by 10 ms."""
    return samples.keys() == expected.keys() and all(
        abs(samples[key] - value) < 0.01 for key, value in expected.items()
    )
