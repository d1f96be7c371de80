"""Points at which long work on the event loop lets other tasks run."""

import asyncio
import time

WORK_LIMIT = 0.003
"""Seconds of work after which other tasks run."""


class Checkpoint:
    """Divides one piece of work: its steps call `reached` between each other.

    `work_limit` is in seconds; with 0, other tasks run at every checkpoint.
    """

    def __init__(self, work_limit: float = WORK_LIMIT) -> None:
        self._work_limit = work_limit
        self._since = time.perf_counter()

    async def reached(self) -> None:
        """Let other tasks run if the work has lasted `work_limit` seconds since they last did."""
        if time.perf_counter() - self._since >= self._work_limit:
            await asyncio.sleep(0)
            self._since = time.perf_counter()
