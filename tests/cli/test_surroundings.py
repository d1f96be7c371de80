"""What the program inherits from a shell: environment, streams, working directory, signals."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.fake_api import Simulator
from tests.support.pipes import pipe
from tests.support.process import (
    FREE_PORT,
    PATIENCE,
    eventually,
    run,
    samples,
    started,
    write_config,
)
from tests.support.programs import free_address
from tools.docs.pages import ROOT

FULL = "can't write to standard output: No space left on device\n"

CONFIG = """\
accounts:
  - name: main
    api_key_env: KEY
    agents: [{id: one, name: Rénovations 🏠}]
"""


async def shell(command: str, cwd: Path, **env: str) -> tuple[int, str, str]:
    """Run a shell command; return its exit status, output and errors.

    In it, `exporter` is the program, and `background` is the program in place of a subshell.
    """
    program = f'"{sys.executable}" -m exporter "$@"'
    script = f"exporter() {{ {program}; }}\nbackground() {{ exec {program}; }}\n{command}"
    environ = {**os.environ, "KEY": "secret", **env}
    # Without it, a buffered text would be written when the program ends.
    environ.pop("PYTHONUNBUFFERED", None)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", script),
        cwd=cwd,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def python(*arguments: str, stderr: int, cwd: Path) -> AsyncIterator[Process]:
    """Start Python with these arguments, and end it on exit."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stderr=stderr, cwd=cwd
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answer(url: str) -> tuple[int, str]:
    """Return the status and body of one GET; 0 while nothing listens."""
    try:
        async with aiohttp.request("GET", url) as response:
            return response.status, await response.text()
    except aiohttp.ClientConnectionError:
        return 0, ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a valid configuration."""
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    return tmp_path


def files(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("name", ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"])
@pytest.mark.parametrize("value", ["/nowhere", "."])
async def test_the_folder_of_a_program_with_many_processes_is_not_used(
    name: str, value: str, folder: Path
) -> None:
    """`prometheus_client` would write a file for each process there."""
    status, out, err = await shell("exporter check", folder, **{name: value})
    assert (status, err) == (0, "")
    assert "config.yaml: valid" in out
    assert files(folder) == ["config.yaml"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/nowhere/keys", "No such file or directory"),
        ("folder", "Is a directory"),
        ("pipe", "No such device or address"),
    ],
)
async def test_a_file_of_tls_keys_that_cannot_be_written_is_ignored_with_a_warning(
    path: str, problem: str, folder: Path
) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    problem = f"the file can't be written: {problem}"
    status, out, err = await shell("exporter check", folder, SSLKEYLOGFILE=path)
    assert (status, err) == (0, "")
    assert out.endswith(f"warning: SSLKEYLOGFILE is ignored: {problem}\n")
    env = {"SSLKEYLOGFILE": path, "KEY": "secret"}
    async with started(FREE_PORT, cwd=folder, env=env) as exporter:
        await exporter.url()
        assert await exporter.stop() == 0
    line = f'event=environment_variable_ignored variable=SSLKEYLOGFILE problem="{problem}"'
    assert line in exporter.err


async def test_a_file_of_tls_keys_that_can_be_written_is_used(folder: Path) -> None:
    status, out, err = await shell("exporter check", folder, SSLKEYLOGFILE="keys")
    assert (status, err) == (0, "")
    assert "warning" not in out
    assert (folder / "keys").exists()


COMMANDS = {
    "check": 0,
    "check --json": 0,
    "check --config.file=absent": 2,
    "rules": 0,
    "--help": 0,
    "serve --version": 0,
    "nonsense": 2,
    "healthcheck --web.listen-address=127.0.0.1:1": 1,
}
"""Commands and their exit status."""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "2>/dev/full", "<&- >&- 2>&-"])
async def test_a_closed_stream_does_not_change_the_exit_status(closed: str, folder: Path) -> None:
    """A standard error that is full does not change it either."""
    for command, expected in COMMANDS.items():
        status, out, err = await shell(f"exporter {command} {closed}", folder)
        assert status == expected, command
        assert "Traceback" not in out + err
        assert bool(out) == (expected == 0 and closed.startswith("2")), command
        assert bool(err) == (expected != 0 and closed == ">&-"), command


async def test_an_output_that_is_full_fails_with_one_line(folder: Path) -> None:
    """A command that writes nothing there keeps its exit status."""
    for command, expected in COMMANDS.items():
        status, _, err = await shell(f"exporter {command} >/dev/full", folder)
        assert status == (expected or 1), command
        assert "Traceback" not in err
        assert (err == FULL) == (expected == 0), command


async def test_an_output_whose_reader_has_ended_fails_with_one_line(folder: Path) -> None:
    """The reader ends before the program writes."""
    script = "mkfifo pipe; { exporter check >pipe; echo $? >&2; } & exec 3<pipe; exec 3<&-; wait"
    _, _, err = await shell(script, folder)
    assert err == "can't write to standard output: Broken pipe\n1\n"


@pytest.mark.parametrize("streams", [">&-", "2>&-", "2>/dev/full", "<&- >&- 2>&-", ">/dev/full"])
async def test_the_exporter_serves_and_stops_without_usable_streams(
    streams: str, tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    """The health check is the only sign of life that is always there."""
    write_config(tmp_path, base_url, simulator.api_key, account={"discover": {}})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"--web.listen-address=127.0.0.1:{port}"
    script = (
        f"background {address} {streams} & "
        f"until exporter healthcheck {address} 2>&1; do sleep 0.1; done; "
        "kill -TERM $!; wait $!"
    )
    status, out, err = await shell(script, tmp_path)
    assert status == 0, (out, err)
    assert out.endswith("healthy\n")
    assert "Traceback" not in out + err
    assert simulator.requests


LONG_NAMES = [f"{letter}{'x' * 100_000}" for letter in "abcdefghijkl"]
"""Each is in a log line when the agent is discovered. Together they are longer than the queue."""


def polled(found: Mapping[str, float]) -> bool:
    """Return whether a poll of an agent has succeeded."""
    return any(name.startswith("ultravox_agent_up{") and found[name] == 1 for name in found)


async def test_a_log_that_nobody_reads_does_not_stop_the_exporter(
    tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    """Standard error is a full pipe: lines are dropped and counted, and all else goes on."""
    for name in LONG_NAMES:
        simulator.add_agent(name)
    write_config(tmp_path, base_url, simulator.api_key, account={"discover": {}})
    url = f"http://{free_address()}"
    flags = (f"--web.listen-address={url[7:]}", "--log.level=debug")
    with pipe() as full:
        full.fill()
        async with (
            python("-m", "exporter", *flags, stderr=full.write_end, cwd=tmp_path) as process,
            asyncio.timeout(PATIENCE),
        ):
            found: dict[str, float] = {}
            while not (found.get("ultravox_exporter_log_lines_dropped_total") and polled(found)):
                await asyncio.sleep(0.05)
                found = samples((await answer(f"{url}/metrics"))[1])
            assert (await answer(f"{url}/-/healthy"))[0] == 200
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0


async def test_a_crash_ends_the_process_when_nobody_reads_its_log() -> None:
    program = (
        "import sys\n"
        "from exporter import log\n"
        "log.configure('info', log.LogFormat.LOGFMT, log.Redactor())\n"
        "sys.excepthook = log.report_crash\n"
        "raise ZeroDivisionError\n"
    )
    with pipe() as full:
        full.fill()
        async with python("-c", program, stderr=full.write_end, cwd=ROOT) as process:
            async with asyncio.timeout(PATIENCE):
                assert await process.wait() == 1


async def test_the_demo_goes_on_when_its_output_is_full(tmp_path: Path) -> None:
    script = f"background demo {FREE_PORT} >/dev/full 2>log & "
    script += "until grep -q standard log; do sleep 0.1; done; kill -TERM $!; wait $!"
    status, _, _ = await shell(script, tmp_path)
    assert status == 0
    line = f'event=addresses_not_printed problem="{FULL.strip()}"'
    assert line in (tmp_path / "log").read_text()


async def test_a_deleted_working_directory_has_no_configuration(folder: Path) -> None:
    """A configuration with an absolute path is read, and the environment is."""
    gone = f"mkdir gone; cd gone; rmdir ../gone; export PYTHONPATH={ROOT};"
    absolute = f"{gone} exporter check --config.file={folder}/config.yaml"
    assert (await shell(absolute, folder))[0] == 0
    status, out, _ = await shell(f"{gone} exporter check", folder, ULTRAVOX_API_KEY="secret")
    assert (status, out.partition("\n")[0]) == (0, "environment variable ULTRAVOX_API_KEY: valid")
    for command in ("check", "serve"):
        status, out, err = await shell(f"{gone} exporter {command}", folder, ULTRAVOX_API_KEY="")
        assert (status, out, err.partition(":")[0]) == (2, "", "no configuration")
        assert err.count("\n") == 1
    relative = f"{gone} exporter check --config.file=config.yaml"
    assert await shell(relative, folder) == (
        2,
        "",
        "config.yaml: can't be read: No such file or directory\n",
    )


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
async def test_a_character_that_the_output_cannot_encode_is_escaped(
    env: Mapping[str, str], folder: Path
) -> None:
    """JSON stays JSON, whatever the encoding."""
    path = folder / "é.yaml"
    path.write_text(CONFIG, "utf-8")
    status, out, err = await shell(
        "exporter check --config.file=é.yaml | iconv -f latin1", folder, **env
    )
    assert (status, err) == (0, "")
    assert "novations \\U0001f3e0)" in out
    status, out, _ = await shell("exporter check --json --config.file=é.yaml", folder, **env)
    answer = json.loads(out)
    assert (answer["source"], status) == ("é.yaml", 0)
    assert answer["config"]["accounts"][0]["agents"][0]["name"] == "Rénovations 🏠"


async def test_a_path_that_is_not_utf_8_is_described(folder: Path) -> None:
    (folder / "config.yaml").rename(folder / os.fsdecode(b"\xe9.yaml"))
    script = "exporter check \"--config.file=$(printf '\\351.yaml')\""
    status, out, _ = await shell(script, folder)
    assert (status, out.partition("\n")[0]) == (0, "\\udce9.yaml: valid")
    status, out, _ = await shell(f"{script} --json", folder)
    assert status == 0
    assert json.loads(out)["source"] == "\udce9.yaml"


@pytest.mark.parametrize("command", ["serve", "demo"])
async def test_sighup_is_logged_and_ignored(
    command: str, tmp_path: Path, simulator: Simulator, base_url: str
) -> None:
    write_config(tmp_path, base_url, simulator.api_key, account={"discover": {}})
    async with started(command, FREE_PORT, cwd=tmp_path) as exporter:
        await exporter.url()

        def count_is(count: int) -> bool:
            return exporter.err.count("event=reload_signal_ignored") == count

        for count in (1, 2):
            exporter.signal(signal.SIGHUP)
            await eventually(partial(count_is, count), exporter.describe)
        assert (await exporter.get("/-/healthy"))[0] == 200
        assert await exporter.stop() == 0


async def test_sighup_while_it_starts_is_logged_and_ignored() -> None:
    async with started("demo", FREE_PORT, env={"PYTHONVERBOSE": "1"}) as exporter:
        await eventually(lambda: "import 'aiohttp" in exporter.err, exporter.describe)
        exporter.signal(signal.SIGHUP)
        await eventually(lambda: "event=reload_signal_ignored" in exporter.err, exporter.describe)
        await exporter.url()
        assert await exporter.stop() == 0


async def test_sighup_while_it_stops_does_not_change_the_exit_status() -> None:
    """Some service managers send it directly after SIGTERM."""
    async with started("demo", FREE_PORT) as exporter:
        await exporter.url()
        exporter.signal(signal.SIGTERM)
        exporter.signal(signal.SIGHUP)
        assert await exporter.wait() == 0


async def test_every_address_in_ipv6_is_every_address(tmp_path: Path) -> None:
    """`[::]` serves IPv4 clients too."""
    async with started("demo", "--web.listen-address=[::]:0", cwd=tmp_path) as exporter:
        port = (await exporter.url()).removesuffix("/metrics").rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]", "[::]"):
            flag = f"--web.listen-address={host}:{port}"
            assert await run("healthcheck", flag) == (0, "healthy\n", "")
        await eventually(lambda: "Ctrl-C" in exporter.out, exporter.describe)
    assert f"http://[::1]:{port}/metrics\n" in exporter.out
