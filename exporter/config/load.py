"""From a path or the environment to a `Config`."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from exporter.config import document, keys, tls
from exporter.config.proxy import environment_check
from exporter.config.reader import Checks, Reader, Resolvers
from exporter.config.schema import ROOT, Account, Config, Discover, Tls
from exporter.errors import ConfigError, Problem

VARIABLE: Final = "ULTRAVOX_API_KEY"
"""The environment variable that replaces the file: the API key of the account `default`."""

TARGET_LABELS: Final = ("namespace", "pod", "service", "container", "endpoint", "cluster")
"""Labels that operators and service discovery usually put on every series of a target."""

_FILE: Final = "config.yaml"


def load(path: Path) -> Config:
    """Return the file's configuration; raise ConfigError with every problem that can be found.

    Relative paths start at the file's folder. Keys and certificates are not read.
    """
    return _load(path, None)


def resolve(config_file: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Config, str]:
    """Return the configuration and its source; check that keys and certificates can be read.

    Without `config_file` it is `config.yaml` in `cwd`, else one account from `ULTRAVOX_API_KEY`.
    Raises ConfigError with every problem that can be found.
    """
    beside = cwd / _FILE
    # A broken link is a mistake to report, not an absent file.
    path = beside if config_file is None and os.path.lexists(beside) else config_file
    if path is not None:
        return _load(path, environ), str(path)
    if environ.get(VARIABLE):
        return _from_environment(environ), f"environment variable {VARIABLE}"
    message = (
        f"no configuration: pass --config.file=PATH, or put {_FILE} into the working directory, "
        f"or set {VARIABLE} to watch all agents of one account"
    )
    raise ConfigError((Problem("", None, "", message),))


def _from_environment(environ: Mapping[str, str]) -> Config:
    try:
        keys.from_environment(VARIABLE, environ)
    except ValueError as error:
        raise ConfigError((Problem(VARIABLE, None, "", str(error)),)) from None
    return Config((Account("default", api_key_env=VARIABLE, discover=Discover()),))


def _load(path: Path, environ: Mapping[str, str] | None) -> Config:
    root = document.read(path)
    checks: Checks = {}
    if environ is not None:
        checks = {Tls: tls.check_files, Account: environment_check(environ)}
    reader = Reader(str(path), _resolvers(path.absolute().parent, environ), checks)
    config = reader.read(ROOT, root, "")
    if reader.problems or not isinstance(config, Config):
        raise ConfigError(tuple(sorted(reader.problems, key=lambda problem: problem.line or 0)))
    return config


def _resolvers(folder: Path, environ: Mapping[str, str] | None) -> Resolvers:
    """Return the functions for paths and sources of keys; without `environ` they read no key."""

    def file(text: str) -> str:
        return str(folder / text)

    def key_file(text: str) -> str:
        path = file(text)
        if environ is not None:
            keys.from_file(path)
        return path

    def key_env(name: str) -> str:
        if environ is not None:
            keys.from_environment(name, environ)
        return name

    return {"file": file, "api_key_file": key_file, "api_key_env": key_env}


class LabelCollision(msgspec.Struct, frozen=True):
    """A label of an account's agents whose name is usually the name of a target label."""

    account: str
    label: str
    agents: int

    def __str__(self) -> str:
        """Return where the label is, what Prometheus does with it, and what to do."""
        return (
            f"accounts[{self.account}].agents[].labels.{self.label} (agents: {self.agents}):"
            f" Prometheus usually sets a target label {self.label!r}: it renames this one to"
            f" 'exported_{self.label}', or overwrites its own where honor_labels is true:"
            " choose another name"
        )


def label_collisions(config: Config) -> Iterator[LabelCollision]:
    """Yield the labels in the configuration that Prometheus would rename or overwrite."""
    for account in config.accounts:
        used = Counter(label for agent in account.agents for label in agent.labels)
        for label in TARGET_LABELS:
            if label in used:
                yield LabelCollision(account.name, label, used[label])
