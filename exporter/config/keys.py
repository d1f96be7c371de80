"""The API key: how it is read, and when it is reloaded.

No message contains any part of a key, nor the configured path or name: an operator may have pasted
the key in their place.
"""

import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from exporter.config.scalars import Secret
from exporter.config.schema import Account
from exporter.errors import ConfigError, Problem

_log = structlog.get_logger()

_LARGEST: Final = 4096
# Files written for a shell contain quotes. A log format may escape quotes and backslashes, and then
# the redactor would not recognise the key.
_SENDABLE: Final = re.compile("[\x21-\x7e]+")
_QUOTES: Final = frozenset("\"'`\\")


def read_key(
    account: Account,
    environ: Mapping[str, str],
    on_new_key: Callable[[Secret], None] = lambda _: None,
) -> "Key":
    """Return the account's key from its file or variable. Raises ConfigError for a bad key."""
    source = "api_key_env" if account.api_key_file is None else "api_key_file"
    try:
        if account.api_key_file is not None:
            secret = from_file(account.api_key_file)
        else:
            secret = from_environment(account.api_key_env or "", environ)
    except ValueError as error:
        place = f"accounts[{account.name}].{source}"
        raise ConfigError((Problem("", None, place, str(error)),)) from None
    return Key(account.name, secret, account.api_key_file, on_new_key)


def from_file(path: str) -> Secret:
    """Return the key in a file. Raises ValueError with what is wrong with the file.

    Whitespace around the key is not part of it: editors and `echo` end a file with a line break.
    """
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise ValueError(f"the key file is {what}")
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ValueError(f"the key file can't be read: {error.strerror}") from None
    return _checked(content.decode("utf-8", errors="replace"), "the key file")


def from_environment(name: str, environ: Mapping[str, str]) -> Secret:
    """Return the key in an environment variable. Raises ValueError with what is wrong."""
    if name not in environ:
        raise ValueError("the environment variable is not set")
    return _checked(environ[name], "the environment variable")


def _checked(text: str, source: str) -> Secret:
    # Editors on Windows write a byte order mark at the beginning of a file.
    key = text.removeprefix("\ufeff").strip()
    if not key:
        raise ValueError(f"{source} is empty")
    if len(text) > _LARGEST:
        raise ValueError(f"{source} is larger than 4 KiB: expected an API key and nothing else")
    if not _SENDABLE.fullmatch(key):
        raise ValueError(
            f"{source} contains blanks or characters that are not printable ASCII: "
            "expected an API key and nothing else"
        )
    if not _QUOTES.isdisjoint(key):
        raise ValueError(
            f"{source} contains quotes or backslashes: expected an API key without them"
        )
    return Secret(key)


class Key:
    """An account's API key, as its source contains it now.

    A key file is reloaded when it has changed. Where the changed file contains no usable key, the
    previous key stays in use, and one log line reports it. `on_new_key` is called with every key
    before the key is used, so that the logs can redact it. An environment variable never changes.
    """

    def __init__(
        self,
        account: str,
        secret: Secret,
        path: str | None = None,
        on_new_key: Callable[[Secret], None] = lambda _: None,
    ) -> None:
        self._account = account
        self._path = path
        self._on_new_key = on_new_key
        self._loaded_file = None if path is None else identity(path)
        self._problem = ""
        self._use(secret)

    def current(self) -> Secret:
        """Return the key to send."""
        if self._path is not None and identity(self._path) != self._loaded_file:
            self._reload(self._path)
        return self._secret

    def replaced(self, refused: Secret) -> bool:
        """Reload the file, and return whether the key is another than `refused`."""
        if self._path is not None:
            self._reload(self._path)
        return self._secret != refused

    def _reload(self, path: str) -> None:
        bound = _log.bind(account=self._account)
        self._loaded_file = identity(path)
        try:
            secret = from_file(path)
        except ValueError as error:
            if str(error) != self._problem:
                bound.warning("key_file_reload_failed", problem=str(error), key_in_use="previous")
            self._problem = str(error)
            return
        if secret != self._secret:
            bound.info("key_file_reloaded")
        elif self._problem:
            bound.info("key_file_recovered")
        self._problem = ""
        self._use(secret)

    def _use(self, secret: Secret) -> None:
        self._on_new_key(secret)
        self._secret = secret


def identity(path: str) -> tuple[int, ...] | None:
    """Return what changes when a file is written, replaced or linked again; None for no file."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
