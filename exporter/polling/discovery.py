"""The loop that decides which agents are watched."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from fnmatch import fnmatchcase

import structlog
from msgspec.structs import replace

from exporter.api.deadline import deadline
from exporter.api.schemas import AgentRecord, Page
from exporter.config import Discover
from exporter.errors import ApiError
from exporter.model import DiscoveryHealth
from exporter.polling.context import Context
from exporter.polling.schedule import backed_off

log = structlog.get_logger()


class Discovery:
    """Lists the agents in full and hands the chosen ones to `follow`.

    A failure changes nothing but discovery's own health.
    """

    def __init__(
        self, context: Context, discover: Discover, follow: Callable[[Iterable[AgentRecord]], None]
    ) -> None:
        self._context = context
        self._discover = discover
        self._follow = follow
        self._failures_in_a_row = 0
        self.name = f"discovery {context.account.name}"
        self.budget = context.config.polling.timeout
        self.turn = context.client.side_turn

    async def step(self) -> float:
        """Discover once, and return the seconds to the next time."""
        context = self._context
        began, before = context.clock(), self._health
        try:
            async with deadline(context.config.polling.timeout):
                rows, pages = await read_agents(context.client.agents())
        except ApiError as error:
            return self._failed(before, error)
        agents = chosen(rows, self._discover)
        included = {glob: len(matching(rows, glob)) for glob in self._discover.include}
        after = DiscoveryHealth(
            up=True, last_success=began, discovered=len(agents), included=included, pages=pages
        )
        self._succeeded(before, after, len(rows))
        self._follow(agents)
        return self._discover.interval

    @property
    def _health(self) -> DiscoveryHealth | None:
        return self._context.store.account(self._context.account.name).discovery

    def _put(self, health: DiscoveryHealth) -> None:
        store = self._context.store
        store.put_account(replace(store.account(self._context.account.name), discovery=health))

    def _failed(self, before: DiscoveryHealth | None, error: ApiError) -> float:
        self._failures_in_a_row += 1
        bound = log.bind(account=self._context.account.name)
        say = bound.warning if before is None or before.up else bound.debug
        say("discovery_down", reason=error.reason, error=str(error))
        self._put(replace(before, up=False) if before else DiscoveryHealth(up=False))
        soon = min(self._discover.interval, self._context.config.polling.interval)
        return backed_off(soon, self._failures_in_a_row)

    def _succeeded(
        self, before: DiscoveryHealth | None, after: DiscoveryHealth, agents: int
    ) -> None:
        self._failures_in_a_row = 0
        self._put(after)
        bound = log.bind(account=self._context.account.name)
        say = bound.debug if before and before.up else bound.info
        say("discovery_up", agents=agents, chosen=after.discovered)
        matched_before = before.included if before else {}
        for glob, count in after.included.items():
            if count == 0 and matched_before.get(glob) != 0:
                bound.warning("include_matches_no_agent", include=glob, agents=agents)


async def read_agents(
    pages: AsyncIterable[Page[AgentRecord]],
) -> tuple[tuple[AgentRecord, ...], int]:
    """Read every page and count them; an agent shown twice counts once, as shown last."""
    rows: dict[str, AgentRecord] = {}
    count = 0
    async for page in pages:
        count += 1
        rows.update((row.agent_id, row) for row in page.results)
    return tuple(rows.values()), count


def chosen(rows: Sequence[AgentRecord], discover: Discover) -> tuple[AgentRecord, ...]:
    """Return the agents whose id or name an include glob matches and no exclude glob does.

    Globs know `*`, `?` and `[…]`, and tell upper from lower case.
    """
    included = {row.agent_id for glob in discover.include for row in matching(rows, glob)}
    excluded = {row.agent_id for glob in discover.exclude for row in matching(rows, glob)}
    wanted = included - excluded
    return tuple(row for row in rows if row.agent_id in wanted)


def matching(rows: Iterable[AgentRecord], glob: str) -> list[AgentRecord]:
    """Return the agents whose id or name a glob matches."""
    return [
        row
        for row in rows
        if fnmatchcase(row.agent_id, glob) or (row.name and fnmatchcase(row.name, glob))
    ]
