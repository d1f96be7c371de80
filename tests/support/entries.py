"""Tasks that enter a limited place, and stay there until the test lets them leave."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager


class Entries:
    """The names of the tasks that are or were inside, in the order of entry."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.leave = asyncio.Event()

    async def run(self, name: str, entry: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Enter, and stay until `leave` is set."""
        async with entry():
            self.inside.append(name)
            await self.leave.wait()

    def start(
        self, *names: str, entry: Callable[[], AbstractAsyncContextManager[None]]
    ) -> list[asyncio.Task[None]]:
        """Start a task for each name."""
        return [asyncio.create_task(self.run(name, entry)) for name in names]


async def settle() -> None:
    """Let every task run as far as it can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)
