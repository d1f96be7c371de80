"""From a path or the environment to a `Config`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from exporter.config import document, keys
from exporter.config.schema import ROOT, Account, Config, Discover
from exporter.config.walk import Steps, Walk
from exporter.errors import ConfigError, Problem

VARIABLE: Final = "ULTRAVOX_API_KEY"
"""The environment variable that is enough of a configuration."""

_FILE: Final = "config.yaml"


def load(path: Path) -> Config:
    """Return what the file says; raise ConfigError with every problem that can be found at once.

    Relative paths of key files are taken from the file's folder. Keys are not read.
    """
    return _load(path, None)


def resolve(config_file: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Config, str]:
    """Return the configuration in force and where it comes from; check that each key can be read.

    Without a file it is `config.yaml` in `cwd`, else one account from `ULTRAVOX_API_KEY`. Raises
    ConfigError with every problem that can be found at once.
    """
    beside = cwd / _FILE
    # A link to nowhere is a mistake to report, not an absent file.
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
    walk = Walk(str(path), _steps(path.absolute().parent, environ))
    config = walk.value(ROOT, root, "")
    if walk.problems or not isinstance(config, Config):
        raise ConfigError(tuple(sorted(walk.problems, key=lambda problem: problem.line or 0)))
    return config


def _steps(folder: Path, environ: Mapping[str, str] | None) -> Steps:
    """Return what is done with the places of keys; without an environment the keys are not read."""

    def key_file(text: str) -> str:
        path = str(folder / text)
        if environ is not None:
            keys.from_file(path)
        return path

    def key_env(name: str) -> str:
        if environ is not None:
            keys.from_environment(name, environ)
        return name

    return {"api_key_file": key_file, "api_key_env": key_env}
