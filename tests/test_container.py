"""What the Dockerfile promises, read and not built: CI has no builder of images."""

import json
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.cli.flags import DEFAULT_ADDRESS
from exporter.cli.main import parse

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text().splitlines()
    if line and not line.startswith("#")
]


class Step(NamedTuple):
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    rest: str


def steps() -> list[Step]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    joined = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", joined)
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


STEPS = steps()
LAST_FROM = max(place for place, step in enumerate(STEPS) if step.name == "FROM")
BUILDER, FINAL = STEPS[:LAST_FROM], STEPS[LAST_FROM:]


def only(name: str) -> str:
    """Return the rest of the final stage's one instruction of that name."""
    (rest,) = (step.rest for step in FINAL if step.name == name)
    return rest


def exec_form(text: str) -> list[str]:
    """Return the words of `["program", "argument"]`; the shell form is no JSON and fails."""
    words = json.loads(text)
    assert isinstance(words, list)
    return words


def sources(stage: list[Step]) -> list[str]:
    """Return what the stage copies out of the repository."""
    copies = [step.rest.split() for step in stage if step.name == "COPY"]
    return [
        word
        for words in copies
        if not any(word.startswith("--from") for word in words)
        for word in words[:-1]
        if not word.startswith("--")
    ]


def pip_commands(verb: str) -> list[str]:
    commands = [
        part for step in STEPS if step.name == "RUN" for part in re.split(r"&&|;", step.rest)
    ]
    return [text for text in commands if re.search(rf"\bpip\b.*\s{verb}\s", text)]


def test_both_stages_have_the_same_pinned_base_which_the_project_supports() -> None:
    """A virtual environment refers to its interpreter by path: the bases may not differ."""
    bases = [step.rest.split()[0] for step in STEPS if step.name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    pinned = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", bases[0])
    assert pinned
    assert f"Programming Language :: Python :: {pinned[1]}" in PROJECT["classifiers"]


def test_the_user_is_a_number_and_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))


def test_the_entrypoint_is_the_console_script_which_serves_by_default() -> None:
    (script,) = exec_form(only("ENTRYPOINT"))
    assert script in PROJECT["scripts"]
    assert parse(exec_form(only("CMD"))).command == "serve"


def test_the_health_check_asks_what_the_default_command_serves() -> None:
    flags, _, command = only("HEALTHCHECK").partition("CMD")
    script, *arguments = exec_form(command)
    assert script in PROJECT["scripts"]
    options = parse(arguments)
    assert options.command == "healthcheck"
    assert [options.address] == list(parse(exec_form(only("CMD"))).listen_addresses)
    assert {"--interval", "--timeout", "--start-period"} <= set(re.findall(r"--[a-z-]+", flags))


def test_the_exposed_port_is_the_default_one() -> None:
    assert only("EXPOSE") == str(DEFAULT_ADDRESS.port)


def test_the_context_is_what_the_stages_copy_and_no_more() -> None:
    """An allow list: a key or a configuration beside the source never reaches the builder."""
    copied = sources(STEPS)
    assert IGNORED[0] == "*"
    assert sorted(copied) == sorted(line[1:] for line in IGNORED if line.startswith("!"))
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_the_wheel_is_built_of_what_the_builder_copies() -> None:
    assert {"pyproject.toml", PROJECT["readme"], "exporter"} <= set(sources(BUILDER))


def test_the_image_gets_the_virtual_environment_and_the_example_only() -> None:
    (from_builder,) = (
        step.rest for step in FINAL if step.name == "COPY" and "--from=" in step.rest
    )
    assert from_builder.split() == ["--from=builder", "/opt/venv", "/opt/venv"]
    assert sources(FINAL) == ["config.example.yaml"]


def test_what_is_downloaded_is_held_to_its_hash() -> None:
    """Everything else is the project's own wheel: installed without asking an index."""
    required = []
    for command in pip_commands("install"):
        named = re.findall(r"--requirement (\S+)", command)
        assert "--require-hashes" in command or {"--no-deps", "--no-index"} <= {*command.split()}
        required += named
    assert sorted(required) == ["requirements/build.txt", "requirements/runtime.txt"]
    (wheel,) = pip_commands("wheel")
    assert {"--no-deps", "--no-build-isolation"} <= {*wheel.split()}


def test_a_change_of_the_source_leaves_the_dependencies_cached() -> None:
    installed = [place for place, step in enumerate(BUILDER) if "--require-hashes" in step.rest]
    (copied,) = (
        place for place, step in enumerate(BUILDER) if step == ("COPY", "exporter exporter")
    )
    assert max(installed) < copied


def test_the_standard_library_is_compiled_while_the_user_may_still_write() -> None:
    names = [step.name for step in FINAL]
    assert names.index("RUN") < names.index("USER")


@pytest.mark.parametrize("word", ["://", "index-url", "trusted-host", "latest", "apt-get"])
def test_nothing_depends_on_where_it_is_built(word: str) -> None:
    assert word not in (ROOT / "Dockerfile").read_text()
