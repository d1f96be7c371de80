"""The job that discovers agents."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
import structlog
from msgspec.structs import replace

from exporter.api.deadline import Deadline
from exporter.api.decoding import Page
from exporter.api.schemas import AgentRecord
from exporter.config import Discover, Polling
from exporter.errors import ApiError, UnreadableRecord
from exporter.model import DiscoveryHealth
from exporter.polling.health_log import UnreadableLog
from exporter.polling.job import Access, Events, Failure, Outcome, Run, Success

log = structlog.get_logger()


class Agents(msgspec.Struct, frozen=True):
    """The agents of an account: the readable records, the others, and the number of pages."""

    records: tuple[AgentRecord, ...]
    unreadable: tuple[UnreadableRecord, ...]
    pages: int


class Discovery:
    """Lists the agents of the account in full, and gives those that match to `update_agents`.

    A failure changes the health of discovery only. An agent whose record can't be read is as it was
    in the last list; if it was not in there, it is skipped. A record without a readable id may be
    that of any agent: then every agent of the last list stays.
    """

    needs_poll_slot = False
    events = Events(
        "agent_discovery_succeeded", "agent_discovery_failed", "agent_discovery_recovered"
    )

    def __init__(
        self,
        access: Access,
        discover: Discover,
        polling: Polling,
        update_agents: Callable[[Iterable[AgentRecord]], None],
    ) -> None:
        self._access = access
        self._discover = discover
        self._retry_interval = min(discover.interval, polling.interval)
        self._update_agents = update_agents
        self._known: Mapping[str, AgentRecord] = {}
        self._unreadable = UnreadableLog(
            access.account, "agent_records_unreadable", "agent_records_recovered"
        )
        self.name = f"discovery {access.account}"
        self.budget = polling.timeout

    def log_fields(self) -> Mapping[str, str]:
        """Return nothing: every line of the account has its name."""
        return {}

    async def run_once(self, run: Run) -> Outcome:
        """Discover once."""
        began = self._access.clock()
        try:
            async with Deadline(self.budget, run.watch) as deadline:
                read = await read_agents(self._access.client.agents(deadline))
        except ApiError as error:
            return self.fail(error, run)
        before = self._health
        records = self._with_unreadable(read)
        agents = matching(records, self._discover)
        included = {glob: len(matching_glob(records, glob)) for glob in self._discover.include}
        self._put(
            DiscoveryHealth(
                up=True,
                last_success=began,
                discovered=len(agents),
                included=included,
                pages=read.pages,
            )
        )
        self._warn_of_useless_globs(before, included, len(records))
        self._update_agents(agents)
        return Success(self._discover.interval, {"agents": len(records), "matching": len(agents)})

    def fail(self, error: ApiError, _run: Run) -> Failure:
        """Put the failure into the health of discovery, and return it."""
        before = self._health
        self._put(replace(before, up=False) if before else DiscoveryHealth(up=False))
        return Failure(self._retry_interval, error)

    def _with_unreadable(self, read: Agents) -> tuple[AgentRecord, ...]:
        """Return the readable records, and the last known ones of the agents that can't be read."""
        self._unreadable.note(read.unreadable, {})
        ids = {record.record_id for record in read.unreadable}
        kept = {key: record for key, record in self._known.items() if key in ids or None in ids}
        self._known = kept | {record.agent_id: record for record in read.records}
        return tuple(self._known.values())

    @property
    def _health(self) -> DiscoveryHealth | None:
        return self._access.store.account(self._access.account).discovery

    def _put(self, health: DiscoveryHealth) -> None:
        store = self._access.store
        store.put_account(replace(store.account(self._access.account), discovery=health))

    def _warn_of_useless_globs(
        self, before: DiscoveryHealth | None, included: Mapping[str, int], agents: int
    ) -> None:
        """Log each include glob that begins to match no agent."""
        counts_before = before.included if before else {}
        for glob, count in included.items():
            if count == 0 and counts_before.get(glob) != 0:
                log.warning(
                    "include_glob_unmatched",
                    account=self._access.account,
                    include=glob,
                    agents=agents,
                )


async def read_agents(pages: AsyncIterable[Page[AgentRecord]]) -> Agents:
    """Return the agents of all pages.

    An agent that is listed twice counts once, with its last record.
    """
    records: dict[str, AgentRecord] = {}
    unreadable: list[UnreadableRecord] = []
    count = 0
    async for page in pages:
        count += 1
        records.update((record.agent_id, record) for record in page.results)
        unreadable += page.unreadable
    return Agents(tuple(records.values()), tuple(unreadable), count)


def matching(records: Sequence[AgentRecord], discover: Discover) -> tuple[AgentRecord, ...]:
    """Return the agents whose id or name an include glob matches and no exclude glob does.

    Globs have `*`, `?` and `[…]`, and are case-sensitive.
    """
    included = {each.agent_id for glob in discover.include for each in matching_glob(records, glob)}
    excluded = {each.agent_id for glob in discover.exclude for each in matching_glob(records, glob)}
    wanted = included - excluded
    return tuple(record for record in records if record.agent_id in wanted)


def matching_glob(records: Iterable[AgentRecord], glob: str) -> list[AgentRecord]:
    """Return the agents whose id or name a glob matches."""
    return [
        record
        for record in records
        if fnmatchcase(record.agent_id, glob) or (record.name and fnmatchcase(record.name, glob))
    ]
