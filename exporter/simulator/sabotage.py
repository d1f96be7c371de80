"""Faults on answers: pure functions from the real answer to the faulty one."""

from collections.abc import Callable
from http import HTTPStatus
from http.client import responses
from urllib.parse import urlsplit

import msgspec

from exporter.simulator import api
from exporter.simulator.effects import (
    Effect,
    EmptyNext,
    ForeignNext,
    Missing,
    NoLinks,
    NotJson,
    NoTotal,
    Redirect,
    RepeatNext,
    Replace,
    Status,
    WrongType,
)
from exporter.simulator.rows import Row

_PORTAL = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Log in.</body></html>\n"


def alter(answer: api.Answer, effect: Effect, call: api.Call) -> api.Answer:
    """Return the answer after one effect: another one, or the real JSON changed.

    Answers that are not 200 with JSON have no rows or links to change, and stay as they are.
    """
    other = _instead(effect)
    if other is not None:
        return other
    page = answer.payload
    if answer.status != HTTPStatus.OK or not isinstance(page, dict):
        return answer
    return msgspec.structs.replace(answer, payload=_linked(_rows(page, effect), effect, call))


def _instead(effect: Effect) -> api.Answer | None:
    match effect:
        case Status():
            return _status(effect)
        case Redirect(location=location, status=status):
            return api.Answer(status=status, body=b"", headers=(("Location", location),))
        case Replace(body=bytes(body), content_type=content_type, status=status):
            return api.Answer(status=status, body=body, content_type=content_type)
        case Replace(body=payload, content_type=content_type, status=status):
            return api.Answer(status=status, payload=payload, content_type=content_type)
        case NotJson():
            return api.Answer(body=_PORTAL, content_type="text/html")
    return None


def _status(effect: Status) -> api.Answer:
    after = () if effect.retry_after is None else (("Retry-After", str(effect.retry_after)),)
    body = effect.body.encode() if isinstance(effect.body, str) else effect.body
    return api.Answer(
        status=effect.status,
        payload={"detail": responses.get(effect.status, "Unknown")},
        body=body,
        content_type=effect.content_type,
        headers=after,
    )


def _rows(page: Row, effect: Effect) -> Row:
    match effect:
        case WrongType(field=field, value=value):
            return _each(page, lambda row: row | {field: value})
        case Missing(field=field):
            return _each(page, lambda row: _without(row, field))
    return page


def _linked(page: Row, effect: Effect, call: api.Call) -> Row:
    match effect:
        case ForeignNext(base_url=base_url) if page.get("next"):
            parts = urlsplit(page["next"])
            return page | {"next": f"{base_url}{parts.path}?{parts.query}"}
        case RepeatNext() if "results" in page:
            return page | {"next": api.link(call, api.cursor_of(call))}
        case EmptyNext() if "results" in page:
            return page | {"next": page.get("next") or ""}
        case NoLinks() if not page.get("next"):
            return _without(page, "next", "previous")
        case NoTotal():
            return _without(page, "total")
    return page


def _each(page: Row, change: Callable[[Row], Row]) -> Row:
    if "results" in page:
        return page | {"results": [change(row) for row in page["results"]]}
    return change(page)


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
