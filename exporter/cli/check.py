"""The configuration, judged, and what it would poll."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from exporter.api.client import connect
from exporter.config import Account, Config, Key, Polling, read_key, resolve
from exporter.durations import render as duration
from exporter.errors import ConfigError
from exporter.metrics.instrumentation import Instrumentation
from exporter.plan import cost
from exporter.polling.preflight import AgentFinding, Finding, Plan, survey

Found = TypeVar("Found")


def command(options: argparse.Namespace) -> int:
    """Judge the configuration, with `--live` the accounts too, and print what was found.

    Returns 0 when all is well and 1 when something would not work. Raises ConfigError, and
    KeyboardInterrupt where SIGINT ends it.
    """
    try:
        config, source = resolve(options.config_file, os.environ, Path.cwd())
        findings = asyncio.run(_interruptible(ask(config, os.environ))) if options.live else ()
    except ConfigError as error:
        if not options.json:
            raise
        _print_json({"valid": False, "problems": error.problems})
        return 2
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if options.json:
        answer = {"valid": True, "source": source, "config": config}
        _print_json({**answer, "live": findings} if options.live else answer)
    else:
        lines = [*described(config, source), *(line for each in findings for line in told(each))]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if all(finding.well for finding in findings) else 1


async def ask(config: Config, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Survey every account, side by side. Raises ConfigError where a key can't be read."""
    keys = [read_key(account, environ) for account in config.accounts]

    async def one(account: Account, key: Key) -> Finding:
        async with connect(account, key, Instrumentation(), config.polling.timeout) as client:
            return await survey(client, account, config.polling, time.time)

    return tuple(await asyncio.gather(*map(one, config.accounts, keys)))


async def _interruptible(work: Coroutine[None, None, Found]) -> Found:
    """Run `work`, which SIGINT cancels; a second one is Python's own to handle.

    asyncio.run would cancel it by itself, but does not wake the loop: a signal that comes as the
    loop begins to wait is heeded when something else happens, which may be a timeout.
    """
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        task.cancel()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    return await task


def _print_json(answer: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")


def described(config: Config, source: str) -> Iterator[str]:
    """Yield, line by line, what the configuration makes the exporter do."""
    yield f"{source}: valid"
    for account in config.accounts:
        yield from _account(account, config.polling)
    polling, batches = config.polling, config.batches
    yield (
        f"polls: each agent every {duration(polling.interval)} while it has live batches, every"
        f" {duration(polling.idle_interval)} otherwise; {duration(polling.timeout)} for one poll"
    )
    yield f"data:  withdrawn when older than {duration(polling.stale_after)}"
    series = (
        f"series of up to {batches.max_per_agent} batches an agent"
        if batches.per_batch_series
        else "no series of single batches"
    )
    yield f"shown: {series}; ended batches for {duration(batches.keep_ended)}"


def _account(account: Account, polling: Polling) -> Iterator[str]:
    rate = f"{account.requests_per_second:g} requests a second at most"
    yield f"account {account.name}: {account.base_url}, {rate}"
    for agent in account.agents:
        name = agent.name or "named by the API"
        yield f"  agent {agent.id} ({name})"
    if (discover := account.discover) is not None:
        include = " ".join(discover.include)
        exclude = f" but not {' '.join(discover.exclude)}" if discover.exclude else ""
        every = duration(discover.interval)
        yield f"  every agent that matches {include}{exclude}, looked for every {every}"
    yield from _cost(account, polling)


def _cost(account: Account, polling: Polling) -> Iterator[str]:
    found = cost(account, polling, [1] * len(account.agents))
    besides = ", besides what discovery finds" if account.discover else ""
    yield (
        f"  requests a minute: {60 * found.idle:.1f} with nothing live, {60 * found.busy:.1f} with"
        f" live batches everywhere{besides}"
    )
    if not found.affordable:
        yield f"  too many: {60 * found.allowed:.0f} are allowed; polls will come late"


def told(finding: Finding) -> Iterator[str]:
    """Yield, line by line, what an account answered."""
    yield f"live {finding.account}: {'well' if finding.well else 'something would not work'}"
    if finding.clock_ahead is not None:
        yield "  key accepted"
        yield f"  clock {finding.clock_ahead:+.1f} s off the API's, which tells whole seconds"
    if finding.plan is not None:
        yield from _plan(finding.agents, finding.plan)
    for problem in finding.problems:
        yield f"  problem: {problem}"
    ill = [(agent.problem, agent.agent_id) for agent in finding.agents if agent.problem]
    example = dict(ill)
    for what, count in Counter(problem for problem, _ in ill).items():
        yield f"  problem: {what} (agents: {count}, such as {example[what]})"


def _plan(agents: Sequence[AgentFinding], plan: Plan) -> Iterator[str]:
    answering = sum(agent.problem is None for agent in agents)
    live = sum(agent.live for agent in agents)
    yield f"  scheduled batches: {answering} of {len(agents)} agents answer, {live} with live ones"
    yield f"  full listings take {plan.full_pages} pages"
    yield (
        f"  requests a minute: {60 * plan.now:.1f} as it is now, {60 * plan.cost.idle:.1f} with"
        f" nothing live, {60 * plan.cost.busy:.1f} with live batches everywhere;"
        f" {60 * plan.cost.allowed:.0f} allowed"
    )
