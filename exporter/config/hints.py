"""What to say about a node that has no place in its shape."""

import difflib
from collections.abc import Iterable
from typing import Final

import yaml

from exporter.config.shapes import Leaf, ListOf, Record, Shape

_STANDARD: Final = "tag:yaml.org,2002:"
_FOUND: Final = {
    (yaml.ScalarNode, "str"): "text",
    (yaml.ScalarNode, "int"): "a number",
    (yaml.ScalarNode, "float"): "a number",
    (yaml.ScalarNode, "bool"): "true or false (as YAML reads yes, no, on and off)",
    (yaml.ScalarNode, "timestamp"): "a date",
    (yaml.ScalarNode, "null"): "nothing",
    (yaml.ScalarNode, "value"): "a sign that YAML keeps for itself",
    (yaml.ScalarNode, "merge"): "a sign that YAML keeps for itself",
    (yaml.SequenceNode, "seq"): "a list",
    (yaml.MappingNode, "map"): "a mapping",
}
_SECRETS: Final = ("key", "apikey", "token", "secret", "password", "ultravoxapikey", "xapikey")


def kind(node: yaml.Node) -> str:
    """Return YAML's short name for what a node is (`str`, `int`, `map`), or the tag it carries."""
    return node.tag.removeprefix(_STANDARD)


def mismatch(shape: Shape, node: yaml.Node) -> str:
    """Return the message for a node that is not of the shape's kind."""
    found = _FOUND.get((type(node), kind(node)))
    if found is None:
        return f"expected {shape.expected}, found a YAML tag: only plain values are read"
    return f"expected {shape.expected}, found {found}{_advice(shape, node)}"


def _advice(shape: Shape, node: yaml.Node) -> str:
    if isinstance(shape, Record) and kind(node) in {"null", "bool"}:
        return ": write {} for the defaults"
    if kind(node) == "null":
        return ""
    if isinstance(shape, ListOf):
        return ": begin each entry with '-'"
    quotable = isinstance(shape, Leaf) and shape.kinds == ("str",)
    return ": put it in quotes" if quotable and isinstance(node, yaml.ScalarNode) else ""


def unknown_key(name: str, allowed: Iterable[str]) -> str:
    """Return the message for a key that a record does not have."""
    if name.lower().replace("_", "").replace("-", "") in _SECRETS:
        return "unknown key: the API key is not written here, use api_key_file or api_key_env"
    near = difflib.get_close_matches(name, allowed, n=1)
    if near:
        return f"unknown key (did you mean '{near[0]}'?)"
    return f"unknown key: expected one of {', '.join(allowed)}"
