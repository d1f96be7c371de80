"""What every loop of an account works with."""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.api.client import Client
from exporter.config import Account, Config
from exporter.polling.heartbeat import Liveness
from exporter.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One account's surroundings. `clock` returns seconds since the Unix epoch."""

    account: Account
    config: Config
    client: Client
    store: Store
    liveness: Liveness
    clock: Callable[[], float]
