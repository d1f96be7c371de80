"""Every rule of the file: a file that breaks it, and the exact error message."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from exporter.config import json_schema, load
from exporter.errors import ConfigError
from tests.config import BAD

RULES = sorted(path.stem for path in BAD.glob("*.yaml"))

# A JSON Schema can't express these rules, or they concern the YAML text and not its values.
BEYOND_SCHEMA = {
    "account-name-twice",
    "agent-id-twice",
    "base-url-credentials",
    "base-url-http",
    "base-url-http-lookalike",
    "base-url-empty-label",
    "base-url-ipv6",
    "base-url-long-host",
    "base-url-long-label",
    "base-url-port",
    "base-url-blank",
    "base-url-short-ipv4",
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


def message_for(path: Path) -> str:
    """Return the error message, with the file's name in place of its path."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return f"{caught.value}\n".replace(f"{path.parent}/", "")


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_has_its_exact_message(rule: str) -> None:
    assert message_for(BAD / f"{rule}.yaml") == (BAD / f"{rule}.txt").read_text("utf-8")


def test_every_message_belongs_to_a_rule() -> None:
    assert sorted(path.stem for path in BAD.glob("*.txt")) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_no_message_repeats_a_secret(rule: str) -> None:
    """Bad files contain keys in many wrong places. No message repeats them."""
    message = (BAD / f"{rule}.txt").read_text("utf-8")
    assert not any(secret in message for secret in ("Zx81", "sk_live", "AKIA"))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in BEYOND_SCHEMA])
def test_the_schema_refuses_the_same_files(rule: str) -> None:
    """If the file is YAML of plain values."""
    try:
        content = yaml.safe_load((BAD / f"{rule}.yaml").read_bytes())
    except (yaml.YAMLError, ValueError, OverflowError):
        return
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"accounts:\n  - name: caf\xe9\n", ":2: not UTF-8: save the file in UTF-8"),
        (b"\xff\xfe", ":1: not UTF-8: save the file in UTF-8"),
        (b"a: b\nc: \x00\n", ":2: not valid YAML: character #x00 is not allowed"),
        (
            b"%YAML 1." + b"1" * 5000 + b"\n---\na: b\n",
            ":1: not valid YAML: a number is out of range",
        ),
        (b"\xef\xbb\xbf", ": the file is empty: expected a mapping with the key accounts"),
    ],
    ids=["latin-1", "utf-16", "nul", "version", "only-a-byte-order-mark"],
)
def test_bytes_that_are_not_yaml_are_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    assert message_for(path) == f"config.yaml{expected}\n"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "absent.yaml"
    assert message_for(path) == "absent.yaml: can't be read: No such file or directory\n"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert message_for(tmp_path) == f"{tmp_path.name}: can't be read: Is a directory\n"


def test_an_aliased_node_is_read_once(tmp_path: Path) -> None:
    """Aliases repeat a wrong agent 90,000 times: its two problems are reported once."""
    agents = ", ".join(["&agent {name: 1}", *["*agent"] * 299])
    first = f"  - {{name: a, api_key_env: K, agents: &agents [{agents}]}}\n"
    others = [f"  - {{name: a{n}, api_key_env: K, agents: *agents}}\n" for n in range(299)]
    path = tmp_path / "config.yaml"
    path.write_text("".join(["accounts:\n", first, *others]))
    assert message_for(path).count("\n") == 2
