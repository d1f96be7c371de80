"""Faults: which requests go wrong, and how. Tests switch them on and off while the server runs."""

from pathlib import PurePosixPath

import msgspec

from exporter.simulator import paging
from exporter.simulator.effects import (
    After,
    Before,
    CorruptGzip,
    CutBody,
    Delay,
    Effect,
    EmptyNext,
    ForeignNext,
    Hang,
    HangInBody,
    Huge,
    Missing,
    NoLinks,
    NotJson,
    NoTotal,
    OldestFirst,
    Redirect,
    RepeatNext,
    Replace,
    Reset,
    Status,
    Transport,
    WrongType,
)

__all__ = [
    "After",
    "Before",
    "CorruptGzip",
    "CutBody",
    "Delay",
    "Effect",
    "EmptyNext",
    "Fault",
    "Faults",
    "ForeignNext",
    "Handle",
    "Hang",
    "HangInBody",
    "Huge",
    "Missing",
    "NoLinks",
    "NoTotal",
    "NotJson",
    "OldestFirst",
    "Redirect",
    "RepeatNext",
    "Replace",
    "Reset",
    "Status",
    "Transport",
    "WrongType",
]

_LISTINGS = ("agents", "scheduled_batches", "scheduled_calls")
_AGENT = 3  # where the agent's id stands in a path that is split at its slashes


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An effect, and the requests that it hits: those that fit everything given.

    `path` is a glob of whole segments (`/api/agents/*/scheduled_batches`), `*` alone fits every
    path. `page` counts the pages of a listing from 1. `times` is how many requests are hit, None
    for no limit.
    """

    effect: Effect
    path: str = "*"
    agent_id: str | None = None
    page: int | None = None
    times: int | None = None


class Handle:
    """A fault that was added: `hits` counts the requests that it hit; `remove` takes it away."""

    def __init__(self, faults: "Faults", fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._faults = faults

    def remove(self) -> None:
        """Take the fault away; nothing happens if it is gone already."""
        self._faults.remove(self)


class Faults:
    """The faults in force, in the order in which they were added."""

    def __init__(self) -> None:
        self._handles: list[Handle] = []

    def add(self, fault: Fault) -> Handle:
        """Put a fault in force from the next request on."""
        handle = Handle(self, fault)
        self._handles.append(handle)
        return handle

    def remove(self, handle: Handle) -> None:
        """Take one away; nothing happens if it is gone already."""
        self._handles = [other for other in self._handles if other is not handle]

    def clear(self) -> None:
        """Take all away."""
        self._handles.clear()

    def strike(self, path: str, cursor: str | None) -> list[Effect]:
        """Return the effects on a request, each counted as a hit; `cursor` is the query's."""
        struck = [handle for handle in self._handles if _fits(handle, path, cursor)]
        for handle in struck:
            handle.hits += 1
        return [handle.fault.effect for handle in struck]


def page_number(path: str, cursor: str | None) -> int | None:
    """Return the number of the page that a request asks for; None where it asks for no page."""
    if path.rpartition("/")[2] not in _LISTINGS:
        return None
    try:
        return paging.decode(cursor or "").number
    except paging.BadCursorError:
        return None


def _fits(handle: Handle, path: str, cursor: str | None) -> bool:
    fault = handle.fault
    return (
        (fault.times is None or handle.hits < fault.times)
        and PurePosixPath(path).match(fault.path)
        and (fault.agent_id is None or path.split("/")[_AGENT : _AGENT + 1] == [fault.agent_id])
        and (fault.page is None or fault.page == page_number(path, cursor))
    )
