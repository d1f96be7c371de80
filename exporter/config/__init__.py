"""The configuration: a YAML file, or one environment variable, becomes a frozen `Config`.

load        path or environment -> `Config`, or every problem at once
document    bytes -> one tree of YAML nodes with line numbers
reader      tree and shape -> sections, and problems with file, line and path
schema      the sections: each key with its shape, description and default; rules between keys
shapes      what a node of the file may be; the same as JSON Schema
scalars     text, durations, numbers, switches, the base URL
keys        the API key: read, reloaded, kept secret
"""

from exporter.config.keys import Key, Secret, read_key
from exporter.config.load import LabelCollision, label_collisions, load, resolve
from exporter.config.schema import (
    DEFAULT_BASE_URL,
    Account,
    Agent,
    Batches,
    Config,
    Discover,
    Polling,
    is_agent_id,
    json_schema,
    json_schema_text,
)

__all__ = [
    "DEFAULT_BASE_URL",
    "Account",
    "Agent",
    "Batches",
    "Config",
    "Discover",
    "Key",
    "LabelCollision",
    "Polling",
    "Secret",
    "is_agent_id",
    "json_schema",
    "json_schema_text",
    "label_collisions",
    "load",
    "read_key",
    "resolve",
]
