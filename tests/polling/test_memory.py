"""The memory of a listing does not grow with history: batches that ended long ago are dropped.

Run as a program with the URL of an account and an agent's id, this module lists that agent's
batches and prints the pages read, the batches kept and its peak of memory in bytes.
"""

import asyncio
import resource
import sys

from exporter.api.deadline import Deadline
from exporter.polling.listing import Target, read
from exporter.simulator import Account, Simulator, serve
from tests.support.builders import LATE, Clock, connecting

NOW = 1_800_000_000.0
DAY = 86_400.0
MIB = 2**20
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts `ru_maxrss`."""


async def peak(batches: int) -> int:
    """Return the peak of memory, in bytes, of a process that lists this number of ended batches."""
    simulator = Simulator(Account(name="history"), clock=Clock(NOW))
    agent = simulator.add_agent()
    for index in range(batches):
        created = NOW - 2 * DAY - index
        simulator.create(agent, created=created, ended_at=created + 60)
    async with serve(simulator) as url:
        # A process inherits the peak of the one that starts it, which has all those batches: so
        # a shell starts it.
        program = ("/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", __name__)
        process = await asyncio.create_subprocess_exec(
            *program, url, simulator.api_key, agent, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    assert process.returncode == 0
    pages, kept, most = map(int, out.split())
    assert (pages, kept) == (batches // 100, 0)
    return most


async def test_a_listing_of_100_000_ended_batches_takes_as_much_memory_as_one_of_1_000() -> None:
    few, many = await peak(1_000), await peak(100_000)
    assert many - few < 10 * MIB


async def show(url: str, key: str, agent: str) -> None:
    """List an agent's batches, and print what that took."""
    async with connecting(url, key) as client, Deadline(LATE) as deadline:
        listing = await read(client.batches(agent, deadline), None, Target(), NOW, DAY)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    sys.stdout.write(f"{listing.pages} {len(listing.batches)} {most}\n")


if __name__ == "__main__":
    asyncio.run(show(*sys.argv[1:]))
