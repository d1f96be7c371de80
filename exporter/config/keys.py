"""The API key: where it is read from, when it is read again, and the one object that carries it.

Messages here never hold any part of a key, nor the configured path or name: an operator may have
pasted the key in their place.
"""

import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

import structlog

from exporter.config.schema import Account
from exporter.errors import ConfigError, Problem

_log = structlog.get_logger()

_LARGEST: Final = 4096
# Quotes come from files written for a shell, and no format of the logs may write a key in another
# way than it is: then it would not be recognised.
_SENDABLE: Final = re.compile("[\x21-\x7e]+")
_QUOTES: Final = frozenset("\"'`\\")


class Secret:
    """A text that shows itself only when asked by `reveal`; it can't be copied or pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __repr__(self) -> str:
        """Return `***`, whatever the text."""
        return "***"

    def __format__(self, _spec: str) -> str:
        """Return `***`, whatever the text and the format."""
        return "***"

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is a secret with the same text."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """Return the text's hash, so that equal secrets are one in a set."""
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be written anywhere."""
        raise TypeError("a secret can't be pickled or copied")


def read_key(
    account: Account,
    environ: Mapping[str, str],
    learn: Callable[[Secret], None] = lambda _: None,
) -> "Key":
    """Return the account's key from its file or variable; raise ConfigError if it can't be sent."""
    source = "api_key_env" if account.api_key_file is None else "api_key_file"
    try:
        if account.api_key_file is not None:
            secret = from_file(account.api_key_file)
        else:
            secret = from_environment(account.api_key_env or "", environ)
    except ValueError as error:
        place = f"accounts[{account.name}].{source}"
        raise ConfigError((Problem("", None, place, str(error)),)) from None
    return Key(account.name, secret, account.api_key_file, learn)


def from_file(path: str) -> Secret:
    """Return the key that a file holds; raise ValueError saying what is wrong with it.

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
    """Return the key that an environment variable holds; raise ValueError saying what is wrong."""
    if name not in environ:
        raise ValueError("the environment variable is not set")
    return _checked(environ[name], "the environment variable")


def _checked(text: str, source: str) -> Secret:
    key = text.strip()
    if not key:
        raise ValueError(f"{source} is empty")
    if len(text) > _LARGEST:
        raise ValueError(f"{source} holds more than 4 KiB: expected an API key and nothing else")
    if not _SENDABLE.fullmatch(key):
        raise ValueError(
            f"{source} holds blanks or characters that are not printable ASCII: "
            "expected an API key and nothing else"
        )
    if not _QUOTES.isdisjoint(key):
        raise ValueError(f"{source} holds quotes or backslashes: expected an API key without them")
    return Secret(key)


class Key:
    """An account's key as its source holds it now.

    A file is read again when it is another than before. Where that file holds no key, the old key
    stays in use, and a log line says so. `learn` is told every key before it is used: whoever keeps
    secrets out of the logs must know it first. A variable of the environment never changes.
    """

    def __init__(
        self,
        account: str,
        secret: Secret,
        path: str | None = None,
        learn: Callable[[Secret], None] = lambda _: None,
    ) -> None:
        self._account = account
        self._path = path
        self._learn = learn
        self._seen = None if path is None else _identity(path)
        self._problem = ""
        self._take(secret)

    def current(self) -> Secret:
        """Return the key to send."""
        if self._path is not None and _identity(self._path) != self._seen:
            self._read_again(self._path)
        return self._secret

    def replaced(self, refused: Secret) -> bool:
        """Whether there is another key than this one, which the API refused. Reads the file."""
        if self._path is not None:
            self._read_again(self._path)
        return self._secret != refused

    def _read_again(self, path: str) -> None:
        bound = _log.bind(account=self._account)
        self._seen = _identity(path)
        try:
            secret = from_file(path)
        except ValueError as error:
            if str(error) != self._problem:
                bound.warning("key_not_replaced", problem=str(error), used="the key before it")
            self._problem = str(error)
            return
        if secret != self._secret:
            bound.info("key_replaced")
        elif self._problem:
            bound.info("key_file_well_again")
        self._problem = ""
        self._take(secret)

    def _take(self, secret: Secret) -> None:
        self._learn(secret)
        self._secret = secret


def _identity(path: str) -> tuple[int, ...] | None:
    """Return what differs when a file is written, replaced or linked anew; None for no file."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
