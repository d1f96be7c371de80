"""Random responses to the API client, for minutes or hours: `make fuzz`.

The program prints the seed. When the client raises anything but an ApiError, or does not take the
next good response, it prints the bytes of the response and ends with status 1.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random

import msgspec

from exporter.api.client import Client
from exporter.api.deadline import Deadline
from exporter.api.rate_limit import RequestLimiter
from exporter.errors import ApiError
from tests.fake_api.responses import ACCOUNT, AGENT, BATCH, Responses, good
from tests.support.builders import FAST, LATE, connecting

ROUND = 500
"""Responses between two lines of the program's output."""

NO_RETRY = 0.3
"""Seconds of a deadline that leaves no time for a retry, and enough for a local response."""

KINDS: Mapping[str, tuple[dict[str, object], bool]] = {
    "account": (ACCOUNT, False),
    "agent": (AGENT, False),
    "agents": (AGENT, True),
    "batches": (BATCH, True),
}
"""What is asked for: the record in the response, and whether it is in a page."""


class FuzzError(AssertionError):
    """The client did something else than allowed; the message has the response's bytes."""


class Server:
    """A server that answers each request with `response`; after a bad one it closes."""

    def __init__(self) -> None:
        self.response = b""
        self.keep_open = True

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.response)
                await writer.drain()
                if not self.keep_open:
                    break
        writer.close()


async def fuzz(seed: int, count: int) -> Counter[str]:
    """Give the client random responses, each followed by a good one; return how often each ended.

    Raises FuzzError.
    """
    responses, random, ends = Responses(seed), Random(seed), Counter[str]()  # noqa: S311 - no secret
    async with _client() as (server, api):
        for _ in range(count):
            kind = random.choice(list(KINDS))
            record, page = KINDS[kind]
            server.response, server.keep_open = responses.next(record, page=page), False
            bad = server.response
            try:
                await asyncio.wait_for(_ask(api, kind, NO_RETRY), LATE)
                ends["taken"] += 1
            except ApiError as error:
                ends[error.reason] += 1
            except Exception as error:
                raise FuzzError(f"{kind}: {error!r} after {bad!r}") from error
            # The client notices that the server closed the connection; otherwise it would retry.
            await asyncio.sleep(0.001)
            server.response, server.keep_open = good(record, page=page), True
            try:
                taken = await _ask(api, kind, LATE)
            except ApiError as error:
                raise FuzzError(
                    f"{kind}: the next is not taken: {error!r} after {bad!r}"
                ) from error
            if not taken:
                raise FuzzError(f"{kind}: the next has no record, after {bad!r}")
    return ends


@contextlib.asynccontextmanager
async def _client() -> AsyncIterator[tuple[Server, Client]]:
    """Yield a server and a client of it that no `Retry-After` holds."""
    server = Server()
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        async with connecting(f"http://127.0.0.1:{port}", poll_timeout=LATE) as api:
            api.limiter = RequestLimiter(FAST, lambda _: None, longest_hold=0.0)
            yield server, api


async def _ask(api: Client, kind: str, seconds: float) -> Sequence[msgspec.Struct]:
    """Return the records of one response; all that is in them is read."""
    async with Deadline(seconds) as deadline:
        match kind:
            case "account":
                return [await api.account(deadline)]
            case "agent":
                return [await api.agent("a", deadline)]
            case "agents":
                return (await anext(api.agents(deadline))).results
            case _:
                return (await api.first_batches("a", deadline)).results


def main() -> int:
    """Run until the time is over; return the exit status."""
    parser = argparse.ArgumentParser(description="Give the client random HTTP responses.")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--minutes", type=float, default=5.0)
    given = parser.parse_args()
    end, seed = time.monotonic() + 60 * given.minutes, given.seed
    while time.monotonic() < end:
        try:
            ends = asyncio.run(fuzz(seed, ROUND))
        except FuzzError as error:
            sys.stdout.write(f"seed {seed}: {error}\n")
            return 1
        sys.stdout.write(f"seed {seed}: {ROUND} responses, {dict(sorted(ends.items()))}\n")
        sys.stdout.flush()
        seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
