"""Subcommands from a shell: what they print, and how they exit."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from exporter.cli import main
from exporter.simulator import Fault, Simulator, serve
from exporter.simulator import faults as f
from tests.support.process import FREE_PORT, eventually, run, started, write_config
from tools.docs.pages import ROOT

ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
ENV = {"ULTRAVOX_API_KEY": ""}


def write(folder: Path, text: str) -> Path:
    """Write a configuration and its key."""
    (folder / "key").write_text("canary-key\n")
    path = folder / "config.yaml"
    path.write_text(text)
    return path


GOOD = f"""
accounts:
  - name: production
    api_key_file: key
    agents: [{{id: {ID}, name: Renewals}}, {{id: other}}]
    discover: {{exclude: ["test-*", "old"]}}
  - name: spare
    api_key_file: key
    base_url: http://localhost:8080/
    agents: [{{id: third}}]
"""


BESIDES = "besides what discovery finds"


def test_check_says_what_would_be_polled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", f"--config.file={path}"]) == 0
    assert (
        capsys.readouterr().out
        == f"""\
{path}: valid
account production: https://api.ultravox.ai, 5 requests a second at most
  agent {ID} (Renewals)
  agent other (named by the API)
  every agent that matches * but not test-* old, looked for every 5m
  requests a minute: 3.2 with nothing live, 6.2 with live batches everywhere, {BESIDES}
account spare: http://localhost:8080, 5 requests a second at most
  agent third (named by the API)
  requests a minute: 2.5 with nothing live, 4.0 with live batches everywhere
polls: each agent every 30s while it has live batches, every 2m otherwise; 25s for one poll
data:  withdrawn when older than 10m
shown: series of up to 1000 batches an agent; ended batches for 1d
"""
    )


def test_check_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", f"--config.file={path}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is True
    assert answer["source"] == str(path)
    assert [account["name"] for account in answer["config"]["accounts"]] == ["production", "spare"]


def test_check_prints_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD.replace("exclude", "exlude").replace("localhost", "example.com"))
    assert main(["check", f"--config.file={path}"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith(f"{path}:6: accounts[0].discover.exlude: ")
    assert "did you mean 'exclude'?" in first
    assert second.startswith(f"{path}:9: accounts[1].base_url: ")


def test_check_prints_every_problem_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD.replace("exclude", "exlude"))
    assert main(["check", f"--config.file={path}", "--json"]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    answer = json.loads(out)
    assert answer["valid"] is False
    assert [problem["line"] for problem in answer["problems"]] == [6]


def test_without_batch_series_check_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD + "batches: {per_batch_series: false}\n")
    assert main(["check", f"--config.file={path}"]) == 0
    assert "shown: no series of single batches; ended batches for 1d\n" in capsys.readouterr().out


def test_check_says_when_the_limit_is_too_low(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace(
        "agents: [{id: third}]", "agents: [{id: third}]\n    requests_per_second: 0.05"
    )
    path = write(tmp_path, text)
    assert main(["check", f"--config.file={path}"]) == 0
    assert "  too many: 3 are allowed; polls will come late\n" in capsys.readouterr().out


async def test_check_live_says_what_the_accounts_answer_and_what_polling_costs(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    busy, idle = simulator.add_agent("Renewals"), simulator.add_agent()
    for index in range(150):
        simulator.create(busy, created=1e9 + index, ended_at=None if index > 120 else 2e9)
    simulator.create(idle, ended_at=2e9)
    path = write_config(
        tmp_path, base_url, simulator.api_key, account={"discover": {}, "agents": [{"id": idle}]}
    )
    status, out, err = await run("check", "--live", f"--config.file={path}")
    assert (status, err) == (0, "")
    head, _, live = out.partition("live main: ")
    assert head.endswith("ended batches for 1d\n")
    assert re.sub(r"[+-]\d\.\d s", "+0.0 s", live) == (
        "well\n"
        "  key accepted\n"
        "  clock +0.0 s off the API's, which tells whole seconds\n"
        "  scheduled batches: 2 of 2 agents answer, 1 with live ones\n"
        "  full listings take 3 pages\n"
        "  requests a minute: 4.8 as it is now, 3.3 with nothing live,"
        " 6.3 with live batches everywhere; 12000 allowed\n"
    )
    status, out, _ = await run("check", "--live", "--json", f"--config.file={path}")
    assert status == 0
    (found,) = json.loads(out)["live"]
    assert [agent["pages"] for agent in found["agents"]] == [2, 1]


async def test_check_live_ends_with_1_where_something_would_not_work(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    simulator.add_agent("Renewals")
    account = {"discover": {"include": ["Ren*", "x"]}, "agents": [{"id": "gone"}, {"id": "lost"}]}
    path = write_config(tmp_path, base_url, simulator.api_key, account=account)
    status, out, _ = await run("check", "--live", f"--config.file={path}")
    assert status == 1
    assert "live main: something would not work\n  key accepted\n" in out
    assert "  problem: discover.include: 'x' matches none of 1 agents\n" in out
    refusal = "not_found: scheduled_batches: the API answered HTTP 404"
    assert f"  problem: {refusal} (agents: 2, such as lost)\n" in out
    path = write_config(tmp_path, base_url, "wrong", account=account)
    status, out, _ = await run("check", "--live", f"--config.file={path}")
    assert status == 1
    assert "  problem: auth: account: the API answered HTTP 403\n" in out


def test_rules_are_printed_with_the_thresholds_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rules"]) == 0
    assert capsys.readouterr().out == (ROOT / "prometheus/ultravox.rules.yml").read_text("utf-8")
    assert main(["rules", "--stalled-after=20m", "--runbook-url=https://wiki.example/r/"]) == 0
    (group,) = yaml.safe_load(capsys.readouterr().out)["groups"]
    stalled = next(rule for rule in group["rules"] if rule.get("alert") == "UltravoxBatchStalled")
    assert "offset 20m" in stalled["expr"]
    told = stalled["annotations"]
    assert told["summary"].endswith("none completed for 20m")
    assert told["runbook_url"] == "https://wiki.example/r/UltravoxBatchStalled.md"


async def test_the_command_is_installed() -> None:
    command = Path(sys.executable).parent / "ultravox-batch-exporter"
    process = await asyncio.create_subprocess_exec(
        command, "--version", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, f"ultravox-batch-exporter {__version__}\n")


async def test_serve_refuses_what_check_refuses(tmp_path: Path) -> None:
    write(tmp_path, "accounts: []\n")
    status, out, err = await run(cwd=tmp_path, env=ENV)
    assert (status, out) == (2, "")
    assert err.startswith("config.yaml:1: accounts: the list is empty") or "config.yaml:1" in err


async def test_serve_without_any_configuration_says_the_three_ways(tmp_path: Path) -> None:
    status, _, err = await run(cwd=tmp_path, env=ENV)
    assert status == 2
    assert "--config.file=PATH" in err
    assert "config.yaml" in err
    assert "ULTRAVOX_API_KEY" in err


async def test_an_address_that_is_taken_ends_with_1(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, _, err = await run(f"--config.file={path}", f"--web.listen-address={address}")
    assert status == 1
    assert f"can't listen on {address}: Address already in use" in err


async def test_healthcheck_tells_a_living_exporter_from_none(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    path = write_config(tmp_path, base_url, simulator.api_key, account={"discover": {}})
    async with started(f"--config.file={path}", FREE_PORT) as exporter:
        url = await exporter.url("")
        flag = f"--web.listen-address={url.removeprefix('http://')}"
        assert await run("healthcheck", flag) == (0, "healthy\n", "")
        assert await exporter.stop() == 0
    status, out, err = await run("healthcheck", flag)
    assert (status, out) == (1, "")
    assert err.startswith(f"{url}/-/healthy: ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 11\r\n\r\nhanging: x\n",
            "503 hanging: x",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "what answers speaks no HTTP: BadStatusLine"),
    ],
)
async def test_healthcheck_says_what_an_ill_exporter_or_something_else_answers(
    answer: bytes, told: str
) -> None:
    async def ill(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(ill, "127.0.0.1", 0)
    async with server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        status, out, err = await run("healthcheck", f"--web.listen-address={address}")
    assert (status, out) == (1, "")
    assert err == f"http://{address}/-/healthy: {told}\n"


async def test_demo_says_where_the_account_and_the_metrics_are() -> None:
    """And serves both formats, and ends like any other."""
    async with started("demo", FREE_PORT) as exporter:
        await exporter.url()
        await eventually(lambda: "Ctrl-C" in exporter.out, exporter.describe)
        openmetrics = {"Accept": "application/openmetrics-text"}
        assert (await exporter.get(headers=openmetrics))[1].endswith("# EOF\n")
        assert await exporter.stop(signal.SIGINT) == 0
    account, metrics, last, end = exporter.out.split("\n")
    assert re.fullmatch(r"simulated Ultravox API +http://127\.0\.0\.1:\d+", account)
    assert re.fullmatch(r"metrics +http://127\.0\.0\.1:\d+/metrics", metrics)
    assert (last, end) == ("Ctrl-C ends both.", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_well_even_while_the_api_hangs(
    tmp_path: Path, simulator: Simulator, base_url: str, number: int
) -> None:
    """/metrics answers, /-/healthy is 200, and the end comes with status 0 in under 2 s."""
    agent = simulator.add_agent()
    simulator.faults.add(Fault(effect=f.Hang()))
    path = write_config(tmp_path, base_url, simulator.api_key, account={"agents": [{"id": agent}]})
    async with started(f"--config.file={path}", FREE_PORT) as exporter:
        await exporter.url()
        await eventually(lambda: simulator.requests, exporter.describe)
        assert (await exporter.get("/-/healthy"))[0] == 200
        assert (await exporter.get("/-/ready"))[0] == 503
        assert f'ultravox_agent_info{{account="main",agent_id="{agent}",agent="{agent}"}}' in (
            await exporter.scrape()
        )
        clock = asyncio.get_running_loop().time
        began = clock()
        assert await exporter.stop(number) == 0
        assert clock() - began < 2
        assert "event=stopped" in exporter.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_well_while_it_still_loads(number: int) -> None:
    async with started("demo", FREE_PORT, env={"PYTHONVERBOSE": "1"}) as exporter:
        await eventually(lambda: "import 'aiohttp" in exporter.err, exporter.describe)
        assert await exporter.stop(number) == 0
    assert "Ctrl-C" not in exporter.out


async def test_whoever_ends_a_check_gets_no_success(tmp_path: Path, simulator: Simulator) -> None:
    """Neither while it loads nor while it asks."""
    async with started("check", env={"PYTHONVERBOSE": "1"}) as checking:
        await eventually(lambda: "import 'aiohttp" in checking.err, checking.describe)
        assert await checking.stop(signal.SIGINT) != 0
    simulator.faults.add(Fault(effect=f.Hang()))
    async with serve(simulator) as base_url:
        path = write_config(tmp_path, base_url, simulator.api_key, account={"discover": {}})
        async with started("check", "--live", f"--config.file={path}") as checking:
            await eventually(lambda: simulator.requests, checking.describe)
            assert await checking.stop(signal.SIGINT) == 1
    assert (checking.out, checking.err) == ("", "interrupted\n")


async def test_a_stuck_thread_does_not_hold_up_the_end() -> None:
    """A name server that does not answer keeps a thread that nothing can cancel."""
    program = (
        "import asyncio, time\n"
        "from exporter.app import run_until_signal\n"
        "async def work():\n"
        "    print('started', flush=True)\n"
        "    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)\n"
        "asyncio.run(run_until_signal(work()))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        assert await process.wait() == 0


async def test_a_bug_ends_the_process_with_its_traceback_in_the_log() -> None:
    program = (
        "import asyncio, sys\n"
        "from exporter import log\n"
        "from exporter.app import run_until_signal\n"
        "redactor = log.Redactor()\n"
        "redactor.add('canary-key')\n"
        "log.configure('info', log.LogFormat.LOGFMT, redactor)\n"
        "sys.excepthook = log.report_crash\n"
        "async def work():\n"
        "    raise ZeroDivisionError('with canary-key')\n"
        "asyncio.run(run_until_signal(work()))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stderr=asyncio.subprocess.PIPE, env=os.environ
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert b"level=critical event=crashed" in err
    assert b"ZeroDivisionError: with ***" in err
    assert b"canary-key" not in err
