"""Every rule of the file: what breaks it, and what is said then, to the letter."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from exporter.config import json_schema, load
from exporter.errors import ConfigError
from tests.config import BAD

RULES = sorted(path.stem for path in BAD.glob("*.yaml"))

# What a JSON Schema can't say, or no tool could see once the YAML has become plain values.
BEYOND_SCHEMA = {
    "account-name-twice",
    "agent-id-twice",
    "base-url-credentials",
    "base-url-http",
    "base-url-http-lookalike",
    "base-url-ipv6",
    "base-url-port",
    "base-url-blank",
    "duration-too-long",
    "duration-too-short",
    "key-duplicate",
    "merge-key",
    "label-name-merge",
    "polling-idle-interval-not-below-default-stale-after",
    "polling-interval-not-below-stale-after",
    "polling-stale-after-below-defaults",
    "polling-timeout-above-stale-after",
    "requests-per-second-octal",
    "tag-bool",
    "key-not-text",
    "alias-recursive",
    "label-name-bool",
    "api-key-file-block-text",
    "account-name-control-character",
}


def answer(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return f"{caught.value}\n"


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_answered_to_the_letter(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    assert answer(Path(f"{rule}.yaml")) == Path(f"{rule}.txt").read_text("utf-8")


def test_every_message_belongs_to_a_rule() -> None:
    assert sorted(path.stem for path in BAD.glob("*.txt")) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_no_message_repeats_a_secret(rule: str) -> None:
    """Bad files hold keys in many wrong places; their texts are never said again."""
    said = (BAD / f"{rule}.txt").read_text("utf-8")
    assert not any(secret in said for secret in ("Zx81", "sk_live", "AKIA"))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in BEYOND_SCHEMA])
def test_the_schema_refuses_the_same_files(rule: str) -> None:
    """Where the file is YAML of plain values at all."""
    try:
        content = yaml.safe_load((BAD / f"{rule}.yaml").read_bytes())
    except (yaml.YAMLError, ValueError, OverflowError):
        return
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"accounts:\n  - name: caf\xe9\n", ":2: not UTF-8: save the file in that encoding"),
        (b"\xff\xfe", ":1: not UTF-8: save the file in that encoding"),
        (b"a: b\nc: \x00\n", ":2: not valid YAML: character #x00 is not allowed"),
        (
            b"%YAML 1." + b"1" * 5000 + b"\n---\na: b\n",
            ":1: not valid YAML: a number is out of range",
        ),
        (b"\xef\xbb\xbf", ": the file is empty: expected a mapping with the key accounts"),
    ],
    ids=["latin-1", "utf-16", "nul", "version", "only-a-byte-order-mark"],
)
def test_bytes_that_are_no_yaml(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    assert answer(path) == f"{path}{expected}\n"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "absent.yaml"
    assert answer(path) == f"{path}: can't be read: No such file or directory\n"


def test_a_folder(tmp_path: Path) -> None:
    assert answer(tmp_path) == f"{tmp_path}: can't be read: Is a directory\n"


def test_aliases_cost_no_more_than_what_is_written(tmp_path: Path) -> None:
    """The same wrong agent 90,000 times over by aliases: its two problems are said once."""
    agents = ", ".join(["&agent {name: 1}", *["*agent"] * 299])
    first = f"  - {{name: a, api_key_env: K, agents: &agents [{agents}]}}\n"
    others = [f"  - {{name: a{n}, api_key_env: K, agents: *agents}}\n" for n in range(299)]
    path = tmp_path / "config.yaml"
    path.write_text("".join(["accounts:\n", first, *others]))
    assert answer(path).count("\n") == 2
