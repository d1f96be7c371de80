"""The configuration: frozen records, each field with its shape in the file and its description.

Times are float seconds here and durations (`30s`) in the file. `shapes` says how to read the
annotations; defaults are the product's defaults, so records are as easily built in code.
"""

from typing import Annotated, Final

import msgspec

from exporter.config import checks
from exporter.config.scalars import BASE_URL, FLAG, duration, rate, text, whole
from exporter.config.shapes import ListOf, MapOf, Record

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
_LABEL_NAME: Final = text(
    "a label's name: letters, digits and '_', not a digit or '__' first, "
    "and not account, agent_id, agent, job or instance",
    "(?!__|(?:account|agent_id|agent|job|instance)$)[a-zA-Z_][a-zA-Z0-9_]*",
)
_PATTERN: Final = text("a pattern that is not blank", _FILLED)
_KEY_FILE: Final = text("the path of a file", _FILLED, step="api_key_file")
_KEY_ENV: Final = text(
    "the name of an environment variable, not the key itself",
    "[a-zA-Z_][a-zA-Z0-9_]*",
    step="api_key_env",
)
_PERIOD: Final = duration("1s")
_KEPT: Final = duration("0s")


class Discover(msgspec.Struct, frozen=True):
    """Which of the account's agents to watch besides the listed ones. Patterns are globs."""

    include: Annotated[
        tuple[str, ...],
        ListOf(_PATTERN, lowest=1),
        "Globs on an agent's name or id: those that match one are watched.",
    ] = ("*",)
    exclude: Annotated[
        tuple[str, ...],
        ListOf(_PATTERN),
        "Globs on an agent's name or id: those that match one are not watched.",
    ] = ()
    interval: Annotated[float, _PERIOD, "Time between two looks at the list of agents."] = 300.0


class Agent(msgspec.Struct, frozen=True):
    """An agent that is watched in any case."""

    id: Annotated[str, _AGENT_ID, "The agent's id; unique in its account."]
    name: Annotated[
        str | None, _AGENT_NAME, "Label `agent`. Without it: the API's name, else the id."
    ] = None
    labels: Annotated[
        dict[str, str], MapOf(_LABEL_NAME, text("text")), "Labels on ultravox_agent_info."
    ] = {}


class Account(msgspec.Struct, frozen=True):
    """An Ultravox account: one API key and the agents to watch with it."""

    name: Annotated[str, _NAME, "Label `account`; unique in the file."]
    base_url: Annotated[
        str, BASE_URL, "The API's address; http is refused except for loopback addresses."
    ] = DEFAULT_BASE_URL
    requests_per_second: Annotated[
        float, rate(200), "Highest rate of requests to the API with this key."
    ] = 5.0
    api_key_file: Annotated[
        str | None, _KEY_FILE, "File that holds the API key; relative to the configuration file."
    ] = None
    api_key_env: Annotated[
        str | None, _KEY_ENV, "Name of the environment variable that holds the API key."
    ] = None
    agents: Annotated[
        tuple[Agent, ...], ListOf(Record(Agent), unique="id"), "Agents to watch in any case."
    ] = ()
    discover: Annotated[
        Discover | None, Record(Discover), "Look for agents in the account. {} watches all of them."
    ] = None


class Polling(msgspec.Struct, frozen=True):
    """When the API is asked, and how long its answers are trusted. All in seconds."""

    interval: Annotated[float, _PERIOD, "Time between two polls of an agent with live batches."] = (
        30.0
    )
    idle_interval: Annotated[
        float, _PERIOD, "Time between two polls of an agent without live batches."
    ] = 120.0
    timeout: Annotated[
        float, _PERIOD, "Deadline of one whole poll of one agent, bodies included."
    ] = 25.0
    full_listing_interval: Annotated[
        float, _PERIOD, "Time between two listings that read every page."
    ] = 900.0
    stale_after: Annotated[
        float, _PERIOD, "Age of the last good poll at which an agent's batch series are withdrawn."
    ] = 600.0


class Batches(msgspec.Struct, frozen=True):
    """Which batches have series, and which series they have."""

    keep_ended: Annotated[
        float, _KEPT, "How long ended batches stay exported; 0s drops them at once."
    ] = 86400.0
    max_per_agent: Annotated[
        int,
        whole(1, 1_000_000),
        "Batches of an agent with series of their own: live ones first, then the newest ended.",
    ] = 1000
    per_batch_series: Annotated[bool, FLAG, "false leaves only the sums of each agent."] = True
    outcomes: Annotated[bool, FLAG, "Count each batch's calls by status."] = False
    outcomes_interval: Annotated[
        float, _PERIOD, "Time between two counts of a batch's calls by status."
    ] = 120.0


class Config(msgspec.Struct, frozen=True):
    """All that the configuration file says."""

    accounts: Annotated[
        tuple[Account, ...],
        ListOf(Record(Account, checks.account, checks.ACCOUNT_SCHEMA), lowest=1, unique="name"),
        "The Ultravox accounts to watch.",
    ]
    polling: Annotated[Polling, Record(Polling, checks.polling), "When the API is asked."] = (
        Polling()
    )
    batches: Annotated[Batches, Record(Batches), "Which batches have series."] = Batches()


ROOT: Final = Record(Config)
"""The shape of the file as a whole."""
