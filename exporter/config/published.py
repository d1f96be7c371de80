"""The JSON Schema of the file, for editors and other tools, from the records that are read."""

import json
from typing import Final

import msgspec

from exporter.config.schema import ROOT
from exporter.config.shapes import Field, Leaf, ListOf, MapOf, Record, Shape, fields

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, object]:
    """Return the schema. It can't say all: unique names and rules between keys are `check`'s."""
    return {"$schema": _DIALECT, "title": "ultravox-batch-exporter", **_record(ROOT)}


def json_schema_text() -> str:
    """Return the schema as the text of the published file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _record(record: Record) -> dict[str, object]:
    known = fields(record.cls)
    properties = {name: _field(field) for name, field in known.items()}
    required = [name for name, field in known.items() if field.required]
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "properties": properties, "required": required, **record.schema}


def _field(field: Field) -> dict[str, object]:
    return {"description": field.description, **_shape(field.shape), **_default(field)}


def _default(field: Field) -> dict[str, object]:
    """Return the default as a file would say it, nothing for none."""
    default = field.default
    if field.required or default is None or isinstance(default, msgspec.Struct):
        return {}
    if isinstance(field.shape, Leaf) and isinstance(default, float) and field.shape.show:
        return {"default": field.shape.show(default)}
    return {"default": list(default) if isinstance(default, tuple) else default}


def _shape(shape: Shape) -> dict[str, object]:
    match shape:
        case Leaf():
            return shape.schema
        case ListOf():
            return {"type": "array", "items": _shape(shape.item), "minItems": shape.lowest}
        case MapOf():
            names, values = _shape(shape.key), _shape(shape.value)
            return {"type": "object", "propertyNames": names, "additionalProperties": values}
    return _record(shape)
