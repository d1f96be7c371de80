"""The project describes itself correctly: package maps, generated files, links, locked versions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.docs.pages import PAGES, ROOT

PACKAGES = sorted(
    path.parent for name in ("exporter", "tools") for path in (ROOT / name).rglob("__init__.py")
)
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    """If this fails, run `make docs`."""
    assert path.read_text("utf-8") == PAGES[path]()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_docstring_of_a_package_lists_its_modules(package: Path) -> None:
    """It names each module and each package once, and no other."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")))
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    listed = re.findall(r"^ *(\w+) {2,}\S", docstring or "", re.MULTILINE)
    assert sorted({*listed, "__main__"}) == sorted({*modules, *packages, "__main__"})
    assert len(listed) == len(set(listed))


def linked(page: Path) -> Iterator[Path]:
    """Yield the files of the repository that a page links to."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            yield (page.parent / target).resolve()


def test_the_readme_leads_to_every_page_and_no_link_is_broken() -> None:
    reached: set[Path] = set()
    unread = [ROOT / "README.md"]
    while unread:
        page = unread.pop()
        reached.add(page)
        for target in linked(page):
            assert target.exists(), f"{page.relative_to(ROOT)} links to {target}"
            if target.suffix == ".md" and target not in reached:
                unread.append(target)
    assert set((ROOT / "docs").rglob("*.md")) - reached == set()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_exact_versions_with_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert "index-url" not in text
    for requirement in re.split(r"\n(?=[a-z])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE)):
        assert re.match(r"[\w.-]+(\[[\w,]+\])?==\S+", requirement)
        assert "--hash=sha256:" in requirement
