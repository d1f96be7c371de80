"""The JSON Schema, the example and the page of the configuration match what is read."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exporter.config import (
    Account,
    Agent,
    Config,
    Discover,
    json_schema,
    load,
    resolve,
)
from exporter.config.schema import ROOT
from exporter.config.shapes import Field, ListOf, Section, fields
from exporter.errors import ConfigError
from tests import config as here

EXAMPLE = (here.ROOT / "config.example.yaml").read_text("utf-8")
DOCS = (here.ROOT / "docs" / "configuration.md").read_text("utf-8")
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def keys_of(
    section: Section, schema: Mapping[str, Any]
) -> Iterator[tuple[str, Field, Mapping[str, Any]]]:
    """Yield every key with its field and its schema; sections before their keys."""
    for name, field in fields(section.cls).items():
        own = schema["properties"][name]
        yield name, field, own
        is_list = isinstance(field.shape, ListOf)
        shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        if isinstance(shape, Section):
            yield from keys_of(shape, own["items"] if is_list else own)


KEYS = list(keys_of(ROOT, json_schema()))


def as_documented(default: object) -> str:
    """Return a default as `docs/configuration.md` writes it."""
    if isinstance(default, str):
        return default
    return f"{default:g}" if type(default) is float else json.dumps(default)


def test_the_json_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", sorted(here.GOOD.glob("*.yaml")), ids=lambda path: path.stem)
def test_good_files_load_and_are_valid(path: Path) -> None:
    load(path)
    VALIDATOR.validate(yaml.safe_load(path.read_bytes()))


def test_the_example_is_valid() -> None:
    VALIDATOR.validate(yaml.safe_load(EXAMPLE))


def test_the_example_loads_with_a_key_file_and_shows_the_defaults(tmp_path: Path) -> None:
    path, key = tmp_path / "config.yaml", tmp_path / "key"
    key.write_text("secret\n")
    path.write_text(EXAMPLE.replace("/run/secrets/ultravox", str(key)), "utf-8")
    agent = Agent("3c90c3cc-0d44-4b50-8888-8dd25736052a", "Renewals", {"team": "retention"})
    account = Account("production", api_key_file=str(key), agents=(agent,), discover=Discover())
    assert resolve(path, {}, tmp_path) == (Config((account,)), str(path))


@pytest.mark.parametrize(("name", "field", "schema"), KEYS)
def test_every_key_is_in_the_example(name: str, field: Field, schema: Mapping[str, Any]) -> None:
    del field, schema
    assert re.search(rf"^[ #-]*{name}:", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize(("name", "field", "schema"), KEYS)
def test_the_page_explains_every_key_with_its_default(
    name: str, field: Field, schema: Mapping[str, Any]
) -> None:
    """A section has a heading, or a row where it is optional. Every other key has a row."""
    rows = re.findall(rf"^\| `{name}` \| [^|]+ \| ([^|]+) \|", DOCS, re.MULTILINE)
    if not rows:
        assert isinstance(field.shape, Section | ListOf)
        assert f"## `{name}`\n" in DOCS
    elif field.required:
        assert "required" in rows
    elif schema.get("default") in (None, []) and name != "exclude":
        assert "none" in rows
    else:
        assert f"`{as_documented(schema['default'])}`" in rows


def test_the_page_shows_the_real_error_message(tmp_path: Path) -> None:
    source, message = re.findall(r"```(?:yaml|text)\n(.*?)```", DOCS, re.DOTALL)[-2:]
    path = tmp_path / "config.yaml"
    path.write_text(source, "utf-8")
    with pytest.raises(ConfigError) as caught:
        resolve(path, {}, tmp_path)
    assert f"{caught.value}\n".replace(f"{tmp_path}/", "") == message


def test_the_smallest_file_on_the_page_loads(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)[0], "utf-8")
    assert load(path).accounts[0].discover == Discover()
