"""A fixed world, and the exposition that the exporter serves of it.

Nothing changes in the simulated account: its clock and the exporter's always return NOW. The whole
exporter runs and is scraped over HTTP, once every agent has been polled.
"""

import asyncio
import re

import aiohttp
import msgspec

from exporter import app
from exporter.config import Account, Agent, Batches, Config, Discover, Key, Polling, Secret
from exporter.simulator import Simulator, demo_account, serve
from exporter.web.address import Address

NOW = 1_800_000_000.0

ACCEPT = {
    "metrics.txt": "text/plain",
    "metrics.openmetrics": "application/openmetrics-text; version=1.0.0",
}
"""By recorded file: the `Accept` header that asks for it."""

HIDDEN_SCENARIOS = frozenset({"recurring", "crowd-ended", "crowd-pending"})
"""Campaigns of the demo account that are omitted: they would make the exposition long."""

_HOUR, _DAY = 3600.0, 86400.0

# Values that depend on the machine, by the names of their series.
_VARYING = re.compile(
    r"^((?:process_|python_|ultravox_agent_poll_duration_seconds|"
    r"ultravox_exporter_api_request_duration_seconds|ultravox_exporter_build_info|"
    r"ultravox_exporter_api_rate_limit_wait_seconds)\S*) \S+$",
    re.MULTILINE,
)
_PROCESS = re.compile(r"^(?:# \w+ )?(?:process|python)_.*\n", re.MULTILINE)
_VERSIONS = re.compile(r"ultravox_exporter_build_info\{.*\}")


def simulator() -> Simulator:
    """Return the simulated account: every scenario of the demo except HIDDEN_SCENARIOS."""
    demo = demo_account()
    agents = tuple(
        msgspec.structs.replace(
            agent,
            campaigns=tuple(
                each for each in agent.campaigns if each.scenario not in HIDDEN_SCENARIOS
            ),
        )
        for agent in demo.agents
    )
    return Simulator(msgspec.structs.replace(demo, agents=agents), clock=lambda: NOW)


def config(base_url: str, named: str) -> Config:
    """Return a configuration that uses most settings; each agent is polled once per hour.

    `named` is the id of an agent that the file names and labels.
    """
    account = Account(
        "main",
        base_url=base_url,
        requests_per_second=200.0,
        api_key_env="KEY",
        agents=(
            Agent(named, name='The "named"\\one', labels={"team": "retention"}),
            Agent("unknown-to-the-api"),
        ),
        discover=Discover(include=("*", "Pay*", "nothing-like-this*"), interval=_HOUR),
    )
    polling = Polling(interval=_HOUR, idle_interval=_HOUR, stale_after=2 * _DAY)
    batches = Batches(keep_ended=_DAY, max_per_agent=2)
    return Config((account,), polling, batches)


async def pages() -> dict[str, str]:
    """Return the exposition in each format by recorded file, as `steady` returns it."""
    simulated = simulator()
    listening: asyncio.Future[list[Address]] = asyncio.get_running_loop().create_future()
    async with serve(simulated) as base_url:
        named = simulated.agents()[-1]["agentId"]
        options = app.Options(
            (Address("127.0.0.1", 0),), clock=lambda: NOW, on_listening=listening.set_result
        )
        keys = {"main": Key("main", Secret(simulated.api_key))}
        running = asyncio.create_task(app.run(config(base_url, named), keys, options))
        try:
            url = f"http://{(await listening)[0]}/metrics"
            async with asyncio.timeout(30), aiohttp.ClientSession() as session:
                while not _complete(await _page(session, url, "text/plain")):
                    await asyncio.sleep(0.05)
                return {
                    file: steady(await _page(session, url, accept))
                    for file, accept in ACCEPT.items()
                }
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _page(session: aiohttp.ClientSession, url: str, accept: str) -> str:
    async with session.get(url, headers={"Accept": accept}) as response:
        return await response.text()


def _complete(page: str) -> bool:
    """Return whether every agent has been polled."""
    polled = len(re.findall(r"^ultravox_agent_polls_total\S+ [1-9]", page, re.MULTILINE))
    agents = len(re.findall(r"^ultravox_agent_info", page, re.MULTILINE))
    return 1 < polled == agents


def steady(page: str) -> str:
    """Return an exposition without process metrics, and with `*` for values that vary."""
    page = _VERSIONS.sub("ultravox_exporter_build_info{*}", _PROCESS.sub("", page))
    return _VARYING.sub(r"\1 *", page)
