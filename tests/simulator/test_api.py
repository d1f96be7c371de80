"""The API behaves as its reference says, over real HTTP."""

import re
import uuid

import pytest

from exporter.simulator import CANARIES, DEFAULT_KEY, Account, Simulator
from tests.simulator.support import Client, Clock, batches_of, visiting

ROW = {
    "created": "2025-03-22T15:48:32.997086Z",
    "windowStart": "2025-03-22T15:48:33Z",
    "windowEnd": None,
    "throttle": "calm",
    "webhookUrl": "https://hooks.example.com",
    "webhookSecret": CANARIES[0],
    "totalCount": 9,
    "completedCount": 4,
    "endedAt": "2025-03-22T15:48:34.500000Z",
}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


@pytest.mark.parametrize("key", [None, "", "wrong", DEFAULT_KEY + "x"])
async def test_a_wrong_key_is_403(client: Client, key: str | None) -> None:
    reply = await client.get("/api/agents", key=key)
    assert (reply.status, reply.json()) == (403, {"detail": "Invalid API key"})


def test_the_key_has_the_documented_shape() -> None:
    assert re.fullmatch(r"[^.]{8}\.[^.]{32}", DEFAULT_KEY)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/agents/",
        "/api/accounts/me/",
        "/api/agents/{agent}/",
        "/api/agents/{agent}/scheduled_batches/",
        "/api/agents/{agent}/scheduled_batches/{batch}/",
        "/api/agents/{agent}/scheduled_batches/{batch}/scheduled_calls/",
        "/api/agents/{other}",
        "/api/agents/{other}/scheduled_batches",
        "/api/agents/{other}/scheduled_batches/{batch}",
        "/api/agents/{agent}/scheduled_batches/{other}",
        "/api/agents/{agent}/scheduled_batches/{other}/scheduled_calls",
    ],
)
async def test_what_is_not_there_is_404(client: Client, simulator: Simulator, path: str) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent)
    reply = await client.get(path.format(agent=agent, batch=batch, other=uuid.UUID(int=7)))
    assert (reply.status, reply.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_405(client: Client, method: str) -> None:
    reply = await client.get("/api/agents", method=method)
    assert (reply.status, reply.json()) == (405, {"detail": f'Method "{method}" not allowed.'})


async def test_the_account_has_what_the_schema_requires(clock: Clock) -> None:
    account = Account(name="Shop", active_calls=3, allowed_concurrent_calls=5)
    async with visiting(Simulator(account, clock=clock)) as client:
        row = await client.json("/api/accounts/me")
    assert (row["name"], row["activeCalls"], row["allowedConcurrentCalls"]) == ("Shop", 3, 5)
    assert set(row) == {
        *("accountId", "activeCalls", "allowedConcurrentCalls", "allowedCorpora", "allowedVoices"),
        *("billingUrl", "freeTimeRemaining", "freeTimeUsed", "hasActiveSubscription", "name"),
        *("subscriptionCadence", "subscriptionExpiration", "subscriptionRenewal"),
        *("subscriptionScheduledUpdate", "subscriptionTier"),
    }


async def test_a_batch_is_served_as_documented(client: Client, simulator: Simulator) -> None:
    """All fields in the schema's order, timestamps to the microsecond and no zero fraction."""
    agent = simulator.add_agent()
    batch = simulator.create(
        agent,
        created=1_742_658_512.997086,
        window_start=1_742_658_513.0,
        ended_at=1_742_658_514.5,
        total_count=9,
        completed_count=4,
        throttle="calm",
        webhook_url="https://hooks.example.com",
        omitted=("paused",),
    )
    row = await client.json(f"{batches_of(agent)}/{batch}")
    assert list(row.items()) == [("batchId", batch), *ROW.items()]
    assert (await client.json(batches_of(agent)))["results"] == [row] == simulator.batches(agent)


async def test_agents_carry_a_large_template_and_maybe_a_name(
    client: Client, simulator: Simulator
) -> None:
    named = simulator.add_agent("Renewals")
    nameless = simulator.add_agent()
    page = await client.json("/api/agents")
    assert page["results"] == simulator.agents()
    rows = {row["agentId"]: row for row in page["results"]}
    assert rows[named]["name"] == "Renewals"
    assert "name" not in rows[nameless]
    assert await client.json(f"/api/agents/{named}") == rows[named]
    assert len(str(rows[named]["callTemplate"])) > 4_000
    assert {"agentId", "created", "publishedRevisionId", "statistics"} <= set(rows[nameless])
    assert STAMP.fullmatch(rows[named]["created"])


async def test_agents_can_be_searched_by_name(client: Client, simulator: Simulator) -> None:
    wanted = simulator.add_agent("Renewals EU")
    simulator.add_agent("Survey")
    simulator.add_agent()
    page = await client.json("/api/agents?search=renew")
    assert ([row["agentId"] for row in page["results"]], page["total"]) == ([wanted], 1)


async def test_scheduled_calls_are_counted_by_status(client: Client, simulator: Simulator) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=10, completed_count=7, error_count=2)
    path = f"{batches_of(agent)}/{batch}/scheduled_calls"
    totals = {
        status: (await client.json(f"{path}?status={status}&pageSize=1"))["total"]
        for status in ("FUTURE", "PENDING", "SUCCESS", "EXPIRED", "ERROR")
    }
    assert totals == {"FUTURE": 0, "PENDING": 3, "SUCCESS": 5, "EXPIRED": 0, "ERROR": 2}
    assert (await client.json(path))["total"] == 10


async def test_rows_of_calls_fill_their_pages_and_hold_personal_data(
    client: Client, simulator: Simulator
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=5, completed_count=3, error_count=1)
    pages = await client.pages(f"{batches_of(agent)}/{batch}/scheduled_calls?pageSize=2")
    rows = [row for page in pages for row in page["results"]]
    assert [row["status"] for row in rows] == ["PENDING"] * 2 + ["SUCCESS"] * 2 + ["ERROR"]
    assert {row["batchId"] for row in rows} == {batch}
    assert all(canary in str(rows[-1]) for canary in CANARIES[-2:])
    assert [row["error"] is None for row in rows] == [True] * 4 + [False]


async def test_an_unknown_status_of_calls_is_400(client: Client, simulator: Simulator) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent)
    reply = await client.get(f"{batches_of(agent)}/{batch}/scheduled_calls?status=LOST")
    assert reply.status == 400


@pytest.mark.parametrize(
    ("batches", "accept", "packed"),
    [(40, "gzip", True), (40, "identity", False), (1, "gzip", False)],
)
async def test_large_bodies_are_packed_when_asked(
    client: Client, simulator: Simulator, batches: int, accept: str, packed: bool
) -> None:
    agent = simulator.add_agent()
    for _ in range(batches):
        simulator.create(agent)
    reply = await client.get(f"{batches_of(agent)}?pageSize=40", accept=accept)
    assert (reply.headers.get("Content-Encoding") == "gzip") is packed
    assert int(reply.headers["Content-Length"]) < len(reply.body) or not packed
    assert reply.json()["total"] == batches
