"""Which scrapes are answered at the same time: neither slow readers nor one address take all."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Scrape:
    """A scrape that is being answered. `end` ends it at once.

    `waits_since` is the time at which it began to wait for its reader, None while it does not.
    """

    def __init__(self, address: str, end: Callable[[], None]) -> None:
        self.address = address
        self.displaced = False
        self.waits_since: float | None = None
        self._end = end

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Be counted as waiting for the reader."""
        self.waits_since = asyncio.get_running_loop().time()
        yield
        self.waits_since = None

    def displace(self) -> None:
        """End the scrape for another one."""
        self.displaced = True
        self._end()


def end_now(limit: asyncio.Timeout) -> None:
    """Let a time limit end now."""
    # It raises RuntimeError if the time is over already, and its task does not know yet.
    with suppress(RuntimeError):
        limit.reschedule(asyncio.get_running_loop().time())


class ScrapeSlots:
    """The scrapes that are being answered: at most `concurrent`, and `per_address` of one address.

    If all slots are taken, a new scrape ends the slowest one of the address with the most slots:
    that which has waited longest for its reader. A scrape that does not wait for its reader is
    ended only for an address that has fewer slots, the oldest first.
    """

    def __init__(self, concurrent: int, per_address: int) -> None:
        self._concurrent = concurrent
        self._per_address = per_address
        self._scrapes: dict[Scrape, None] = {}

    def take(self, scrape: Scrape) -> bool:
        """Give the scrape a slot, and return whether it has got one."""
        held = Counter(each.address for each in self._scrapes)
        if held[scrape.address] >= self._per_address:
            holder = scrape.address
        elif len(self._scrapes) < self._concurrent:
            holder = None
        else:
            # Of addresses with equally many slots, the scrape's own.
            holder = max(held, key=lambda each: (held[each], each == scrape.address))
        if holder is not None:
            slowest = self._slowest(holder, any_scrape=held[holder] > held[scrape.address])
            if slowest is None:
                return False
            self.give_back(slowest)
            slowest.displace()
        self._scrapes[scrape] = None
        return True

    def give_back(self, scrape: Scrape) -> None:
        """Free the slot of the scrape, if it still has one."""
        self._scrapes.pop(scrape, None)

    def _slowest(self, address: str, *, any_scrape: bool) -> Scrape | None:
        scrapes = [each for each in self._scrapes if each.address == address]
        waiting = [(each.waits_since, each) for each in scrapes if each.waits_since is not None]
        if waiting:
            return min(waiting, key=lambda pair: pair[0])[1]
        return scrapes[0] if any_scrape else None
