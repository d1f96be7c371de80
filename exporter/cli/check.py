"""`check`: validate the configuration; with `--live`, also ask the API."""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from exporter.api.body import LargeBodies
from exporter.api.client import connect
from exporter.cli import flags, output
from exporter.config import (
    Account,
    Config,
    Key,
    Polling,
    label_collisions,
    proxy_of,
    read_key,
    resolve,
)
from exporter.durations import render as duration
from exporter.errors import ConfigError
from exporter.metrics.instrumentation import Instrumentation
from exporter.plan import cost
from exporter.polling.preflight import AccountReport, AgentReport, Plan, preflight

Result = TypeVar("Result")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `check`."""
    flags.add_config_file(parser)
    parser.add_argument(
        "--live",
        action="store_true",
        help="also verify API keys and agent ids at the API, and calculate the cost of polling",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def command(options: argparse.Namespace) -> int:
    """Validate the configuration, with `--live` the accounts too, and print the result.

    Returns 0 without problems, 1 for a problem that `--live` found, 2 for a wrong configuration in
    JSON. Raises ConfigError, and KeyboardInterrupt on SIGINT.
    """
    try:
        config, source = resolve(options.config_file, os.environ, flags.working_folder())
        reports = asyncio.run(_interruptible(ask(config, os.environ))) if options.live else ()
    except ConfigError as error:
        if not options.json:
            raise
        _print_json({"valid": False, "problems": error.problems})
        return 2
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    warnings = [f"{name} is ignored: {problem}" for name, problem in options.ignored.items()]
    warnings += map(str, label_collisions(config))
    if options.json:
        answer = {"valid": True, "source": source, "config": config, "warnings": warnings}
        _print_json({**answer, "live": reports} if options.live else answer)
    else:
        lines = [*describe(config, source), *(f"warning: {warning}" for warning in warnings)]
        lines += (line for report in reports for line in describe_live(report))
        output.write("".join(f"{line}\n" for line in lines))
    return 0 if all(report.passed for report in reports) else 1


async def ask(config: Config, environ: Mapping[str, str]) -> tuple[AccountReport, ...]:
    """Return the preflight of every account, run side by side. Raises ConfigError for a bad key."""
    keys = [read_key(account, environ) for account in config.accounts]

    own, timeout, bodies = Instrumentation(), config.polling.timeout, LargeBodies()

    async def one(account: Account, key: Key) -> AccountReport:
        async with connect(account, key, own, timeout, bodies) as client:
            return await preflight(client, account, config.polling, time.time)

    return tuple(await asyncio.gather(*map(one, config.accounts, keys)))


async def _interruptible(work: Coroutine[None, None, Result]) -> Result:
    """Run `work`. SIGINT cancels it; Python handles a second SIGINT.

    asyncio.run also cancels on SIGINT, but does not wake the event loop: a signal that arrives when
    the loop starts to wait has an effect only at the next event, which may be a timeout.
    """
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        task.cancel()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    return await task


def _print_json(answer: object) -> None:
    # In ASCII: every stream can encode it, and a path may have bytes that are not UTF-8.
    output.write(json.dumps(msgspec.to_builtins(answer, enc_hook=str), indent=2) + "\n")


def describe(config: Config, source: str) -> Iterator[str]:
    """Yield the lines that say what the exporter does with this configuration."""
    yield f"{source}: valid"
    for account in config.accounts:
        yield from _describe_account(account, config.polling)
    polling, batches = config.polling, config.batches
    yield (
        f"polls: every {duration(polling.interval)} per agent with live batches, every"
        f" {duration(polling.idle_interval)} per agent without; at most"
        f" {duration(polling.timeout)} per poll"
    )
    yield f"data: withdrawn when older than {duration(polling.stale_after)}"
    series = (
        f"up to {batches.max_per_agent} batches per agent"
        if batches.per_batch_series
        else "no single batches"
    )
    yield f"series: {series}; ended batches for {duration(batches.keep_ended)}"


def _describe_account(account: Account, polling: Polling) -> Iterator[str]:
    rate = f"at most {account.requests_per_second:g} requests per second"
    yield f"account {account.name}: {account.base_url}, {rate}"
    if (proxy := proxy_of(account, account.base_url, os.environ)) is not None:
        yield f"  through the proxy {proxy.url}"
    for agent in account.agents:
        name = agent.name or "named by the API"
        yield f"  agent {agent.id} ({name})"
    if (discover := account.discover) is not None:
        include = " ".join(discover.include)
        exclude = f", except {' '.join(discover.exclude)}" if discover.exclude else ""
        yield f"  discovery every {duration(discover.interval)}: {include}{exclude}"
    planned = cost(account, polling, [1] * len(account.agents))
    discovered = "; discovered agents need more" if account.discover else ""
    yield (
        f"  requests per minute: {60 * planned.idle:.1f} with no live batches,"
        f" {60 * planned.busy:.1f} if every agent has some{discovered}"
    )
    if not planned.affordable:
        yield (
            f"  warning: requests_per_second allows {60 * planned.allowed:.0f} per minute: polls"
            " will be late: raise it, or raise polling.interval"
        )


def describe_live(report: AccountReport) -> Iterator[str]:
    """Yield the lines that say what the API answered for an account."""
    yield f"live {report.account}: {'passed' if report.passed else 'problems found'}"
    if report.clock_ahead is not None:
        yield "  API key accepted"
        yield f"  clock: {report.clock_ahead:+.1f} s from the API's (resolution 1 s)"
    if report.plan is not None:
        yield from _describe_plan(report.agents, report.plan)
    for problem in report.problems:
        yield f"  problem: {problem}"
    wrong: dict[str, list[AgentReport]] = {}
    for agent in report.agents:
        if agent.problem is not None:
            wrong.setdefault(agent.problem, []).append(agent)
    for problem, agents in wrong.items():
        yield f"  problem: {problem} (agents: {len(agents)})"
        yield from map(_describe_agent, agents)


def _describe_plan(agents: Sequence[AgentReport], plan: Plan) -> Iterator[str]:
    found = [agent for agent in agents if agent.problem is None]
    live = sum(agent.live for agent in found)
    yield f"  agents found: {len(found)} of {len(agents)}, {live} with live batches"
    yield from map(_describe_agent, found)
    yield f"  full listings: {plan.full_pages} pages"
    yield (
        f"  requests per minute: {60 * plan.now:.1f} now, {60 * plan.cost.idle:.1f} with no live"
        f" batches, {60 * plan.cost.busy:.1f} if every agent has some; allowed:"
        f" {60 * plan.cost.allowed:.0f}"
    )


def _describe_agent(agent: AgentReport) -> str:
    # A name from the API may contain characters that control a terminal.
    name = agent.name if agent.name.isprintable() else repr(agent.name)
    return f"    {agent.agent_id}  {name}".rstrip() + (", live batches" if agent.live else "")
