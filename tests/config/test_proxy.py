"""The proxy of an account: what is read, whose requests go through it, and what stays secret."""

from pathlib import Path

import pytest

from exporter.config import Account, ProxyUrl, Secret, load, proxy_of, proxy_secrets, resolve
from exporter.config.proxy import is_exempt
from exporter.errors import ConfigError

API = "https://api.ultravox.ai"
URL = "http://proxy.example.com:3128"


def account(url: str | None = URL, no_proxy: str | None = None) -> Account:
    """Return an account with a proxy of the file, or with that of the environment."""
    proxy_url = None if url is None else ProxyUrl(url)
    return Account(
        "a", proxy_url=proxy_url, no_proxy=no_proxy, proxy_from_environment=proxy_url is None
    )


def used(made: Account, base_url: str = API, **environ: str) -> str | None:
    """Return the URL of the proxy for requests to a base URL."""
    proxy = proxy_of(made, base_url, environ)
    return None if proxy is None else proxy.url


@pytest.mark.parametrize(
    ("no_proxy", "host", "exempt"),
    [
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        ("EXAMPLE.com", "example.com", True),
        ("example.com", "myexample.com", False),
        (".example.com", "example.com", False),
        (".example.com", "api.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "api.example.com", True),
        ("*example.com", "example.com", False),
        ("a.invalid , example.com", "example.com", True),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        ("example.com:", "example.com", True),
        ("*", "example.com", True),
        ("*.", "example.com", False),
        (" ,", "example.com", False),
        (":443", "example.com", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1:443", "10.0.0.1", True),
        ("10.0.0.1:80", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "example.com", False),
        ("10.1.2.3/8", "10.0.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "example.com", False),
        ("10.0.0.0/99", "10.0.0.1", False),
        ("fd00::/8", "fd00::1", True),
        ("fd00::1", "fd00::1", True),
        ("[fd00::1]:443", "fd00::1", True),
    ],
)
def test_exceptions_are_those_of_go(no_proxy: str, host: str, *, exempt: bool) -> None:
    assert is_exempt(no_proxy, host, "443") is exempt


@pytest.mark.parametrize(
    ("base_url", "no_proxy", "proxied"),
    [
        (API, None, True),
        (API, "example.com", True),
        (API, "ultravox.ai", False),
        (API, "ultravox.ai:8443", True),
        (f"{API}:8443/path", "ultravox.ai:8443", False),
        ("HTTPS://api.ultravox.ai", None, True),
        ("http://127.0.0.1:80", None, False),
        ("https://localhost", None, True),
        ("https://localhost", "example.com", False),
        ("https://[::1]:8443", "example.com", False),
    ],
)
def test_who_is_asked_through_the_proxy(
    base_url: str, no_proxy: str | None, *, proxied: bool
) -> None:
    """Loopback never is where there are exceptions, as in Go; http never is."""
    assert used(account(no_proxy=no_proxy), base_url) == (URL if proxied else None)


def test_the_proxy_of_the_environment() -> None:
    """Upper case comes first; a URL may leave out http://; loopback is never asked through it."""
    made = account(None)
    assert used(made) is None
    assert used(made, HTTPS_PROXY="", https_proxy=URL) == URL
    assert used(made, HTTPS_PROXY=URL, https_proxy="http://other") == URL
    assert used(made, HTTPS_PROXY="proxy.example.com:3128") == URL
    assert used(made, HTTPS_PROXY=URL, no_proxy="ultravox.ai") is None
    assert used(made, "https://127.0.0.1", HTTPS_PROXY=URL) is None
    assert used(Account("a"), HTTPS_PROXY=URL) is None


def test_an_unusable_proxy_of_the_environment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "accounts:\n  - {name: a, api_key_env: KEY, discover: {}}\n  - name: b\n"
        "    api_key_env: KEY\n    discover: {}\n    proxy_from_environment: true\n"
    )
    with pytest.raises(ConfigError) as caught:
        resolve(path, {"KEY": "k", "HTTPS_PROXY": "socks5://user:CANARY@proxy"}, tmp_path)
    assert str(caught.value) == (
        f"{path}:6: accounts[1].proxy_from_environment: environment variable HTTPS_PROXY:"
        " expected http:// or https://: other kinds of proxies are not supported"
    )
    for usable in ({}, {"HTTPS_PROXY": URL}):
        resolve(path, {"KEY": "k", **usable}, tmp_path)


def test_the_keys_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "accounts:\n  - name: a\n    api_key_env: KEY\n    discover: {}\n"
        f"    proxy_url: {URL}\n    no_proxy: example.com, 10.0.0.0/8\n"
        "    proxy_connect_header: {X-Team: [one, two]}\n"
    )
    (read,) = load(path).accounts
    assert (read.proxy_url, read.no_proxy) == (ProxyUrl(URL), "example.com, 10.0.0.0/8")
    assert read.proxy_connect_header == {"X-Team": (Secret("one"), Secret("two"))}


def test_the_text_of_a_proxy_has_no_credentials() -> None:
    url = ProxyUrl("http://user:CANARY@proxy:3128/")
    assert url.address == "http://proxy:3128/"
    assert f"{url} {url!r} {url!s}" == " ".join(["http://***@proxy:3128/"] * 3)
    assert repr(ProxyUrl(URL)) == URL


def test_the_secrets_that_are_redacted() -> None:
    """The longest first. Short texts are left: a log without them would be unreadable."""
    made = Account(
        "a",
        proxy_url=ProxyUrl("http://user:pass%20word@proxy"),
        proxy_connect_header={"X-Token": (Secret("Bearer CANARY"), Secret("1"))},
    )
    found = [*proxy_secrets(made, {})]
    assert {*found} == {
        *("dXNlcjpwYXNzIHdvcmQ=", "user:pass%20word", "pass%20word", "pass word"),
        *("Bearer CANARY", "Bearer", "CANARY"),
    }
    assert found == sorted(found, key=len, reverse=True)
    found = [*proxy_secrets(account(None), {"HTTPS_PROXY": "u:CANARY@proxy"})]
    assert "CANARY" in found
    assert [*proxy_secrets(account(), {})] == []
