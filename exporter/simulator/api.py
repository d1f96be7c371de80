"""The API: a request in, an answer out, without HTTP.

An unknown path is 404, then a wrong key 403, then another method than GET 405, then an unknown id
404. The wrong key's status and body are observed, that order is Django REST Framework's (inferred).
"""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from operator import itemgetter
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from exporter.simulator import pagination
from exporter.simulator.progress import calls_by_status
from exporter.simulator.records import (
    Record,
    account_record,
    agent_record,
    batch_record,
    call_record,
    status_of,
)
from exporter.simulator.state import Entry, Simulator

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request: `url` is absolute and without its query, `key` the header `X-API-Key`."""

    method: str
    path: str
    query: dict[str, str]
    key: str | None
    url: str


class Answer(msgspec.Struct, frozen=True):
    """A response: `content` is to be written as JSON."""

    status: HTTPStatus
    content: Record


class RefusedError(Exception):
    """The request is answered with an error: a status and a JSON body."""

    def __init__(self, status: HTTPStatus, content: Record) -> None:
        super().__init__(status)
        self.answer = Answer(status, content)


Handler = Callable[[Simulator, Request], Record]


def answer(simulator: Simulator, request: Request) -> Answer:
    """Return the answer to a request, as the account is now."""
    try:
        handler = _authorized(simulator, request)
        return Answer(HTTPStatus.OK, handler(simulator, request))
    except RefusedError as refused:
        return refused.answer
    except KeyError:
        return _refusal(HTTPStatus.NOT_FOUND, "Not found.").answer
    except pagination.BadCursorError:
        return _refusal(HTTPStatus.NOT_FOUND, "Invalid cursor").answer


def page_url(url: str, query: Mapping[str, str], cursor: pagination.Cursor) -> str:
    """Return the absolute URL of a page: a request's, with another cursor in its query."""
    other = dict(query) | {"cursor": pagination.encode(cursor)}
    return f"{url}?{urlencode(sorted(other.items()))}"


def _authorized(simulator: Simulator, request: Request) -> Handler:
    handler = _handler(request.path)
    if handler is None:
        raise _refusal(HTTPStatus.NOT_FOUND, "Not found.")
    if request.key != simulator.api_key:
        raise _refusal(HTTPStatus.FORBIDDEN, "Invalid API key")
    if request.method != "GET":
        detail = f'Method "{request.method}" not allowed.'
        raise _refusal(HTTPStatus.METHOD_NOT_ALLOWED, detail)
    return handler


def _refusal(status: HTTPStatus, detail: str) -> RefusedError:
    return RefusedError(status, {"detail": detail})


def _handler(path: str) -> Handler | None:
    handler: Handler | None = None
    match path.split("/"):
        case ["", "api", "accounts", "me"]:
            handler = _account
        case ["", "api", "agents"]:
            handler = _agents
        case ["", "api", "agents", agent_id]:
            handler = partial(_agent, agent_id)
        case ["", "api", "agents", agent_id, "scheduled_batches"]:
            handler = partial(_batches, agent_id)
        case ["", "api", "agents", agent_id, "scheduled_batches", batch_id]:
            handler = partial(_batch, agent_id, batch_id)
        case ["", "api", "agents", agent_id, "scheduled_batches", batch_id, "scheduled_calls"]:
            handler = partial(_calls, agent_id, batch_id)
    return handler


def _account(simulator: Simulator, _: Request) -> Record:
    return account_record(simulator.account, simulator.account_id)


def _agents(simulator: Simulator, request: Request) -> Record:
    """Return a page of agents whose name contains `search` in any case (inferred), unsorted."""
    entries = simulator.agent_entries()
    if wanted := request.query.get("search", "").casefold():
        entries = [
            entry
            for entry in entries
            if wanted in (simulator.agent(entry[1]).name or "").casefold()
        ]
    return _listing(simulator, request, entries, lambda ident: agent_record(simulator.agent(ident)))


def _agent(agent_id: str, simulator: Simulator, _: Request) -> Record:
    return agent_record(simulator.agent(agent_id))


def _batches(agent_id: str, simulator: Simulator, request: Request) -> Record:
    entries = simulator.batch_entries(agent_id)
    page = _listing(
        simulator, request, entries, lambda ident: batch_record(simulator.batch(agent_id, ident))
    )
    return _bare(page) if simulator.agent(agent_id).bare_pages else page


def _batch(agent_id: str, batch_id: str, simulator: Simulator, _: Request) -> Record:
    return batch_record(simulator.batch(agent_id, batch_id))


def _calls(agent_id: str, batch_id: str, simulator: Simulator, request: Request) -> Record:
    counts = calls_by_status(simulator.batch(agent_id, batch_id), simulator.clock())
    if (status := request.query.get("status")) is not None:
        if status not in counts:
            raise RefusedError(HTTPStatus.BAD_REQUEST, {"status": ["Select a valid choice."]})
        counts = {status: counts[status]}
    calls = range(sum(counts.values()))
    page = pagination.paginate(calls, int, *_cursor_and_size(simulator, request))
    return _page(
        request,
        page,
        len(calls),
        lambda index: call_record(batch_id, status_of(index, counts), index),
    )


def _listing(
    simulator: Simulator, request: Request, entries: list[Entry], record: Callable[[str], Record]
) -> Record:
    page = pagination.paginate(entries, itemgetter(0), *_cursor_and_size(simulator, request))
    return _page(request, page, len(entries), lambda entry: record(entry[1]))


def _cursor_and_size(simulator: Simulator, request: Request) -> tuple[pagination.Cursor, int]:
    cursor = pagination.decode(request.query.get("cursor", ""))
    return cursor, pagination.page_size(request.query.get("pageSize"), simulator.max_page_size)


def _page(
    request: Request, page: pagination.Page[T], total: int, record: Callable[[T], Record]
) -> Record:
    return {
        "next": _link(request, page.next),
        "previous": _link(request, page.previous),
        "results": [record(item) for item in page.items],
        "total": total,
    }


def _link(request: Request, cursor: pagination.Cursor | None) -> str | None:
    return None if cursor is None else page_url(request.url, request.query, cursor)


def _bare(page: Record) -> Record:
    return {name: value for name, value in page.items() if name != "total" and value is not None}
