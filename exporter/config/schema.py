"""The configuration: frozen sections, each key with its shape in the file and its description.

Times are float seconds here and durations (`30s`) in the file. `shapes` reads the annotations. The
defaults are the product's defaults, so code can build a configuration without a file.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec

from exporter import durations
from exporter.config.proxy import PROXY_SCHEMA, ProxySettings, check_proxy
from exporter.config.scalars import BASE_URL, FLAG, duration, rate, text, whole
from exporter.config.shapes import ListOf, MapOf, Section, Violation, schema_of

DEFAULT_BASE_URL: Final = "https://api.ultravox.ai"
"""The public API."""

_NAME: Final = text("a name of letters, digits, '_', '.' and '-'", "[a-zA-Z0-9_.-]+")
_FILLED: Final = r".*\S.*"
_AGENT_NAME: Final = text("a name that is not blank", _FILLED)
# An id becomes one segment of a URL's path.
_AGENT_ID: Final = text(
    r"an agent's id, without blanks and without / \ ? # %, and not . or ..",
    r"(?!\.{1,2}$)[^\s/\\?#%]+",
)


def is_agent_id(written: str) -> bool:
    """Return whether a text can be an agent's id: one segment of a URL's path."""
    try:
        _AGENT_ID.parse(written)
    except ValueError:
        return False
    return True


_LABEL_NAME: Final = text(
    "a label's name: letters, digits and '_', not a digit or '__' first, "
    "and not account, agent_id, agent, job or instance",
    "(?!__|(?:account|agent_id|agent|job|instance)$)[a-zA-Z_][a-zA-Z0-9_]*",
)
_PATTERN: Final = text("a pattern that is not blank", _FILLED)
_FILE: Final = text("the path of a file", _FILLED, resolver="file")
_KEY_FILE: Final = text("the path of a file", _FILLED, resolver="api_key_file")
_KEY_ENV: Final = text(
    "the name of an environment variable, not the key itself",
    "[a-zA-Z_][a-zA-Z0-9_]*",
    resolver="api_key_env",
)
_PERIOD: Final = duration("1s")
_KEPT: Final = duration("0s")


def _check_account(values: Mapping[str, object]) -> Iterator[Violation]:
    """Require one source of the API key, agents or discovery, and one proxy at most."""
    yield from check_proxy(values)
    sources = [values[key] for key in ("api_key_file", "api_key_env") if values[key] is not None]
    if not sources:
        yield (), "no API key: set api_key_file or api_key_env"
    if len(sources) > 1:
        yield ("api_key_env",), "api_key_file is also set: keep one of the two"
    if not values["agents"] and values["discover"] is None:
        yield ("agents",), "nothing to watch: list agents, or write `discover: {}` for all of them"


_ACCOUNT_SCHEMA: Final[dict[str, object]] = {
    "oneOf": [{"required": ["api_key_file"]}, {"required": ["api_key_env"]}],
    "anyOf": [
        {"required": ["agents"], "properties": {"agents": {"minItems": 1}}},
        {"required": ["discover"]},
    ],
    **PROXY_SCHEMA,
}
"""What `_check_account` requires, in JSON Schema."""


def _check_polling(values: Mapping[str, object]) -> Iterator[Violation]:
    """Require that data do not become stale between two polls, nor within one."""
    stale_after = values["stale_after"]
    for key in ("interval", "idle_interval", "timeout"):
        value = values[key]
        if not isinstance(value, float) or not isinstance(stale_after, float):
            continue
        if stale_after < value or (stale_after == value and key != "timeout"):
            bound = "at most" if key == "timeout" else "shorter than"
            pair = f"{key} ({durations.render(value)}) must be {bound} stale_after"
            limit = durations.render(stale_after)
            yield (key, "stale_after"), f"{pair} ({limit}), or series disappear between polls"


class Discover(msgspec.Struct, frozen=True):
    """Which of the account's agents to watch in addition to the listed ones. Patterns are globs."""

    include: Annotated[
        tuple[str, ...],
        ListOf(_PATTERN, lowest=1),
        "Globs on an agent's name or id: agents that match one of them are watched.",
    ] = ("*",)
    exclude: Annotated[
        tuple[str, ...],
        ListOf(_PATTERN),
        "Globs on an agent's name or id: agents that match one of them are not watched.",
    ] = ()
    interval: Annotated[float, _PERIOD, "Time between two discoveries of agents."] = 300.0


class Agent(msgspec.Struct, frozen=True):
    """An agent that is watched whether or not discovery finds it."""

    id: Annotated[str, _AGENT_ID, "The agent's id; unique in its account."]
    name: Annotated[
        str | None, _AGENT_NAME, "Label `agent`. Without it: the API's name, else the id."
    ] = None
    labels: Annotated[
        dict[str, str], MapOf(_LABEL_NAME, text("text")), "Labels on ultravox_agent_info."
    ] = {}


def _check_tls(values: Mapping[str, object]) -> Iterator[Violation]:
    """Require the certificate and its private key together."""
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if values[key] is not None and values[other] is None:
            yield (key,), f"{other} is missing: a client certificate needs both files"


class Tls(msgspec.Struct, frozen=True):
    """Which servers an account trusts, and the certificate that it presents to them."""

    ca_file: Annotated[
        str | None, _FILE, "Certificates to trust, in PEM, in place of the system's."
    ] = None
    cert_file: Annotated[str | None, _FILE, "Client certificate to present, in PEM."] = None
    key_file: Annotated[str | None, _FILE, "Private key of the client certificate, in PEM."] = None


_TLS: Final = Section(
    Tls,
    _check_tls,
    {"dependentRequired": {"cert_file": ["key_file"], "key_file": ["cert_file"]}},
)


class Account(ProxySettings, frozen=True):
    """An Ultravox account: one API key and the agents to watch with it."""

    name: Annotated[str, _NAME, "Label `account`; unique in the file."]
    base_url: Annotated[
        str, BASE_URL, "The API's address; http is refused except for loopback addresses."
    ] = DEFAULT_BASE_URL
    requests_per_second: Annotated[
        float, rate(200), "Rate limit: the most requests per second to the API with this key."
    ] = 5.0
    api_key_file: Annotated[
        str | None,
        _KEY_FILE,
        "File that contains the API key; relative to the configuration file.",
    ] = None
    api_key_env: Annotated[
        str | None, _KEY_ENV, "Name of the environment variable that contains the API key."
    ] = None
    agents: Annotated[
        tuple[Agent, ...],
        ListOf(Section(Agent), unique="id"),
        "Agents to watch, whether or not discovery finds them.",
    ] = ()
    discover: Annotated[
        Discover | None, Section(Discover), "Discover agents in the account. {} watches all."
    ] = None
    tls_config: Annotated[
        Tls | None, _TLS, "Certificates of the connections to the API, as in Prometheus."
    ] = None


class Polling(msgspec.Struct, frozen=True):
    """When the exporter asks the API, and when its answers are stale. All in seconds."""

    interval: Annotated[float, _PERIOD, "Time between two polls of an agent with live batches."] = (
        30.0
    )
    idle_interval: Annotated[
        float, _PERIOD, "Time between two polls of an agent without live batches."
    ] = 120.0
    timeout: Annotated[
        float, _PERIOD, "Deadline of one complete poll of one agent, response bodies included."
    ] = 25.0
    full_listing_interval: Annotated[
        float, _PERIOD, "Time between two listings that read every page."
    ] = 900.0
    stale_after: Annotated[
        float,
        _PERIOD,
        "Age of an agent's last successful poll at which its batch series are withdrawn.",
    ] = 600.0


class Batches(msgspec.Struct, frozen=True):
    """Which batches have series, and which series they have."""

    keep_ended: Annotated[
        float, _KEPT, "How long a batch that has ended keeps its series; 0s drops them at once."
    ] = 21600.0
    max_per_agent: Annotated[
        int,
        whole(1, 1_000_000),
        "Batches of an agent with series of their own: live ones first, then the newest ended.",
    ] = 1000
    per_batch_series: Annotated[
        bool, FLAG, "false: no series of single batches, only the sums of each agent."
    ] = True
    outcomes: Annotated[bool, FLAG, "Export each batch's number of calls by status."] = False
    outcomes_interval: Annotated[
        float, _PERIOD, "Minimum time between two updates of a batch's calls by status."
    ] = 120.0


class Config(msgspec.Struct, frozen=True):
    """All settings of the configuration file."""

    accounts: Annotated[
        tuple[Account, ...],
        ListOf(Section(Account, _check_account, _ACCOUNT_SCHEMA), lowest=1, unique="name"),
        "The Ultravox accounts to watch.",
    ]
    polling: Annotated[
        Polling, Section(Polling, _check_polling), "When the exporter asks the API."
    ] = Polling()
    batches: Annotated[Batches, Section(Batches), "Which batches have series."] = Batches()


ROOT: Final = Section(Config)
"""The shape of the whole file."""


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of the file. It can't express unique names and rules between keys."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": "ultravox-batch-exporter", **schema_of(ROOT)}


def json_schema_text() -> str:
    """Return the JSON Schema as the text of the published file."""
    return json.dumps(json_schema(), indent=2) + "\n"
