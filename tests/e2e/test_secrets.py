"""No output of the exporter has the API key or anything that the API keeps secret."""

import asyncio
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.log import LogFormat
from exporter.simulator import demo_account
from tests.fake_api import CANARIES, Fault, Simulator, serve
from tests.fake_api import faults as f
from tests.support.connect_proxy import connect_proxy
from tests.support.process import FREE_PORT, Process, eventually, run, started, write_config
from tests.support.tls import door, issued, self_signed

KEY = "CANARYk1.CanaryCanaryCanaryCanaryCanary00"
NEXT_KEY = "CANARYk2.CanaryCanaryCanaryCanaryCanary00"
SECRETS = (KEY, KEY.split(".", maxsplit=1)[0], NEXT_KEY, *CANARIES)

BREAKING: tuple[f.Effect, ...] = (
    f.Status(403, body=f'{{"detail":"Invalid API key {KEY}"}}'),
    f.Status(500, body=f"<pre>{KEY} {CANARIES[0]}</pre>", content_type="text/html"),
    f.Status(429, retry_after=1),
    f.Replace(f'{{"results": "{KEY}"}}'.encode()),
    f.Replace(f"not json {KEY} {CANARIES[0]}".encode()),
    f.WrongType("totalCount", KEY),
    f.WrongType("batchId", None),
    f.WrongType("agentId", [CANARIES[2]]),
    f.Missing("created"),
    f.CutBody(),
    f.CorruptGzip(garbage=True),
    f.Redirect(f"http://127.0.0.1:1/?key={KEY}"),
    f.ForeignNext(f"http://{KEY}.invalid"),
    f.RepeatNext(),
    f.Reset(),
    f.Hang(),
)
PATHS = ("/", "/metrics", "/-/healthy", "/-/ready", "/nowhere", f"/{'x' * 9000}")


async def pages(exporter: Process) -> list[str]:
    """Return every response of the exporter, errors included."""
    found = [(await exporter.get(path))[1] for path in PATHS]
    for method in ("POST", "PUT", "DELETE"):
        async with exporter.session.request(method, await exporter.url()) as response:
            found.append(f"{response.headers} {await response.text()}")
    openmetrics = {"Accept": "application/openmetrics-text"}
    return [*found, (await exporter.get(headers=openmetrics))[1]]


async def pages_during(exporter: Process, simulator: Simulator, effect: f.Effect) -> list[str]:
    """Return everything that is served after a fault has affected a request."""
    handle = simulator.faults.add(Fault(effect=effect, times=8))
    await eventually(lambda: handle.hits, exporter.describe)
    found = await pages(exporter)
    handle.remove()
    return found


def assert_clean(*texts: str) -> None:
    """Check that no text contains a secret."""
    for text in texts:
        for secret in SECRETS:
            assert secret not in text


async def test_no_secret_in_any_log_or_page_whatever_the_api_does(tmp_path: Path) -> None:
    """Level `debug`, each format, each fault, configured and discovered agents."""
    async with asyncio.TaskGroup() as together:
        for form in LogFormat:
            folder = tmp_path / form
            folder.mkdir()
            together.create_task(everything_is_clean(folder, form))


async def everything_is_clean(folder: Path, form: LogFormat) -> None:
    """Run an exporter from start to end, with one fault after the other; check its output."""
    simulator = Simulator(demo_account(), api_key=KEY)
    known = simulator.account.agents[0].agent_id
    polling = {"interval": "1s", "idle_interval": "1s", "timeout": "1s"}
    account = {"agents": [{"id": known}], "discover": {"interval": "1s"}}
    async with serve(simulator) as base_url:
        batches = {"outcomes": True, "outcomes_interval": "1s"}
        path = write_config(
            folder, base_url, KEY, account=account, polling=polling, batches=batches
        )
        flags = (f"--config.file={path}", FREE_PORT, "--log.level=debug", f"--log.format={form}")
        async with started(*flags) as exporter:
            await exporter.ready()
            served = await pages(exporter)
            assert "ultravox_batch_info" in served[1]
            for effect in BREAKING:
                served += await pages_during(exporter, simulator, effect)
            (folder / "key").write_text(NEXT_KEY)
            simulator.api_key = NEXT_KEY
            refused = simulator.faults.add(
                Fault(effect=f.Status(403, body=f"Invalid API key {NEXT_KEY}"), times=8)
            )
            await eventually(
                lambda: refused.hits and "key_file_reloaded" in exporter.err, exporter.describe
            )
            served += await pages(exporter)
            assert await exporter.stop() == 0
    assert "agent_poll_failed" in exporter.err
    assert_clean(exporter.out, exporter.err, *served)


PROXY_SECRETS = ("CANARYp1%2Fword", "CANARYp1/word", "CANARYh1", "Q0FOQVJZdTE6Q0FOQVJZcDEvd29yZA==")


@pytest.mark.parametrize("status", [200, 407, 502])
@pytest.mark.parametrize("source", ["file", "environment"])
async def test_no_secret_of_a_proxy_in_any_log_or_page(
    tmp_path: Path, status: int, source: str
) -> None:
    """Credentials in its URL and headers for it, whatever it answers; and for `check --live`."""
    simulator = Simulator(demo_account(), api_key=KEY)
    authority = self_signed(tmp_path, "authority", "IP:127.0.0.1")
    certificate = issued(tmp_path, "certificate", "DNS:api.invalid", authority)
    async with (
        serve(simulator) as base_url,
        door(base_url, certificate) as server,
        connect_proxy(server.url) as proxy,
    ):
        proxy.status = status
        url = proxy.url.replace("//", "//CANARYu1:CANARYp1%2Fword@")
        by_source: dict[str, dict[str, object]] = {
            "file": {"proxy_url": url},
            "environment": {"proxy_from_environment": True},
        }
        account = {
            "discover": {"interval": "1s"},
            "tls_config": {"ca_file": "authority.pem"},
            "proxy_connect_header": {"X-Token": ["CANARYh1"]},
            **by_source[source],
        }
        host = server.url.replace("127.0.0.1", "api.invalid")
        path = write_config(tmp_path, host, KEY, account=account)
        env = {"HTTPS_PROXY": url, "NO_PROXY": "other.invalid"}
        config = f"--config.file={path}"
        async with started(config, FREE_PORT, "--log.level=debug", env=env) as exporter:
            if status == 200:
                await exporter.ready()
            await eventually(lambda: proxy.heads, exporter.describe)
            expected = "agent_poll_succeeded" if status == 200 else "account_probe_failed"
            await eventually(lambda: expected in exporter.err, exporter.describe)
            served = await pages(exporter)
            assert await exporter.stop() == 0
        checked, out, err = await run("check", config, "--live", env=env)
    assert checked == (0 if status == 200 else 1)
    assert "through the proxy http://127.0.0.1:" in out
    assert all(PROXY_SECRETS[-1] in head and "CANARYh1" in head for head in proxy.heads)
    for text in (exporter.out, exporter.err, *served, out, err):
        assert not [secret for secret in (*PROXY_SECRETS, "CANARYu1") if secret in text]
    assert_clean(exporter.err, *served, *proxy.heads)


PASTED = (
    f"api_key: {KEY}",
    f"api_key_env: {KEY}",
    f"api_key_file: {KEY}",
    f"{KEY}: x",
    f"base_url: https://user:{KEY}@api.ultravox.ai",
    f"base_url: https://api.ultravox.ai/?key={KEY}",
    f"agents: [{KEY}]",
    f"proxy_url: socks5://user:{KEY}@proxy.example.com",
    f"proxy_url: http://proxy.example.com/{KEY}",
    f"proxy_connect_header: {{Proxy-Authorization: [{KEY}]}}",
    f"tls_config: {{ca_file: {KEY}}}",
    f'api_key_file: "{KEY}',
)
"""The key in every place of the file where an operator may put it by mistake."""


@pytest.mark.parametrize("line", PASTED)
@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], []])
def test_no_secret_in_messages_about_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, arguments: list[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"accounts:\n- name: main\n  discover: {{}}\n  {line}\n")
    assert main([*arguments, f"--config.file={path}"]) == 2
    out, err = capsys.readouterr()
    assert out or err
    assert_clean(out, err)


@pytest.mark.parametrize("key", [KEY, NEXT_KEY])
async def test_no_secret_in_the_output_of_check(tmp_path: Path, key: str) -> None:
    """With and without `--live`, with a key that is accepted and with one that is rejected."""
    simulator = Simulator(demo_account(), api_key=KEY)
    async with serve(simulator) as base_url:
        path = write_config(tmp_path, base_url, key, account={"discover": {}})
        for flags in ([], ["--json"], ["--live"], ["--live", "--json"]):
            status, out, err = await run("check", f"--config.file={path}", *flags)
            assert status == (1 if "--live" in flags and key != KEY else 0)
            assert_clean(out, err)
