"""A real Alertmanager with the routes of the example, and a receiver of its notifications."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.support.programs import serving
from tools.docs.pages import ROOT

EXAMPLE = ROOT / "prometheus" / "examples" / "alertmanager.yml"
"""The example configuration for users."""

PLACEHOLDER = "http://localhost:5001"
"""The address to which the example sends notifications."""

Labels = Mapping[str, str]


class Alertmanager:
    """A client of a running Alertmanager's API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.address = url.removeprefix("http://")
        self._alerts = f"{url}/api/v2/alerts"
        self._session = session

    async def fire(self, alerts: Iterable[Labels]) -> None:
        """Send firing alerts."""
        body = [{"labels": labels} for labels in alerts]
        async with self._session.post(self._alerts, json=body) as response:
            assert response.status == 200, await response.text()

    async def alerts(self) -> list[Any]:
        """Return the active alerts, each with the alerts that inhibit it."""
        async with self._session.get(self._alerts) as response:
            found: list[Any] = await response.json()
            return found


@asynccontextmanager
async def alerting(config: Path) -> AsyncIterator[Alertmanager]:
    """Run an Alertmanager with this configuration, and its data in the same folder."""
    flags = (
        f"--config.file={config}",
        f"--storage.path={config.parent / 'alertmanager'}",
        # Empty: it opens no port for a cluster of Alertmanagers.
        "--cluster.listen-address=",
        "--log.level=warn",
    )
    async with serving("prometheus-alertmanager", *flags) as (url, session):
        yield Alertmanager(url, session)


class Receiver:
    """A receiver. `notifications` are the bodies, each with the request's path as `path`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.notifications: list[Any] = []

    def alerts(self) -> list[Any]:
        """Return the alerts of all notifications, each with the path of its request."""
        return [
            {**alert, "path": each["path"]}
            for each in self.notifications
            for alert in each["alerts"]
        ]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Receive notifications over HTTP while the context is open."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)

    async def take(request: web.Request) -> web.Response:
        receiver.notifications.append({**await request.json(), "path": request.path})
        return web.Response()

    app.router.add_post("/{path:.*}", take)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver = Receiver(f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield receiver
    finally:
        await runner.cleanup()
