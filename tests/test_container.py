"""The Dockerfile is correct as text: CI cannot build images, so these tests read the file."""

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
    """One instruction of the Dockerfile, on one line."""

    name: str
    rest: str


def steps() -> list[Step]:
    """Return the instructions of the Dockerfile, in order, without comments."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    joined = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", joined)
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


STEPS = steps()
LAST_FROM = max(place for place, step in enumerate(STEPS) if step.name == "FROM")
BUILDER, FINAL = STEPS[:LAST_FROM], STEPS[LAST_FROM:]


def only(name: str) -> str:
    """Return the arguments of the instruction; it must occur once in the final stage."""
    (rest,) = (step.rest for step in FINAL if step.name == name)
    return rest


def exec_form(text: str) -> list[str]:
    """Return the words of `["program", "argument"]`; the shell form is not JSON and fails."""
    words = json.loads(text)
    assert isinstance(words, list)
    return words


def sources(stage: list[Step]) -> list[str]:
    """Return the paths of the repository that the stage copies."""
    copies = [step.rest.split() for step in stage if step.name == "COPY"]
    return [
        word
        for words in copies
        if not any(word.startswith("--from") for word in words)
        for word in words[:-1]
        if not word.startswith("--")
    ]


def pip_commands(verb: str) -> list[str]:
    """Return the commands that call a subcommand of pip, such as `install`."""
    commands = [
        part for step in STEPS if step.name == "RUN" for part in re.split(r"&&|;", step.rest)
    ]
    return [text for text in commands if re.search(rf"\bpip\b.*\s{verb}\s", text)]


def test_both_stages_use_one_pinned_base_with_a_supported_python() -> None:
    """A virtual environment refers to its interpreter by path, so the bases must be equal."""
    bases = [step.rest.split()[0] for step in STEPS if step.name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    pinned = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", bases[0])
    assert pinned
    assert f"Programming Language :: Python :: {pinned[1]}" in PROJECT["classifiers"]


def test_the_user_is_numeric_and_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))


def test_the_entrypoint_is_the_console_script_and_its_default_command_is_serve() -> None:
    (script,) = exec_form(only("ENTRYPOINT"))
    assert script in PROJECT["scripts"]
    assert parse(exec_form(only("CMD"))).command == "serve"


def test_the_health_check_requests_the_default_listen_address() -> None:
    flags, _, command = only("HEALTHCHECK").partition("CMD")
    script, *arguments = exec_form(command)
    assert script in PROJECT["scripts"]
    options = parse(arguments)
    assert options.command == "healthcheck"
    assert [options.address] == list(parse(exec_form(only("CMD"))).listen_addresses)
    assert {"--interval", "--timeout", "--start-period"} <= set(re.findall(r"--[a-z-]+", flags))


def test_the_exposed_port_is_the_default_port() -> None:
    assert only("EXPOSE") == str(DEFAULT_ADDRESS.port)


def test_the_build_context_contains_only_what_the_stages_copy() -> None:
    """The allow list keeps API keys and configurations away from the builder."""
    copied = sources(STEPS)
    assert IGNORED[0] == "*"
    assert sorted(copied) == sorted(line[1:] for line in IGNORED if line.startswith("!"))
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_the_builder_copies_all_files_that_the_wheel_needs() -> None:
    needed = {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "exporter"}
    assert needed <= set(sources(BUILDER))


def test_the_label_of_the_licence_is_that_of_the_project() -> None:
    labels = dict(re.findall(r'([\w.]+)="([^"]*)"', only("LABEL")))
    assert labels["org.opencontainers.image.licenses"] == PROJECT["license"]
    assert labels["org.opencontainers.image.title"] == PROJECT["name"]
    assert labels["org.opencontainers.image.description"] == PROJECT["description"]


def test_the_final_stage_copies_only_the_virtual_environment_and_the_example() -> None:
    (from_builder,) = (
        step.rest for step in FINAL if step.name == "COPY" and "--from=" in step.rest
    )
    assert from_builder.split() == ["--from=builder", "/opt/venv", "/opt/venv"]
    assert sources(FINAL) == ["config.example.yaml"]


def test_pip_checks_the_hash_of_every_download() -> None:
    """The only other package is the wheel of the project, installed without an index."""
    required = []
    for command in pip_commands("install"):
        named = re.findall(r"--requirement (\S+)", command)
        assert "--require-hashes" in command or {"--no-deps", "--no-index"} <= {*command.split()}
        required += named
    assert sorted(required) == ["requirements/build.txt", "requirements/runtime.txt"]
    (wheel,) = pip_commands("wheel")
    assert {"--no-deps", "--no-build-isolation"} <= {*wheel.split()}


def test_a_change_of_the_source_keeps_the_dependencies_in_the_build_cache() -> None:
    installed = [place for place, step in enumerate(BUILDER) if "--require-hashes" in step.rest]
    (copied,) = (
        place for place, step in enumerate(BUILDER) if step == ("COPY", "exporter exporter")
    )
    assert max(installed) < copied


def test_the_standard_library_is_compiled_as_root() -> None:
    names = [step.name for step in FINAL]
    assert names.index("RUN") < names.index("USER")


@pytest.mark.parametrize("word", ["://", "index-url", "trusted-host", "latest", "apt-get"])
def test_the_build_does_not_depend_on_the_builder_or_its_network(word: str) -> None:
    assert word not in (ROOT / "Dockerfile").read_text()
