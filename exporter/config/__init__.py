"""The configuration: a YAML file, or one environment variable, becomes a frozen `Config`.

load        path or environment ─▶ Config, or every problem at once
document    bytes ─▶ one tree of YAML nodes with lines
walk        tree and shape ─▶ records, and problems with their places
hints       what to say about a node that is out of place
schema      the records, each field with its shape, description and default
checks      rules over several fields of one record
scalars     text, durations, numbers, switches, the base URL
shapes      what a place in the file may hold
keys        the API key, read and kept secret
published   the same records as a JSON Schema
"""

from exporter.config.keys import Key, Secret, read_key
from exporter.config.load import load, resolve
from exporter.config.published import json_schema, json_schema_text
from exporter.config.schema import (
    DEFAULT_BASE_URL,
    Account,
    Agent,
    Batches,
    Config,
    Discover,
    Polling,
)

__all__ = [
    "DEFAULT_BASE_URL",
    "Account",
    "Agent",
    "Batches",
    "Config",
    "Discover",
    "Key",
    "Polling",
    "Secret",
    "json_schema",
    "json_schema_text",
    "load",
    "read_key",
    "resolve",
]
