"""TLS of an account: whom it trusts and what it presents, from files that may change at run time.

The chain of certificates and the host name are always verified. No message contains a path: an
operator may have pasted a key in its place.
"""

import ssl
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import structlog

from exporter.config.keys import identity
from exporter.config.schema import Tls
from exporter.config.shapes import Violation
from exporter.errors import ConfigError, Problem

_log = structlog.get_logger()

_LARGEST: Final = 10 * 2**20
_NO_PASSPHRASE: Final = ""


class _FileError(ValueError):
    """A file can't be used. `key` is its key in the configuration."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class TlsFiles:
    """The TLS context of an account, as its files are now. Raises ConfigError for a bad file.

    The files are read again when they change: those of the account, and the file of the system's
    certificates, which `SSL_CERT_FILE` may name. If a changed file can't be used, the previous
    certificates stay in use, and one log line reports it.
    """

    def __init__(self, account: str, settings: Tls | None) -> None:
        self._account = account
        self._settings = settings or Tls()
        self._problem = ""
        self._seen = self._identities()
        try:
            self._context = _context(self._settings)
        except _FileError as error:
            place = f"accounts[{account}].tls_config.{error.key}"
            raise ConfigError((Problem("", None, place, str(error)),)) from None

    def current(self) -> ssl.SSLContext:
        """Return the context for the next connection."""
        found = self._identities()
        if found != self._seen:
            self._seen = found
            self._reload()
        return self._context

    def _identities(self) -> list[tuple[int, ...] | None]:
        settings = self._settings
        trusted = settings.ca_file or ssl.get_default_verify_paths().cafile
        return [
            identity(path) if path else None
            for path in (trusted, settings.cert_file, settings.key_file)
        ]

    def _reload(self) -> None:
        log = _log.bind(account=self._account)
        try:
            self._context = _context(self._settings)
        except _FileError as error:
            problem = f"{error.key}: {error}"
            if problem != self._problem:
                log.warning("tls_files_reload_failed", problem=problem, files_in_use="previous")
            self._problem = problem
            return
        self._problem = ""
        log.info("tls_files_reloaded")


def check_files(values: Mapping[str, object]) -> Iterator[Violation]:
    """Yield what is wrong with the files of a section `tls_config`."""
    paths = {key: path for key, path in values.items() if isinstance(path, str)}
    for keys in (("ca_file",), ("cert_file", "key_file")):
        if paths.keys() >= {*keys}:
            try:
                _context(Tls(**{key: paths[key] for key in keys}))
            except _FileError as error:
                yield (error.key,), str(error)


def _context(settings: Tls) -> ssl.SSLContext:
    if settings.ca_file is not None:
        _check_readable("ca_file", settings.ca_file)
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError):
        raise _FileError("ca_file", "the file has no certificate in PEM format") from None
    # Python 3.13 changed these two. Every version, curl and Go then come to the same verdict: a
    # private CA may leave extensions out, and a trusted certificate need not be a root.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(("http/1.1",))
    if settings.cert_file is not None and settings.key_file is not None:
        _present(context, settings.cert_file, settings.key_file)
    return context


def _present(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    """Add a client certificate to a context. Raises _FileError."""
    _check_readable("cert_file", cert_file)
    _check_readable("key_file", key_file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cert_file)
    except (OSError, ValueError):
        raise _FileError("cert_file", "the file has no certificate in PEM format") from None
    try:
        # Without a passphrase, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(cert_file, key_file, password=_NO_PASSPHRASE)
    except (OSError, ValueError):
        message = "not the private key of the certificate: expected PEM, without a passphrase"
        raise _FileError("key_file", message) from None


def _check_readable(key: str, path: str) -> None:
    """Require a file of ordinary size: reading a pipe would block. Raises _FileError."""
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            what = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise _FileError(key, f"the file is {what}")
        if found.st_size > _LARGEST:
            raise _FileError(key, "the file is larger than 10 MiB: expected certificates in PEM")
        Path(path).open("rb").close()
    except OSError as error:
        raise _FileError(key, f"the file can't be read: {error.strerror}") from None
