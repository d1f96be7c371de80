"""Listen addresses as flags write them."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import ListenError
from exporter.web.address import Address, address_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":10110", Address("", 10110)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("localhost:9090", Address("localhost", 9090)),
        ("[::1]:10110", Address("::1", 10110)),
        ("[::]:65535", Address("::", 65535)),
    ],
)
def test_an_address_reads_and_writes_back(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        ("10110", "'10110' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        ("host:", "'host:' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        (":http", "':http' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        (":65536", "':65536' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        (":-1", "':-1' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        (":²", "':²' is not [HOST]:PORT, such as :10110 or 127.0.0.1:10110"),
        ("http://x:80", "'http://x:80': 'http://x' is neither a host name nor an IP address"),
        ("a b:80", "'a b:80': 'a b' is neither a host name nor an IP address"),
        ("[x]:80", "'[x]:80': '[x]' is neither a host name nor an IP address"),
        ("::1:80", "'::1:80': write an IPv6 host in brackets, such as [::1]:10110"),
    ],
)
def test_a_wrong_address_is_refused_with_the_expected_form(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"HOST|IPv6|host") as caught:
        Address.parse(text)
    assert str(caught.value) == message


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        parsed = Address.parse(text)
    except ValueError:
        return
    assert Address.parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("listener", "client"),
    [
        (":80", "127.0.0.1:80"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("[::]:80", "[::1]:80"),
        ("[::1]:80", "[::1]:80"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("localhost:80", "localhost:80"),
    ],
)
def test_a_listener_on_every_address_is_reached_by_the_loopback_address(
    listener: str, client: str
) -> None:
    assert str(Address.parse(listener).reached_by()) == client


def connects(host: str, port: int) -> bool:
    """Return whether a listener accepts the connection."""
    with socket.create_connection((host, port), timeout=5):
        return True


@pytest.mark.parametrize("host", ["", "::", "0:0::0"])
def test_no_host_is_every_address_on_one_port(host: str) -> None:
    """The IPv6 host `::` too: IPv4 is not refused."""
    if host and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with Address(host, 0).bind() as listener:
        port = address_of(listener).port
        assert port > 0
        assert connects("127.0.0.1", port)
        if socket.has_dualstack_ipv6():
            assert connects("::1", port)


def test_without_ipv6_it_is_every_ipv4_address() -> None:
    with Address("", 0).bind(has_dual_stack=lambda: False) as listener:
        assert listener.family is socket.AF_INET
        assert connects("127.0.0.1", address_of(listener).port)


def test_an_address_in_use_is_a_listen_error() -> None:
    with Address("127.0.0.1", 0).bind() as listener:
        taken = address_of(listener)
        with pytest.raises(ListenError, match=rf"can't listen on {taken}: Address already in use"):
            taken.bind()
    with pytest.raises(ListenError, match=r"can't listen on nowhere\.invalid:1: "):
        Address("nowhere.invalid", 1).bind()
