"""Items by id, listed newest first: cheap to fill in any order, to page, and to change in place."""

from operator import itemgetter
from typing import Generic, TypeVar

from exporter.simulator.rows import micros

T = TypeVar("T")

Place = tuple[int, str]
"""An item's key, which is minus its `created` in microseconds, and its id."""


class Shelf(Generic[T]):
    """Items by id. The order is worked out when it is asked for, and kept until it changes.

    Items equal in `created` stand in the order in which they came.
    """

    def __init__(self) -> None:
        self._items: dict[str, tuple[int, T]] = {}
        self._order: list[Place] | None = None

    def put(self, ident: str, created: float, item: T) -> None:
        """Add or replace an item; `created` is unix seconds."""
        key = -micros(created)
        before = self._items.get(ident)
        if before is None or before[0] != key:
            self._items.pop(ident, None)
            self._order = None
        self._items[ident] = (key, item)

    def get(self, ident: str) -> T:
        """Return the item, or raise `KeyError`."""
        return self._items[ident][1]

    def drop(self, ident: str) -> None:
        """Remove the item, or raise `KeyError`."""
        del self._items[ident]
        self._order = None

    def places(self) -> list[Place]:
        """Every place, newest first: keys never fall. Not to be changed by the caller."""
        if self._order is None:
            places = [(key, ident) for ident, (key, _) in self._items.items()]
            self._order = sorted(places, key=itemgetter(0))
        return self._order
