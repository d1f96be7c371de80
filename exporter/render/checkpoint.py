"""Long work on the event loop, cut into turns."""

import asyncio
import time

TURN = 0.003
"""Seconds of work after which others get their turn."""


class Checkpoint:
    """One piece of work. `reached` is called between its steps, and lets other tasks run."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def reached(self) -> None:
        """Let others run if this turn has been long enough."""
        if time.perf_counter() - self._since >= TURN:
            await asyncio.sleep(0)
            self._since = time.perf_counter()
