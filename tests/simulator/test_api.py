"""The API behaves as its reference documents, over real HTTP."""

import re
import uuid

import pytest

from exporter.simulator import DEFAULT_KEY, Account, Simulator
from tests.fake_api import CANARIES
from tests.simulator.support import Client, Clock, batches_of, serving

RECORD = {
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
async def test_an_unknown_path_or_id_is_404(
    client: Client, simulator: Simulator, path: str
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent)
    reply = await client.get(path.format(agent=agent, batch=batch, other=uuid.UUID(int=7)))
    assert (reply.status, reply.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_methods_other_than_get_are_405(client: Client, method: str) -> None:
    reply = await client.get("/api/agents", method=method)
    assert (reply.status, reply.json()) == (405, {"detail": f'Method "{method}" not allowed.'})


async def test_the_account_has_all_required_fields(clock: Clock) -> None:
    account = Account(
        name="Shop", active_calls=3, allowed_concurrent_calls=5, subscription_expiration=1800.0
    )
    async with serving(Simulator(account, clock=clock, epoch=1_742_658_512.0, speed=2)) as client:
        record = await client.json("/api/accounts/me")
    assert record["subscriptionExpiration"] == "2025-03-22T16:03:32Z"
    assert (record["name"], record["activeCalls"], record["allowedConcurrentCalls"]) == (
        "Shop",
        3,
        5,
    )
    assert set(record) == {
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
    record = await client.json(f"{batches_of(agent)}/{batch}")
    assert list(record.items()) == [("batchId", batch), *RECORD.items()]
    assert (await client.json(batches_of(agent)))["results"] == [record] == simulator.batches(agent)


async def test_agents_have_a_large_template_and_perhaps_a_name(
    client: Client, simulator: Simulator
) -> None:
    named = simulator.add_agent("Renewals")
    nameless = simulator.add_agent()
    page = await client.json("/api/agents")
    assert page["results"] == simulator.agents()
    records = {record["agentId"]: record for record in page["results"]}
    assert records[named]["name"] == "Renewals"
    assert "name" not in records[nameless]
    assert await client.json(f"/api/agents/{named}") == records[named]
    assert len(str(records[named]["callTemplate"])) > 4_000
    assert {"agentId", "created", "publishedRevisionId", "statistics"} <= set(records[nameless])
    assert STAMP.fullmatch(records[named]["created"])


async def test_agents_can_be_searched_by_name(client: Client, simulator: Simulator) -> None:
    wanted = simulator.add_agent("Renewals EU")
    simulator.add_agent("Survey")
    simulator.add_agent()
    page = await client.json("/api/agents?search=renew")
    assert ([record["agentId"] for record in page["results"]], page["total"]) == ([wanted], 1)


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


async def test_call_records_fill_their_pages_and_have_personal_data(
    client: Client, simulator: Simulator
) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent, total_count=5, completed_count=3, error_count=1)
    pages = await client.pages(f"{batches_of(agent)}/{batch}/scheduled_calls?pageSize=2")
    records = [record for page in pages for record in page["results"]]
    assert [record["status"] for record in records] == ["PENDING"] * 2 + ["SUCCESS"] * 2 + ["ERROR"]
    assert {record["batchId"] for record in records} == {batch}
    assert all(canary in str(records[-1]) for canary in CANARIES[-2:])
    assert [record["error"] is None for record in records] == [True] * 4 + [False]


async def test_an_unknown_status_of_calls_is_400(client: Client, simulator: Simulator) -> None:
    agent = simulator.add_agent()
    batch = simulator.create(agent)
    reply = await client.get(f"{batches_of(agent)}/{batch}/scheduled_calls?status=LOST")
    assert reply.status == 400


@pytest.mark.parametrize(
    ("batches", "accept", "compressed"),
    [(40, "gzip", True), (40, "identity", False), (1, "gzip", False)],
)
async def test_large_bodies_are_compressed_when_accepted(
    client: Client, simulator: Simulator, batches: int, accept: str, compressed: bool
) -> None:
    agent = simulator.add_agent()
    for _ in range(batches):
        simulator.create(agent)
    reply = await client.get(f"{batches_of(agent)}?pageSize=40", accept=accept)
    assert (reply.headers.get("Content-Encoding") == "gzip") is compressed
    assert int(reply.headers["Content-Length"]) < len(reply.body) or not compressed
    assert reply.json()["total"] == batches
