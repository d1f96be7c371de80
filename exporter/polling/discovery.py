"""The loop that decides which agents are watched."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from fnmatch import fnmatchcase

import structlog
from msgspec.structs import replace

from exporter.api.wire import AgentRow, Page
from exporter.config import Discover
from exporter.errors import ApiError
from exporter.polling.context import Context
from exporter.polling.schedule import backed_off, deadline

log = structlog.get_logger()


class Discovery:
    """Lists the agents in full and hands the chosen ones to `follow`; a failure changes nothing."""

    def __init__(
        self, context: Context, discover: Discover, follow: Callable[[Iterable[AgentRow]], None]
    ) -> None:
        self._context = context
        self._discover = discover
        self._follow = follow
        self._failures_in_a_row = 0

    async def step(self) -> float:
        """Discover once, and return the seconds to the next time."""
        context, discover = self._context, self._discover
        bound = log.bind(account=context.account.name)
        try:
            async with deadline(context.config.polling.timeout):
                rows = await read_agents(context.client.agents())
        except ApiError as error:
            self._failures_in_a_row += 1
            bound.warning("discovery_failed", reason=error.reason, error=str(error))
            self._put(discovery_tried=True)
            return backed_off(
                min(discover.interval, context.config.polling.interval), self._failures_in_a_row
            )
        self._failures_in_a_row = 0
        agents = chosen(rows, discover)
        bound.debug("discovered", agents=len(rows), chosen=len(agents))
        self._put(discovery_tried=True, discovered=len(agents))
        self._follow(agents)
        return discover.interval

    def _put(self, **changes: object) -> None:
        store = self._context.store
        store.put_account(replace(store.account(self._context.account.name), **changes))


async def read_agents(pages: AsyncIterable[Page[AgentRow]]) -> tuple[AgentRow, ...]:
    """Read every page; an agent that is shown twice counts once, as shown last."""
    rows: dict[str, AgentRow] = {}
    async for page in pages:
        rows.update((row.agent_id, row) for row in page.results)
    return tuple(rows.values())


def chosen(rows: Iterable[AgentRow], discover: Discover) -> tuple[AgentRow, ...]:
    """Return the agents whose id or name an include glob matches and no exclude glob does.

    Globs know `*`, `?` and `[…]`, and tell upper from lower case.
    """
    return tuple(
        row
        for row in rows
        if _matches(row, discover.include) and not _matches(row, discover.exclude)
    )


def _matches(row: AgentRow, globs: Sequence[str]) -> bool:
    texts = [text for text in (row.agent_id, row.name) if text]
    return any(fnmatchcase(text, glob) for text in texts for glob in globs)
