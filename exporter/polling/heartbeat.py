"""The proof that each job still runs."""

import asyncio

GRACE = 30.0
"""Seconds that a loop may be late before it counts as hung: a loaded machine is not a dead one."""


class Liveness:
    """Knows by when each loop must show up again. Times are the event loop's.

    A loop that dies ends the process by itself; this is for one that hangs.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def expect(self, loop: str, within: float) -> None:
        """Note that the loop lives, and will show up again within so many seconds and the grace."""
        self._due[loop] = asyncio.get_running_loop().time() + within + GRACE

    def forget(self, loop: str) -> None:
        """Expect nothing more of the loop."""
        self._due.pop(loop, None)

    def overdue(self) -> list[str]:
        """Return the names of the loops that hang."""
        now = asyncio.get_running_loop().time()
        return [str(loop) for loop, due in self._due.items() if due < now]
