"""The configuration: a YAML file, or one environment variable, becomes a frozen `Config`.

load        path or environment -> `Config`, or every problem at once
document    bytes -> one tree of YAML nodes with line numbers
reader      tree and shape -> sections, and problems with file, line and path
schema      the sections: each key with its shape, description and default; rules between keys
shapes      what a node of the file may be; the same as JSON Schema
scalars     text, durations, numbers, switches, the base URL; the object that keeps a text secret
proxy       the proxy: its keys, and when it is used
keys        the API key: read, and reloaded
tls         trusted certificates and the client certificate: read, and reloaded
"""

from exporter.config.keys import Key, read_key
from exporter.config.load import LabelCollision, label_collisions, load, resolve
from exporter.config.proxy import Proxy, ProxyUrl, proxy_of, proxy_secrets
from exporter.config.scalars import Secret
from exporter.config.schema import (
    DEFAULT_BASE_URL,
    Account,
    Agent,
    Batches,
    Config,
    Discover,
    Polling,
    Tls,
    is_agent_id,
    json_schema,
    json_schema_text,
)
from exporter.config.tls import TlsFiles

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
    "Proxy",
    "ProxyUrl",
    "Secret",
    "Tls",
    "TlsFiles",
    "is_agent_id",
    "json_schema",
    "json_schema_text",
    "label_collisions",
    "load",
    "proxy_of",
    "proxy_secrets",
    "read_key",
    "resolve",
]
