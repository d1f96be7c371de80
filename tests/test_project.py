"""The files of the repository that no program of ours reads are correct: licence, CI, forms."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.docs.pages import PAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
GITHUB = ROOT / ".github"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
TARGETS = {
    name: (needs.split(), text)
    for name, needs, text in re.findall(
        r"^(\w+):(.*?)## (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
}
"""By target of the Makefile: what it depends on, and its help text."""

APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the text that the Apache Software Foundation publishes."""

ELEMENTS = {"checkboxes", "dropdown", "input", "markdown", "textarea"}
"""Types of the elements of an issue form."""


def read(path: Path) -> Any:  # noqa: ANN401 - YAML of many shapes
    """Return the content of a YAML file; every scalar is text (`on` is not a boolean)."""
    return yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - BaseLoader is safe


def supported_versions() -> list[str]:
    """Return the Python versions of the classifiers, such as `3.11`."""
    return re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))


def test_the_licence_is_apache_2() -> None:
    """The classifiers of licences are deprecated in favour of `license`, so there is none."""
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert not [each for each in PROJECT["classifiers"] if each.startswith("License")]


def test_the_package_is_typed_as_its_classifier_says() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "exporter" / "py.typed").is_file()


def test_the_urls_are_of_one_repository() -> None:
    home = PROJECT["urls"]["Homepage"]
    assert all(f"{url}/".startswith(f"{home}/") for url in PROJECT["urls"].values())


def test_each_phony_target_has_a_help_text() -> None:
    phony = re.findall(r"^\.PHONY: (\w+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert sorted(TARGETS) == sorted(phony)


def test_the_whole_suite_is_the_sum_of_its_parts() -> None:
    assert TARGETS["test"][0] == ["lint", "types", "unit", "e2e"]


@pytest.mark.parametrize(
    "path",
    [
        *(ROOT / name for name in (".ci/run", ".pre-commit-config.yaml", "README.md")),
        *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md")),
        *(ROOT / "docs").rglob("*.md"),
        *GITHUB.rglob("*.*"),
    ],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_a_file_names_only_targets_that_exist(path: Path) -> None:
    """In code: after a backtick, on a line of its own, in a code block, or as a hook's entry."""
    text = path.read_text("utf-8")
    named = re.findall(r"(?:`|^ {4}|entry: )make ([a-z]\w*)", text, re.MULTILINE)
    named += re.findall(r"^make ([a-z]\w*)(?= *#|$)", text, re.MULTILINE)
    assert set(named) <= TARGETS.keys()


def test_ci_runs_the_commands_of_a_developer() -> None:
    commands = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert commands[-2:] == ["make test", "make mutants"]


def test_the_workflow_calls_the_ci_script_and_may_only_read() -> None:
    path = GITHUB / "workflows" / "ci.yml"
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in path.read_text("utf-8")
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    assert int(job["timeout-minutes"]) <= 120
    assert job["strategy"]["matrix"]["python"] == supported_versions()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_actions_are_pinned_by_major_version_and_keep_no_credentials() -> None:
    (job,) = read(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    (checkout,) = (step for step in job["steps"] if "uses" in step)
    assert re.fullmatch(r"actions/checkout@v\d+", checkout["uses"])
    assert checkout["with"] == {"persist-credentials": "false"}


def test_dependabot_reads_folders_that_have_what_it_updates() -> None:
    content = read(GITHUB / "dependabot.yml")
    assert content["version"] == "2"
    files = {"pip": "*.txt", "github-actions": ".github/workflows/*.yml", "docker": "Dockerfile"}
    assert {update["package-ecosystem"] for update in content["updates"]} == files.keys()
    for update in content["updates"]:
        folder = ROOT / update["directory"].lstrip("/")
        assert list(folder.glob(files[update["package-ecosystem"]]))
        assert update["schedule"]["interval"] in {"daily", "weekly", "monthly"}


def test_each_hook_calls_a_linter_of_the_makefile() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    assert [hook["entry"] for hook in repository["hooks"]] == ["make lint", "make types"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_the_documented_shape(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    ids = [element["id"] for element in form["body"] if element["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0
    for element in form["body"]:
        kind, attributes = element["type"], element["attributes"]
        assert kind in ELEMENTS
        assert attributes["value" if kind == "markdown" else "label"]
        assert (kind == "dropdown") is ("options" in attributes)


def test_there_is_a_form_for_bugs_features_and_wrong_alerts() -> None:
    assert [path.stem for path in FORMS] == ["bug", "feature", "wrong-alert"]
    assert read(GITHUB / "ISSUE_TEMPLATE" / "config.yml") == {"blank_issues_enabled": "false"}


@pytest.mark.parametrize(
    "path",
    [*GITHUB.rglob("*.*"), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"],
    ids=lambda path: path.name,
)
def test_a_file_names_only_paths_that_exist(path: Path) -> None:
    """In backticks: names with a slash or with the ending of a page."""
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.md)`", path.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def patterns(attribute: str) -> list[str]:
    """Return the patterns of .gitattributes that have this attribute."""
    lines = (ROOT / ".gitattributes").read_text("utf-8").splitlines()
    return [line.split()[0] for line in lines if attribute in line.split()[1:]]


def test_generated_files_are_marked_for_reviews() -> None:
    generated = [*PAGES, *(ROOT / "requirements").glob("*.txt")]
    paths = [path.relative_to(ROOT) for path in generated]
    marks = patterns("linguist-generated")
    assert [path for path in paths if not any(path.match(mark) for mark in marks)] == []


@pytest.mark.parametrize("pattern", [*patterns("linguist-generated"), *patterns("-text")])
def test_a_pattern_of_git_attributes_matches_a_file(pattern: str) -> None:
    assert list(ROOT.glob(pattern))
