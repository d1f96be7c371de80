"""The commands as a shell runs them: what they print, and their exit status."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import sys
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from exporter.cli import main
from exporter.cli.serve import read_keys
from exporter.config import Account, Config, ProxyUrl
from exporter.log import Redactor
from tests.fake_api import Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.answering import responding
from tests.support.process import FREE_PORT, eventually, run, started, write_config
from tools.docs.pages import ROOT

ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
ENV = {"ULTRAVOX_API_KEY": ""}


def write(folder: Path, text: str) -> Path:
    """Write a configuration and its key file; return the path of the configuration."""
    (folder / "key").write_text("canary-key\n")
    path = folder / "config.yaml"
    path.write_text(text)
    return path


DISCOVERED = "discovered agents need more"

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


def test_check_describes_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", f"--config.file={path}"]) == 0
    assert (
        capsys.readouterr().out
        == f"""\
{path}: valid
account production: https://api.ultravox.ai, at most 5 requests per second
  agent {ID} (Renewals)
  agent other (named by the API)
  discovery every 5m: *, except test-* old
  requests per minute: 3.2 with no live batches, 6.2 if every agent has some; {DISCOVERED}
account spare: http://localhost:8080, at most 5 requests per second
  agent third (named by the API)
  requests per minute: 2.5 with no live batches, 4.0 if every agent has some
polls: every 30s per agent with live batches, every 2m per agent without; at most 25s per poll
data: withdrawn when older than 10m
series: up to 1000 batches per agent; ended batches for 6h
"""
    )


def test_check_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", f"--config.file={path}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is True
    assert answer["source"] == str(path)
    assert [account["name"] for account in answer["config"]["accounts"]] == ["production", "spare"]


def test_the_logs_of_serve_redact_the_key_and_the_secrets_of_the_proxy() -> None:
    redactor = Redactor()
    account = Account(
        "a", api_key_env="KEY", proxy_url=ProxyUrl("http://user:CANARY1@proxy.example.com")
    )
    read_keys(Config((account,)), {"KEY": "CANARY2"}, redactor)
    assert redactor.clean("CANARY1 CANARY2 other") == "*** *** other"


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_check_names_the_proxy_without_its_credentials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    proxy = (
        "    proxy_url: http://user:CANARY@proxy.example.com:3128\n"
        "    proxy_connect_header: {X-Token: [CANARY]}\n"
    )
    account = "accounts:\n  - name: a\n    api_key_file: key\n    discover: {}\n"
    assert main(["check", *flags, f"--config.file={write(tmp_path, account + proxy)}"]) == 0
    out = capsys.readouterr().out
    named = '"http://***@proxy.example.com:3128"' if flags else "through the proxy http://proxy."
    assert named in out
    assert "CANARY" not in out


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


def test_check_describes_a_configuration_without_batch_series(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD + "batches: {per_batch_series: false}\n")
    assert main(["check", f"--config.file={path}"]) == 0
    assert "series: no single batches; ended batches for 6h\n" in capsys.readouterr().out


def test_check_warns_of_a_rate_limit_that_is_too_low(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace(
        "agents: [{id: third}]", "agents: [{id: third}]\n    requests_per_second: 0.05"
    )
    path = write(tmp_path, text)
    assert main(["check", f"--config.file={path}"]) == 0
    assert (
        "  warning: requests_per_second allows 3 per minute: polls will be late: raise it, or raise"
        " polling.interval\n"
    ) in capsys.readouterr().out


def test_check_warns_of_labels_that_are_usual_target_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The configuration is valid all the same: the exit status is 0."""
    path = write(tmp_path, GOOD.replace("{id: third}", "{id: third, labels: {pod: x, team: y}}"))
    assert main(["check", f"--config.file={path}"]) == 0
    (warning,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")
    ]
    assert warning.startswith("warning: accounts[spare].agents[].labels.pod (agents: 1): ")
    assert "'exported_pod'" in warning
    assert main(["check", f"--config.file={path}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == [warning.removeprefix("warning: ")]


async def test_check_live_lists_the_agents_and_the_cost_of_polling(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    busy, idle = simulator.add_agent("Renewals"), simulator.add_agent("Win\x1b[2Jback")
    for index in range(150):
        simulator.create(busy, created=1e9 + index, ended_at=None if index > 120 else 2e9)
    simulator.create(idle, ended_at=2e9)
    path = write_config(
        tmp_path, base_url, simulator.api_key, account={"discover": {}, "agents": [{"id": idle}]}
    )
    status, out, err = await run("check", "--live", f"--config.file={path}")
    assert (status, err) == (0, "")
    head, _, live = out.partition("live main: ")
    assert head.endswith("ended batches for 6h\n")
    assert re.sub(r"[+-]\d\.\d s", "+0.0 s", live) == (
        "passed\n"
        "  API key accepted\n"
        "  clock: +0.0 s from the API's (resolution 1 s)\n"
        "  agents found: 2 of 2, 1 with live batches\n"
        f"    {busy}  Renewals, live batches\n"
        f"    {idle}  'Win\\x1b[2Jback'\n"
        "  full listings: 3 pages\n"
        "  requests per minute: 4.8 now, 3.3 with no live batches,"
        " 6.3 if every agent has some; allowed: 12000\n"
    )
    status, out, _ = await run("check", "--live", "--json", f"--config.file={path}")
    assert status == 0
    (found,) = json.loads(out)["live"]
    assert [agent["pages"] for agent in found["agents"]] == [2, 1]


async def test_check_live_names_every_problem_and_exits_with_1(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    simulator.add_agent("Renewals")
    account = {"discover": {"include": ["Ren*", "x"]}, "agents": [{"id": "gone"}, {"id": "lost"}]}
    path = write_config(tmp_path, base_url, simulator.api_key, account=account)
    status, out, _ = await run("check", "--live", f"--config.file={path}")
    assert status == 1
    assert "live main: problems found\n  API key accepted\n" in out
    glob = "discover.include: 'x' matches none of 1 agents"
    assert f"  problem: {glob}: correct or remove it\n" in out
    assert out.endswith(
        "  problem: no agent has this id (HTTP 404): correct it or remove the agent (agents: 2)\n"
        "    gone\n"
        "    lost\n"
    )
    path = write_config(tmp_path, base_url, "wrong", account=account)
    status, out, _ = await run("check", "--live", f"--config.file={path}")
    assert status == 1
    assert out.endswith(
        "live main: problems found\n"
        "  problem: API key rejected (HTTP 403): put a valid key into api_key_file or api_key_env\n"
    )


def test_rules_prints_the_rules_with_the_thresholds_of_the_flags(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rules"]) == 0
    assert capsys.readouterr().out == (ROOT / "prometheus/ultravox.rules.yml").read_text("utf-8")
    assert main(["rules", "--stalled-after=20m", "--runbook-url=https://wiki.example/r/"]) == 0
    groups = yaml.safe_load(capsys.readouterr().out)["groups"]
    rules = (rule for group in groups for rule in group["rules"])
    stalled = next(rule for rule in rules if rule.get("alert") == "UltravoxBatchStalled")
    assert "offset 20m" in stalled["expr"]
    annotations = stalled["annotations"]
    assert annotations["summary"].endswith("none completed for 20m")
    assert annotations["runbook_url"] == "https://wiki.example/r/UltravoxBatchStalled.md"


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
    assert err.splitlines() == [
        f"{tmp_path}/config.yaml:1: accounts: the list is empty: expected at least one entry"
    ]


async def test_serve_without_a_configuration_names_the_three_ways(tmp_path: Path) -> None:
    status, _, err = await run(cwd=tmp_path, env=ENV)
    assert status == 2
    assert "--config.file=PATH" in err
    assert "config.yaml" in err
    assert "ULTRAVOX_API_KEY" in err


async def test_an_address_in_use_exits_with_1(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    with socket.create_server(("127.0.0.1", 0)) as used:
        address = f"127.0.0.1:{used.getsockname()[1]}"
        status, _, err = await run(f"--config.file={path}", f"--web.listen-address={address}")
    assert status == 1
    assert f"can't listen on {address}: Address already in use" in err


async def test_healthcheck_exits_with_0_only_for_a_running_exporter(
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
    assert err.startswith(f"{url}/-/healthy: no answer: ")
    assert "check that the exporter runs there" in err


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 11\r\n\r\nhanging: x\n",
            "HTTP 503: hanging: x",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "the answer is not HTTP: check --web.listen-address",
        ),
    ],
)
async def test_healthcheck_prints_why_an_exporter_is_not_healthy(
    answer: bytes, message: str
) -> None:
    async with responding(answer) as address:
        status, out, err = await run("healthcheck", f"--web.listen-address={address}")
    assert (status, out) == (1, "")
    assert err == f"http://{address}/-/healthy: {message}\n"


async def test_demo_prints_its_addresses_and_a_curl_command_that_works() -> None:
    async with started("demo", FREE_PORT) as exporter:
        await eventually(lambda: "Ctrl-C" in exporter.out, exporter.describe)
        openmetrics = {"Accept": "application/openmetrics-text"}
        assert (await exporter.get(headers=openmetrics))[1].endswith("# EOF\n")
        empty, api, *curls, metrics, last, end = exporter.out.split("\n")
        for curl in curls:
            program, flag, header, url = shlex.split(curl)
            assert (program, flag) == ("curl", "-H")
            assert url.startswith(api.split()[-1])
            name, _, value = header.partition(": ")
            async with exporter.session.get(url, headers={name: value}) as response:
                assert response.status == 200
        assert metrics.split() == ["metrics", await exporter.url()]
        assert await exporter.stop(signal.SIGINT) == 0
    assert re.fullmatch(r"simulated Ultravox API +http://127\.0\.0\.1:\d+", api)
    assert len(curls) == 2
    assert (empty, last, end) == ("", "Press Ctrl-C to stop both.", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_with_0_while_the_api_hangs(
    tmp_path: Path, simulator: Simulator, base_url: str, number: int
) -> None:
    """/metrics answers, /-/healthy is 200, and the process ends with status 0 in under 2 s."""
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
        assert "event=exporter_stopped" in exporter.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_with_0_while_it_starts(number: int) -> None:
    async with started("demo", FREE_PORT, env={"PYTHONVERBOSE": "1"}) as exporter:
        await eventually(lambda: "import 'aiohttp" in exporter.err, exporter.describe)
        assert await exporter.stop(number) == 0
    assert "Ctrl-C" not in exporter.out


async def test_an_interrupted_check_does_not_exit_with_0(
    tmp_path: Path, simulator: Simulator
) -> None:
    """Neither while it starts nor while it asks the API."""
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


async def test_a_thread_that_hangs_does_not_delay_the_exit() -> None:
    """A name server that does not answer blocks a thread that can't be cancelled."""
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
    assert b"level=critical event=exporter_crashed" in err
    assert b"ZeroDivisionError: with ***" in err
    assert b"canary-key" not in err


async def test_serve_warns_of_labels_that_are_usual_target_labels(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    agent = {"id": simulator.add_agent(), "labels": {"pod": "x"}}
    path = write_config(tmp_path, base_url, simulator.api_key, account={"agents": [agent]})
    async with started(f"--config.file={path}", FREE_PORT, "--log.level=warn") as exporter:
        await eventually(lambda: "label_collision_found" in exporter.err, exporter.describe)
    assert "level=warning event=label_collision_found account=main label=pod agents=1" in (
        exporter.err
    )
