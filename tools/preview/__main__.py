"""`make picture`: draw `docs/images/dashboard.png`."""

import asyncio
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.preview.picture import PICTURE, draw

PROGRAMS = ("promtool", "prometheus", "chromium")

if __name__ == "__main__":
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    with TemporaryDirectory() as temporary:
        asyncio.run(draw(Path(temporary), PICTURE))
