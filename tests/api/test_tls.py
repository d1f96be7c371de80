"""TLS to real servers: private CAs, client certificates, and files that change at run time."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.api.body import LargeBodies
from exporter.api.client import Client, connect
from exporter.api.deadline import Deadline
from exporter.config import Account, Key, Secret, Tls, TlsFiles
from exporter.errors import ConfigError, UnreachableError
from tests.fake_api import Simulator
from tests.support.builders import LATE, Requests
from tests.support.tls import Certificate, door, issued, self_signed

ADDRESS = "IP:127.0.0.1"


@asynccontextmanager
async def connected(simulator: Simulator, base_url: str, tls: Tls | None) -> AsyncIterator[Client]:
    """Yield a client with a section `tls_config`."""
    account = Account("main", base_url=base_url, api_key_env="KEY", tls_config=tls)
    async with connect(
        account, Key("main", Secret(simulator.api_key)), Requests(), LATE, LargeBodies()
    ) as made:
        yield made


async def ask(api: Client) -> None:
    """Send one request."""
    async with Deadline(LATE) as deadline:
        await api.account(deadline)


def trusting(authority: Certificate, client: Certificate | None = None) -> Tls:
    """Return the section that trusts an authority and presents a certificate."""
    if client is None:
        return Tls(str(authority.path))
    return Tls(str(authority.path), str(client.path), str(client.key))


async def test_a_private_ca_without_key_identifiers_is_trusted(
    simulator: Simulator, base_url: str, tmp_path: Path
) -> None:
    """On every version of Python. The chain and the host name are verified nevertheless."""
    authority = self_signed(tmp_path, "authority", "DNS:authority.invalid")
    other = self_signed(tmp_path, "other", "DNS:authority.invalid")
    good = issued(tmp_path, "good", ADDRESS, authority)
    async with door(base_url, good) as server:
        async with connected(simulator, server.url, trusting(authority)) as api:
            await ask(api)
            await server.show(issued(tmp_path, "misnamed", "IP:127.0.0.2", authority))
            with pytest.raises(UnreachableError, match="IP address mismatch"):
                await ask(api)
            await server.show(good)
        for untrusted in (trusting(other), Tls(), None):
            async with connected(simulator, server.url, untrusted) as api:
                with pytest.raises(UnreachableError, match="certificate verify failed"):
                    await ask(api)


async def test_a_trusted_certificate_need_not_be_a_root(
    simulator: Simulator, base_url: str, tmp_path: Path
) -> None:
    authority = self_signed(tmp_path, "authority", "DNS:authority.invalid")
    leaf = issued(tmp_path, "leaf", ADDRESS, authority)
    async with (
        door(base_url, leaf) as server,
        connected(simulator, server.url, trusting(leaf)) as api,
    ):
        await ask(api)


async def test_a_client_certificate_is_presented(
    simulator: Simulator, base_url: str, tmp_path: Path
) -> None:
    good = self_signed(tmp_path, "good", ADDRESS)
    client = issued(tmp_path, "client", "DNS:exporter.invalid", good)
    async with door(base_url, good, clients=good) as server:
        async with connected(simulator, server.url, trusting(good, client)) as api:
            await ask(api)
        async with connected(simulator, server.url, trusting(good)) as api:
            with pytest.raises(UnreachableError):
                await ask(api)


async def test_a_changed_ca_file_is_read_again(
    simulator: Simulator, base_url: str, tmp_path: Path
) -> None:
    """A file that can't be used changes nothing, and the log has it once."""
    old = self_signed(tmp_path, "old", ADDRESS)
    new = self_signed(tmp_path, "new", ADDRESS)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(old.path.read_bytes())
    async with (
        door(base_url, old) as server,
        connected(simulator, server.url, Tls(str(trusted))) as api,
    ):
        await ask(api)
        with capture_logs() as logs:
            trusted.write_text("nonsense")
            await ask(api)
            trusted.write_text("more nonsense")
            await ask(api)
            await server.show(new)
            with pytest.raises(UnreachableError, match="certificate verify failed"):
                await ask(api)
            trusted.write_bytes(new.path.read_bytes())
            await ask(api)
    assert [line["event"] for line in logs] == ["tls_files_reload_failed", "tls_files_reloaded"]
    assert logs[0]["problem"] == "ca_file: the file has no certificate in PEM format"


def test_a_file_that_is_gone_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        TlsFiles("main", Tls(str(tmp_path / "absent")))
    assert str(caught.value) == (
        "accounts[main].tls_config.ca_file: the file can't be read: No such file or directory"
    )


def test_verification_is_the_same_on_every_version_of_python() -> None:
    context = TlsFiles("main", None).current()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
