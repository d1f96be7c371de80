"""The exporter as a process: its ports, its signals, its output."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml

PATIENCE = 30.0
"""Seconds after which waiting is a failure. No test waits for a fixed time."""

FREE_PORT = "--web.listen-address=127.0.0.1:0"


class Process:
    """A started exporter: its output so far, and its address."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.err = ""
        self.out = ""
        self.session = aiohttp.ClientSession()
        self._readers = [
            asyncio.create_task(self._read(process.stderr, "err")),
            asyncio.create_task(self._read(process.stdout, "out")),
        ]

    async def _read(self, stream: asyncio.StreamReader | None, name: str) -> None:
        assert stream is not None
        while line := await stream.readline():
            setattr(self, name, getattr(self, name) + line.decode())

    async def url(self, path: str = "/metrics") -> str:
        """Wait until the process listens, and return the URL of a path."""
        pattern = re.compile(
            r'(?:event=listening address=|"address":\s*"|listening\s+address=)([^\s"]+)'
        )
        await eventually(lambda: pattern.search(self.err), self.describe)
        found = pattern.search(self.err)
        assert found is not None
        return f"http://{found[1]}{path}"

    async def get(
        self, path: str = "/metrics", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Return the status and body of one GET."""
        async with self.session.get(await self.url(path), headers=headers) as response:
            return response.status, await response.text()

    async def scrape(self) -> dict[str, float]:
        """Return the samples of one scrape: `name{labels}` to value."""
        status, text = await self.get()
        assert status == 200
        return samples(text)

    async def until(self, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """Scrape until the samples meet the condition, and return them."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition(found := await self.scrape()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(self.describe()) from None
        return found

    async def ready(self) -> None:
        """Wait until every agent has been polled once."""
        async with asyncio.timeout(PATIENCE):
            while (await self.get("/-/ready"))[0] != 200:
                await asyncio.sleep(0.05)

    def describe(self) -> str:
        """Return exit status and output of the process, for the message of a failing test."""
        return f"status {self._process.returncode}\n{self.out}\n{self.err}"

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.signal(number)
        return await self.wait()

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Wait for the end of the process and of its output, and return the exit status."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._readers)
            return await self._process.wait()

    async def close(self) -> None:
        """End the process if it runs, and close the client session."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await self.wait()
        await self.session.close()


async def eventually(condition: Callable[[], object], describe: Callable[[], str]) -> None:
    """Wait until the condition is true; fail with `describe` after PATIENCE seconds."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(describe()) from None


@asynccontextmanager
async def started(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    descriptors: int | None = None,
) -> AsyncIterator[Process]:
    """Start `python -m exporter` with these arguments, and end it on exit.

    `descriptors`: how many the process may have open.
    """
    limited = ("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh") if descriptors else ()
    process = Process(
        await asyncio.create_subprocess_exec(
            *limited,
            sys.executable,
            "-m",
            "exporter",
            *arguments,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    )
    try:
        yield process
    finally:
        await process.close()


async def run(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run the exporter to its end; return exit status, standard output and standard error."""
    async with started(*arguments, cwd=cwd, env=env) as process:
        return await process.wait(), process.out, process.err


def write_config(folder: Path, base_url: str, key: str, **rest: object) -> Path:
    """Write a configuration with one account `main` (`account` keys override) and its key file."""
    (folder / "key").write_text(key + "\n")
    account = {
        "name": "main",
        "base_url": base_url,
        "api_key_file": "key",
        "requests_per_second": 200,
        **rest.pop("account", {}),  # type: ignore[dict-item]  # a mapping, by contract
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"accounts": [account], **rest}))
    return path


_LINE = re.compile(r"^([a-z_]+(?:\{.*\})?) (\S+)$")


def samples(text: str) -> dict[str, float]:
    """Return the samples of an exposition, `name{labels}` to value. No sample may occur twice."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = _LINE.match(line)
        assert match is not None, line
        assert match[1] not in found, line
        found[match[1]] = float(match[2])
    return found
