"""Effects on an answer that arrives whole. Changes to a page keep the rest of it."""

from typing import Any

import pytest

from tests.fake_api import Fault, Simulator
from tests.fake_api.faults import (
    Effect,
    EmptyNext,
    ForeignNext,
    Headers,
    Missing,
    NoLinks,
    NotJson,
    NoTotal,
    OldestFirst,
    Redirect,
    RepeatNext,
    Replace,
    Respelled,
    Status,
    WrongType,
)
from tests.simulator.support import EPOCH, Client, batches_of, ids


@pytest.fixture
def agent(simulator: Simulator) -> str:
    """Add an agent with five batches, b0 the newest, and return its id."""
    agent = simulator.add_agent()
    for age in range(5):
        simulator.create(agent, created=EPOCH - age, batch_id=f"b{age}")
    return agent


@pytest.fixture
def path(agent: str) -> str:
    """Return the path of the batches in pages of two."""
    return f"{batches_of(agent)}?pageSize=2"


async def served(client: Client, simulator: Simulator, effect: Effect, path: str) -> Any:  # noqa: ANN401 - JSON may be anything
    simulator.faults.add(Fault(effect=effect))
    return await client.json(path)


@pytest.mark.parametrize("after", [7, "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_any_status_with_retry_after(
    client: Client, simulator: Simulator, after: int | str
) -> None:
    simulator.faults.add(Fault(effect=Status(429, retry_after=after)))
    reply = await client.get("/api/agents")
    assert (reply.status, reply.headers["Retry-After"]) == (429, str(after))
    assert reply.json() == {"detail": "Too Many Requests"}
    assert simulator.requests[0].status == 429


async def test_a_status_without_a_standard_reason(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Status(520)))
    reply = await client.get("/api/agents")
    assert (reply.status, reply.json()) == (520, {"detail": "Unknown"})


@pytest.mark.parametrize("body", ["<h1>Bad gateway</h1>", b"<h1>Bad gateway</h1>"])
async def test_any_status_with_another_body(
    client: Client, simulator: Simulator, body: str | bytes
) -> None:
    simulator.faults.add(Fault(effect=Status(502, body=body, content_type="text/html")))
    reply = await client.get("/api/agents")
    assert (reply.status, reply.body) == (502, b"<h1>Bad gateway</h1>")
    assert reply.headers["Content-Type"] == "text/html"
    assert "Retry-After" not in reply.headers


async def test_a_redirect_names_its_location(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=Redirect("http://127.0.0.1:9/elsewhere")))
    reply = await client.get("/api/agents")
    assert (reply.status, reply.body) == (302, b"")
    assert reply.headers["Location"] == "http://127.0.0.1:9/elsewhere"


@pytest.mark.parametrize(
    ("body", "sent"),
    [(b"[1,", b"[1,"), (b"", b""), ({"results": 7}, b'{"results":7}'), (None, b"null")],
)
async def test_any_other_body(
    client: Client, simulator: Simulator, body: object, sent: bytes
) -> None:
    simulator.faults.add(Fault(effect=Replace(body)))
    assert (await client.get("/api/agents")).body == sent


async def test_a_page_of_html(client: Client, simulator: Simulator) -> None:
    simulator.faults.add(Fault(effect=NotJson()))
    reply = await client.get("/api/agents")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")


async def test_a_wrong_type_is_in_each_record(
    client: Client, simulator: Simulator, path: str
) -> None:
    real = await client.json(path)
    page = await served(client, simulator, WrongType("totalCount", "many"), path)
    assert page["results"] == [record | {"totalCount": "many"} for record in real["results"]]
    assert page | {"results": []} == real | {"results": []}
    batch = await client.json(path.replace("?pageSize=2", "/b0"))
    assert batch["totalCount"] == "many"


async def test_a_missing_field_is_missing_in_each_record(
    client: Client, simulator: Simulator, path: str
) -> None:
    page = await served(client, simulator, Missing("created"), path)
    assert [set(record) & {"created", "batchId"} for record in page["results"]] == [{"batchId"}] * 2


async def test_next_may_name_another_server(
    client: Client, simulator: Simulator, path: str
) -> None:
    """With the same cursor, and only where there is a next page."""
    first, second, last = await client.pages(path)
    simulator.faults.add(Fault(effect=ForeignNext("http://127.0.0.9:99")))
    page = await client.json(path)
    assert page["next"] == first["next"].replace(client.url, "http://127.0.0.9:99")
    assert (await client.json(second["next"])) == last


async def test_next_may_repeat_the_page(client: Client, simulator: Simulator, path: str) -> None:
    """A fault on page 2 repeats page 2."""
    simulator.faults.add(Fault(effect=RepeatNext(), page=2))
    pages = await client.pages(path, limit=5)
    assert ids(*pages) == ["b0", "b1", *["b2", "b3"] * 4]
    assert len({page["next"] for page in pages}) == 1


async def test_a_single_page_may_repeat(client: Client, simulator: Simulator) -> None:
    page = await served(client, simulator, RepeatNext(), "/api/agents")
    again = await client.json(page["next"])
    assert again == page


async def test_next_may_be_empty_on_the_last_page_only(
    client: Client, simulator: Simulator, path: str
) -> None:
    simulator.faults.add(Fault(effect=EmptyNext()))
    pages = await client.pages(path)
    assert ids(*pages) == ["b0", "b1", "b2", "b3", "b4"]
    assert pages[-1]["next"] == ""


async def test_links_may_be_missing_on_the_last_page_only(
    client: Client, simulator: Simulator, path: str
) -> None:
    simulator.faults.add(Fault(effect=NoLinks()))
    pages = await client.pages(path)
    assert ["previous" in page for page in pages] == [True, True, False]
    assert set(pages[-1]) == {"results", "total"}


async def test_the_total_may_be_missing(client: Client, simulator: Simulator, path: str) -> None:
    page = await served(client, simulator, NoTotal(), path)
    assert set(page) == {"next", "previous", "results"}


async def test_headers_take_the_place_of_others(client: Client, simulator: Simulator) -> None:
    date = ("Date", "Mon, 99999999999999999999 Jan 2024 00:00:00 GMT")
    simulator.faults.add(Fault(effect=Headers((date, ("X-Long", "x" * 5000)))))
    reply = await client.get("/api/agents")
    assert reply.status == 200
    assert (reply.headers["Date"], reply.headers["X-Long"]) == (date[1], "x" * 5000)


async def test_values_may_be_written_in_another_way(
    client: Client, simulator: Simulator, agent: str
) -> None:
    last_second = EPOCH - EPOCH % 60 + 59
    simulator.create(agent, created=EPOCH + 1, total_count=100, window_end=last_second)
    before = (await client.json(batches_of(agent)))["results"][0]
    page = await served(client, simulator, Respelled(), batches_of(agent))
    record = page["results"][0]
    assert isinstance(record["totalCount"], float)
    assert (record["totalCount"], record["paused"], record["endedAt"]) == (100, False, None)
    assert before["windowEnd"].endswith(":59Z")
    assert record["windowEnd"] == before["windowEnd"].replace(":59Z", ":60Z")


async def test_the_order_may_be_the_opposite(
    client: Client, simulator: Simulator, path: str
) -> None:
    simulator.faults.add(Fault(effect=OldestFirst()))
    assert ids(*await client.pages(path)) == ["b4", "b3", "b2", "b1", "b0"]


@pytest.mark.parametrize("effect", [Missing("detail"), RepeatNext(), EmptyNext()])
async def test_errors_and_single_objects_have_no_links_or_records(
    client: Client, simulator: Simulator, effect: Effect
) -> None:
    before = await client.json("/api/accounts/me")
    assert await served(client, simulator, effect, "/api/accounts/me") == before
    reply = await client.get("/api/agents", key=None)
    assert (reply.status, reply.json()) == (403, {"detail": "Invalid API key"})


async def test_changes_to_one_page_add_up(client: Client, simulator: Simulator, path: str) -> None:
    simulator.faults.add(Fault(effect=NoTotal()))
    simulator.faults.add(Fault(effect=Missing("created")))
    page = await client.json(path)
    assert "total" not in page
    assert "created" not in page["results"][0]
