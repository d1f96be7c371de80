"""The job that discovers agents."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import structlog
from msgspec.structs import replace

from exporter.api.deadline import Deadline
from exporter.api.schemas import AgentRecord, Page
from exporter.config import Discover, Polling
from exporter.errors import ApiError
from exporter.model import DiscoveryHealth
from exporter.polling.job import Access, Events, Failure, Outcome, Run, Success

log = structlog.get_logger()


class Discovery:
    """Lists the agents of the account in full, and gives those that match to `update_agents`.

    A failure changes the health of discovery only.
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
        self.name = f"discovery {access.account}"
        self.budget = polling.timeout

    def log_fields(self) -> Mapping[str, str]:
        """Return nothing: every line of the account has its name."""
        return {}

    async def run_once(self, run: Run) -> Outcome:
        """Discover once."""
        began, before = self._access.clock(), self._health
        try:
            async with Deadline(self.budget, run.watch) as deadline:
                records, pages = await read_agents(self._access.client.agents(deadline))
        except ApiError as error:
            self._put(replace(before, up=False) if before else DiscoveryHealth(up=False))
            return Failure(self._retry_interval, error)
        agents = matching(records, self._discover)
        included = {glob: len(matching_glob(records, glob)) for glob in self._discover.include}
        self._put(
            DiscoveryHealth(
                up=True, last_success=began, discovered=len(agents), included=included, pages=pages
            )
        )
        self._warn_of_useless_globs(before, included, len(records))
        self._update_agents(agents)
        return Success(self._discover.interval, {"agents": len(records), "matching": len(agents)})

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


async def read_agents(
    pages: AsyncIterable[Page[AgentRecord]],
) -> tuple[tuple[AgentRecord, ...], int]:
    """Return the agents of all pages, and the number of pages.

    An agent that is listed twice counts once, with its last record.
    """
    records: dict[str, AgentRecord] = {}
    count = 0
    async for page in pages:
        count += 1
        records.update((record.agent_id, record) for record in page.results)
    return tuple(records.values()), count


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
