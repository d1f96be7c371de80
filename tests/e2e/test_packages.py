"""The packages that are published: the wheel has the exporter only, and the sdist can be tested."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from exporter import __version__
from tools.docs.pages import ROOT

SUBSET = (
    "tests/config",
    "tests/test_container.py",
    "tests/test_project.py",
    "tests/test_structure.py",
)
"""Tests that run from the sdist in CI: few, and they read most files of the repository."""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program; return its standard output, and fail with all its output if it fails."""
    # An option of the outer run, such as `-n`, must not reach the inner one.
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def built(target: str, folder: Path) -> Path:
    """Build one package, `wheel` or `sdist`, and return its path. The network is not used."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=ROOT)
    (package,) = folder.iterdir()
    return package


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the files of the sdist."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(built("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"ultravox_batch_exporter-{__version__}"


def files(folder: Path) -> set[str]:
    """Return the paths of all files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found}


def test_the_wheel_has_the_exporter_its_types_and_its_licence_and_nothing_else(
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(built("wheel", tmp_path)) as wheel:
        names = set(wheel.namelist())
        metadata = f"ultravox_batch_exporter-{__version__}.dist-info"
        described = message_from_string(wheel.read(f"{metadata}/METADATA").decode())
    code = {name for name in names if name.startswith("exporter/")}
    assert {name.partition("/")[0] for name in names - code} == {metadata}
    assert code == {
        f"exporter/{name}" for name in files(ROOT / "exporter") if "__pycache__" not in name
    }
    assert "exporter/py.typed" in code
    assert f"{metadata}/licenses/LICENSE" in names
    assert described["License-Expression"] == "Apache-2.0"
    assert described["Version"] == __version__


def test_the_sdist_has_every_tracked_file(sdist: Path) -> None:
    """A key or a configuration that somebody keeps beside the tracked files does not get in."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a clone of the repository")
    # Git refuses to read a clone of another user, as in a container, unless this is set.
    listed = run(git, "-c", "safe.directory=*", "ls-files", "-z", cwd=ROOT).split("\0")
    tracked = {name for name in listed if name and (ROOT / name).is_file()}
    assert tracked - files(sdist) == set()
    top_level = {name.partition("/")[0] for name in tracked}
    assert {path.name for path in sdist.iterdir()} == {*top_level, "PKG-INFO"}


def test_tests_pass_from_the_sdist(sdist: Path) -> None:
    """All of them can be collected there, and the subset passes."""
    pytest_ = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    collected = run(*pytest_, "--collect-only", cwd=sdist)
    assert "tests/e2e/test_packages.py::" in collected
    assert "passed" in run(*pytest_, *SUBSET, cwd=sdist)
