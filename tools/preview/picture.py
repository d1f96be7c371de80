"""The preview as a PNG file, by chromium."""

import asyncio
import json
import subprocess
from pathlib import Path

from tools.docs.pages import DASHBOARD
from tools.preview.history import write_samples
from tools.preview.html import WIDTH, preview_html
from tools.preview.prometheus import create_data, running
from tools.preview.viewer import View

PICTURE = DASHBOARD.parents[1] / "docs" / "images" / "dashboard.png"
SIZE = (WIDTH, 1128)
"""Width and height in pixels."""

FLAGS = (
    "--headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)


async def draw(folder: Path, picture: Path) -> None:
    """Draw the dashboard of the history's job `usual`; `folder` is for temporary files."""
    samples = folder / "history.txt"
    await write_samples(samples)
    await create_data("promtool", samples, folder / "data")
    async with running("prometheus", folder / "data") as prometheus:
        board = json.loads(DASHBOARD.read_text("utf-8"))
        view = await View.load(prometheus, board, "usual")
    await asyncio.to_thread(take_screenshot, "chromium", preview_html(view), folder, picture)


def take_screenshot(chromium: str, html: str, folder: Path, picture: Path) -> None:
    """Write the HTML as a PNG file of SIZE; `chromium` is the program's path."""
    file = folder / "preview.html"
    file.write_text(html, "utf-8")
    window = f"--window-size={SIZE[0]},{SIZE[1]}"
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [chromium, *FLAGS.split(), window, profile, f"--screenshot={picture}", file.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
