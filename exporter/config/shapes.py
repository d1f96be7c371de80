"""What a node of the file may be: a scalar, a list, a mapping of names, or a section of keys.

Each field of a section is annotated with its shape and its description,
`Annotated[float, INTERVAL, "Time between two polls."]`. The reader of the file and the JSON Schema
both follow these annotations.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, get_args, get_type_hints

import msgspec

INVALID: Final = object()
"""Replaces a value that is wrong. The problem has been reported."""

Violation: TypeAlias = tuple[tuple[str, ...], str]
"""Keys at fault and the message. The first of the keys that is in the file gives the line; without
keys, the section does."""

Check: TypeAlias = Callable[[Mapping[str, object]], Iterator[Violation]]
"""A rule between the keys of one section. Gets the values by key: defaults included, or INVALID."""


def no_check(_values: Mapping[str, object]) -> Iterator[Violation]:
    """Return no violation: the check of a section whose keys do not depend on each other."""
    return iter(())


class Scalar(msgspec.Struct, frozen=True):
    """One scalar.

    `expected` completes the sentence "expected …". `yaml_types` are the YAML types it may have
    (`str`, `int`, `float`, `bool`). `parse` returns the value or raises ValueError with a message
    that does not repeat the text. `schema` is its JSON Schema. `show` returns a default as a file
    writes it, where that differs from the value. `resolver` names the function of the loader that
    makes the value from the text; empty for none.
    """

    expected: str
    yaml_types: tuple[str, ...]
    parse: Callable[[str], object]
    schema: dict[str, object]
    show: Callable[[float], object] | None = None
    resolver: str = ""


class ListOf(msgspec.Struct, frozen=True):
    """A list of at least `lowest` items, no two of which have the same text under key `unique`."""

    item: "Scalar | Section"
    lowest: int = 0
    unique: str = ""
    expected: str = "a list"


class MapOf(msgspec.Struct, frozen=True):
    """A mapping whose keys the user chooses."""

    key: Scalar
    value: "Scalar | ListOf"
    expected: str = "a mapping"


class Section(msgspec.Struct, frozen=True):
    """A mapping with known keys, which becomes a `cls`. `schema` is `check` in JSON Schema."""

    cls: type[msgspec.Struct]
    check: Check = no_check
    schema: dict[str, object] = {}
    expected: str = "a mapping"


Shape: TypeAlias = Scalar | ListOf | MapOf | Section


class Field(msgspec.Struct, frozen=True):
    """A key of a section. `default` is INVALID where the key is required."""

    shape: Shape
    description: str
    default: object

    @property
    def required(self) -> bool:
        """Return whether the key must be in the file."""
        return self.default is INVALID


@functools.cache
def fields(cls: type[msgspec.Struct]) -> Mapping[str, Field]:
    """Return the keys of a section in their order."""
    hints = get_type_hints(cls, include_extras=True)
    return {info.name: _field(hints[info.name], info) for info in msgspec.structs.fields(cls)}


def _field(hint: object, info: msgspec.structs.FieldInfo) -> Field:
    _, shape, description = get_args(hint)
    return Field(shape, description, _default(info))


def _default(info: msgspec.structs.FieldInfo) -> object:
    if info.default_factory is not msgspec.NODEFAULT:
        return info.default_factory()
    return INVALID if info.required else info.default


def schema_of(shape: Shape) -> dict[str, object]:
    """Return the JSON Schema of a shape."""
    match shape:
        case Scalar():
            return shape.schema
        case ListOf():
            return {"type": "array", "items": schema_of(shape.item), "minItems": shape.lowest}
        case MapOf():
            names, values = schema_of(shape.key), schema_of(shape.value)
            return {"type": "object", "propertyNames": names, "additionalProperties": values}
    known = fields(shape.cls)
    properties = {name: _schema_of_field(field) for name, field in known.items()}
    required = [name for name, field in known.items() if field.required]
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "properties": properties, "required": required, **shape.schema}


def _schema_of_field(field: Field) -> dict[str, object]:
    return {"description": field.description, **schema_of(field.shape), **_schema_default(field)}


def _schema_default(field: Field) -> dict[str, object]:
    """Return the default as a file writes it; an empty dictionary where there is none."""
    default = field.default
    if field.required or default is None or isinstance(default, msgspec.Struct):
        return {}
    if isinstance(field.shape, Scalar) and isinstance(default, float) and field.shape.show:
        return {"default": field.shape.show(default)}
    return {"default": list(default) if isinstance(default, tuple) else default}
