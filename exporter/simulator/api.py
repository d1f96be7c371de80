"""The API: a request in, an answer out. Nothing here knows of sockets.

An unknown path is 404, then a wrong key 403, then another method than GET 405, then an unknown id
404. The wrong key's status and body are observed, that order is Django REST Framework's (inferred).
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from operator import itemgetter
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from exporter.simulator import paging
from exporter.simulator.dialling import outcomes
from exporter.simulator.rows import (
    Row,
    account_row,
    agent_row,
    batch_row,
    call_row,
    status_of,
)
from exporter.simulator.shelf import Place
from exporter.simulator.state import Simulator

T = TypeVar("T")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request: `url` is absolute and without its query, `key` the header `X-API-Key`."""

    method: str
    path: str
    query: dict[str, str]
    key: str | None
    url: str
    oldest_first: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A response: `body` as bytes, or else `payload` to be written as JSON."""

    status: int = 200
    payload: object = None
    body: bytes | None = None
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def content(self) -> bytes:
        """Return the body's bytes, before any compression."""
        return msgspec.json.encode(self.payload) if self.body is None else self.body


class RefusedError(Exception):
    """The request is answered with an error: a status and a JSON body."""

    def __init__(self, status: HTTPStatus, payload: Row) -> None:
        super().__init__(status)
        self.answer = Answer(status=status, payload=payload)


View = Callable[[Simulator, Call], Row]


def answer(simulator: Simulator, call: Call) -> Answer:
    """Answer a request, as the account is now."""
    try:
        return Answer(payload=_admitted(simulator, call)(simulator, call))
    except RefusedError as refused:
        return refused.answer
    except KeyError:
        return _refusal(HTTPStatus.NOT_FOUND, "Not found.").answer
    except paging.BadCursorError:
        return _refusal(HTTPStatus.NOT_FOUND, "Invalid cursor").answer


def link(call: Call, cursor: paging.Cursor) -> str:
    """Return the absolute URL of a page: the request's, with another cursor in its query."""
    query = call.query | {"cursor": paging.encode(cursor)}
    return f"{call.url}?{urlencode(sorted(query.items()))}"


def cursor_of(call: Call) -> paging.Cursor:
    """Return the cursor of a request, or raise `BadCursorError`."""
    return paging.decode(call.query.get("cursor", ""))


def _admitted(simulator: Simulator, call: Call) -> View:
    view = _view(call.path)
    if view is None:
        raise _refusal(HTTPStatus.NOT_FOUND, "Not found.")
    if call.key != simulator.api_key:
        raise _refusal(HTTPStatus.FORBIDDEN, "Invalid API key")
    if call.method != "GET":
        detail = f'Method "{call.method}" not allowed.'
        raise _refusal(HTTPStatus.METHOD_NOT_ALLOWED, detail)
    return view


def _refusal(status: HTTPStatus, detail: str) -> RefusedError:
    return RefusedError(status, {"detail": detail})


def _view(path: str) -> View | None:
    view: View | None = None
    match path.split("/"):
        case ["", "api", "accounts", "me"]:
            view = _account
        case ["", "api", "agents"]:
            view = _agents
        case ["", "api", "agents", agent_id]:
            view = partial(_agent, agent_id)
        case ["", "api", "agents", agent_id, "scheduled_batches"]:
            view = partial(_batches, agent_id)
        case ["", "api", "agents", agent_id, "scheduled_batches", batch_id]:
            view = partial(_batch, agent_id, batch_id)
        case ["", "api", "agents", agent_id, "scheduled_batches", batch_id, "scheduled_calls"]:
            view = partial(_calls, agent_id, batch_id)
    return view


def _account(simulator: Simulator, _: Call) -> Row:
    return account_row(simulator.account, simulator.account_id)


def _agents(simulator: Simulator, call: Call) -> Row:
    """`search` keeps agents whose name holds it, in any case (inferred); `sort` is ignored."""
    places = simulator.agent_places()
    if wanted := call.query.get("search", "").casefold():
        places = [
            place for place in places if wanted in (simulator.agent(place[1]).name or "").casefold()
        ]
    return _listing(simulator, call, places, lambda ident: agent_row(simulator.agent(ident)))


def _agent(agent_id: str, simulator: Simulator, _: Call) -> Row:
    return agent_row(simulator.agent(agent_id))


def _batches(agent_id: str, simulator: Simulator, call: Call) -> Row:
    places = simulator.batch_places(agent_id)
    page = _listing(
        simulator, call, places, lambda ident: batch_row(simulator.batch(agent_id, ident))
    )
    return _bare(page) if simulator.agent(agent_id).bare_pages else page


def _batch(agent_id: str, batch_id: str, simulator: Simulator, _: Call) -> Row:
    return batch_row(simulator.batch(agent_id, batch_id))


def _calls(agent_id: str, batch_id: str, simulator: Simulator, call: Call) -> Row:
    counts = outcomes(simulator.batch(agent_id, batch_id), simulator.clock())
    if (status := call.query.get("status")) is not None:
        if status not in counts:
            raise RefusedError(HTTPStatus.BAD_REQUEST, {"status": ["Select a valid choice."]})
        counts = {status: counts[status]}
    calls = range(sum(counts.values()))
    size = paging.page_size(call.query.get("pageSize"), simulator.max_page_size)
    page = paging.paginate(calls, int, cursor_of(call), size)
    return _page(call, page, len(calls), lambda at: call_row(batch_id, status_of(at, counts), at))


def _listing(
    simulator: Simulator, call: Call, places: list[Place], row: Callable[[str], Row]
) -> Row:
    if call.oldest_first:
        places = [(-key, ident) for key, ident in reversed(places)]
    size = paging.page_size(call.query.get("pageSize"), simulator.max_page_size)
    page = paging.paginate(places, itemgetter(0), cursor_of(call), size)
    return _page(call, page, len(places), lambda place: row(place[1]))


def _page(call: Call, page: paging.Page[T], total: int, row: Callable[[T], Row]) -> Row:
    return {
        "next": None if page.next is None else link(call, page.next),
        "previous": None if page.previous is None else link(call, page.previous),
        "results": [row(item) for item in page.items],
        "total": total,
    }


def _bare(page: Row) -> Row:
    return {name: value for name, value in page.items() if name != "total" and value is not None}
