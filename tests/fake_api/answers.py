"""Answers other than the API's: pure functions of the API's answer and one effect."""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from http.client import responses
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from exporter.simulator import pagination
from exporter.simulator.api import page_url
from exporter.simulator.records import Record
from tests.fake_api.faults import (
    Effect,
    EmptyNext,
    ForeignNext,
    Headers,
    Missing,
    NoLinks,
    NotJson,
    NoTotal,
    Redirect,
    RepeatNext,
    Replace,
    Respelled,
    Status,
    WithoutNext,
    WrongType,
)

_JSON = "application/json"
_LAST_SECOND = re.compile(r"(?<=T\d\d:\d\d:)59")
_LOGIN_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Log in.</body></html>\n"
)


def altered(answer: web.Response, effect: Effect, request: web.Request) -> web.Response:
    """Return the answer after one effect: another answer, or the API's JSON changed.

    Answers that are not 200 with a JSON object have no records or links: they stay as they are.
    """
    other = _other(effect)
    if other is not None:
        return other
    if isinstance(effect, Headers):
        answer.headers.update(effect.headers)
        return answer
    page = _json_object(answer)
    if page is None:
        return answer
    return _response(_with_links(_with_records(page, effect), effect, request))


def content(answer: web.Response) -> bytes:
    """Return the body of a whole answer."""
    assert isinstance(answer.body, bytes)
    return answer.body


def _other(effect: Effect) -> web.Response | None:
    match effect:
        case Status():
            return _status(effect)
        case Redirect(location=location, status=status):
            return web.Response(
                status=status, body=b"", content_type=_JSON, headers={"Location": location}
            )
        case Replace(body=body, content_type=content_type, status=status):
            return _response(body, status, content_type)
        case NotJson():
            return _response(_LOGIN_PAGE, content_type="text/html")
    return None


def _status(effect: Status) -> web.Response:
    detail = {"detail": responses.get(effect.status, "Unknown")}
    body = effect.body.encode() if isinstance(effect.body, str) else effect.body
    answer = _response(detail if body is None else body, effect.status, effect.content_type)
    if effect.retry_after is not None:
        answer.headers["Retry-After"] = str(effect.retry_after)
    return answer


def _response(body: object, status: int = 200, content_type: str = _JSON) -> web.Response:
    """Return a response with bytes as they are, or any other value as JSON."""
    # json writes half of a surrogate pair as its escape; msgspec does not.
    written = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return web.Response(status=status, body=written, content_type=content_type)


def _json_object(answer: web.Response) -> Record | None:
    if answer.status != HTTPStatus.OK:
        return None
    try:
        decoded = msgspec.json.decode(content(answer))
    except msgspec.DecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _with_records(page: Record, effect: Effect) -> Record:
    match effect:
        case WrongType(field=field, value=value, index=index):
            return _each(page, lambda record: record | {field: value}, index)
        case Missing(field=field, index=index):
            return _each(page, lambda record: _without(record, field), index)
        case Respelled():
            return _each(page, _respelled, None)
    return page


def _respelled(record: Record) -> Record:
    return {name: _respelled_value(value) for name, value in record.items()}


def _respelled_value(value: object) -> object:
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case str():
            return _LAST_SECOND.sub("60", value)
    return value


def _with_links(page: Record, effect: Effect, request: web.Request) -> Record:
    match effect:
        case ForeignNext(base_url=base_url) if page.get("next"):
            parts = urlsplit(page["next"])
            return page | {"next": f"{base_url}{parts.path}?{parts.query}"}
        case RepeatNext() if "results" in page:
            return page | {"next": _own_url(request)}
        case EmptyNext() if "results" in page:
            return page | {"next": page.get("next") or ""}
        case NoLinks() if not page.get("next"):
            return _without(page, "next", "previous")
        case NoTotal() | WithoutNext():
            return _without(page, "total" if isinstance(effect, NoTotal) else "next")
    return page


def _own_url(request: web.Request) -> str:
    cursor = pagination.decode(request.query.get("cursor", ""))
    return page_url(str(request.url.with_query(None)), request.query, cursor)


def _each(page: Record, change: Callable[[Record], Record], only: int | None) -> Record:
    if "results" in page:
        results = [
            change(record) if only in {None, index} else record
            for index, record in enumerate(page["results"])
        ]
        return page | {"results": results}
    return change(page)


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}
