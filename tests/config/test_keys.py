"""The API key: which are accepted, which are refused, when it is reloaded, and its secrecy."""

import copy
import json
import os
import pickle
import re
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.config import Account, Secret, read_key
from exporter.errors import ConfigError

KEY = "Zx81.secret-key_0123456789"


def in_file(path: Path) -> Account:
    return Account("production", api_key_file=str(path))


def refused(account: Account, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read_key(account, environ or {})
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("around", ["{}", "{}\n", " \t{}\r\n\n", "\ufeff{}\r\n"])
def test_blanks_and_a_byte_order_mark_around_the_key_are_ignored(
    around: str, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    path.write_text(around.format(KEY), "utf-8")
    assert read_key(in_file(path), {}).current().reveal() == KEY


def test_the_key_in_a_variable() -> None:
    account = Account("production", api_key_env="NAME")
    assert read_key(account, {"NAME": f"{KEY}\n"}).current() == Secret(KEY)


@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf\n"])
def test_an_empty_key_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert refused(in_file(path)) == "accounts[production].api_key_file: the key file is empty"


@pytest.mark.parametrize(
    "content",
    [
        f"key {KEY}".encode(),
        f"{KEY}\n{KEY}".encode(),
        f"{KEY}\x00".encode(),
        f"{KEY}é".encode(),
        KEY.encode() + b"\xff",
        KEY.encode("utf-16"),
    ],
)
def test_a_key_that_a_header_can_not_carry_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert refused(in_file(path)) == (
        "accounts[production].api_key_file: the key file contains blanks or characters that are "
        "not printable ASCII: expected an API key and nothing else"
    )


@pytest.mark.parametrize("content", [f'"{KEY}"', f"'{KEY}'", f"{KEY}\\n"])
def test_a_key_in_quotes_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    assert refused(in_file(path)) == (
        "accounts[production].api_key_file: the key file contains quotes or backslashes: "
        "expected an API key without them"
    )


def test_a_file_larger_than_a_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY * 200)
    assert refused(in_file(path)) == (
        "accounts[production].api_key_file: the key file is larger than 4 KiB: "
        "expected an API key and nothing else"
    )


def test_the_largest_key_is_4_kib(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("k" * 4096)
    assert read_key(in_file(path), {}).current().reveal() == "k" * 4096


def test_a_key_file_that_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    """A pipe would block the start for ever, and so would a symbolic link to itself."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(link)
    messages = [refused(in_file(path)) for path in (tmp_path / KEY, tmp_path, pipe, link)]
    assert [
        text.removeprefix("accounts[production].api_key_file: the key file ") for text in messages
    ] == [
        "can't be read: No such file or directory",
        "is a directory",
        "is not a regular file",
        "can't be read: Too many levels of symbolic links",
    ]


@pytest.mark.parametrize(
    ("environ", "message"),
    [({}, "is not set"), ({"NAME": ""}, "is empty"), ({"NAME": " \n"}, "is empty")],
)
def test_a_variable_without_a_key_is_refused(environ: dict[str, str], message: str) -> None:
    account = Account("production", api_key_env="NAME")
    place = "accounts[production].api_key_env"
    assert refused(account, environ) == f"{place}: the environment variable {message}"


def test_an_account_without_a_source_has_no_key() -> None:
    assert "is not set" in refused(Account("production"))


def sendable(account: Account, environ: dict[str, str]) -> str | None:
    try:
        return read_key(account, environ).current().reveal()
    except ConfigError:
        return None


@given(st.binary(max_size=64), st.text(max_size=64))
def test_a_key_is_printable_ascii_or_refused(scratch: Path, content: bytes, text: str) -> None:
    scratch.write_bytes(content)
    for account in (in_file(scratch), Account("production", api_key_env="NAME")):
        key = sendable(account, {"NAME": text})
        assert key is None or re.fullmatch("[!-~]+", key)


def test_no_format_shows_a_secret() -> None:
    secret = Secret(KEY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>9}",
        f"{secret:>99}",
        f"{[secret]}",
    ]
    assert not any(KEY in text for text in shown)
    assert f"{secret:>99}" == "***"


def test_a_secret_can_not_be_serialised() -> None:
    secret = Secret(KEY)
    for write in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, vars):
        with pytest.raises(TypeError):
            write(secret)


def test_secrets_are_equal_if_their_texts_are_equal() -> None:
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret("other")
    assert Secret(KEY) != KEY
    assert {Secret(KEY), Secret(KEY)} == {Secret(KEY)}


def replace_file(path: Path, content: str) -> None:
    """Replace the key file with another file, as Kubernetes does for a mounted secret."""
    following = path.with_name("following")
    following.write_text(content)
    following.replace(path)


def test_a_changed_key_file_is_reloaded(tmp_path: Path) -> None:
    """`on_new_key` gets each key before it is used."""
    path, known = tmp_path / "key", list[Secret]()
    path.write_text("first\n")
    key = read_key(in_file(path), {}, known.append)
    assert key.current() == Secret("first")
    with capture_logs() as logs:
        replace_file(path, "second")
        assert key.current() == Secret("second")
        path.write_text("third, as long")
        path.write_text("third")
        assert key.current() == Secret("third")
        assert key.current() == Secret("third")
    assert known == [Secret("first"), Secret("second"), Secret("third")]
    assert [log["event"] for log in logs] == ["key_file_reloaded", "key_file_reloaded"]


@pytest.mark.parametrize("spoil", [lambda path: path.write_text(""), Path.unlink, None])
def test_a_bad_key_file_keeps_the_previous_key_and_is_reported_once(
    tmp_path: Path, spoil: Callable[[Path], object] | None
) -> None:
    path = tmp_path / "key"
    path.write_text("old\n")
    key = read_key(in_file(path), {})
    with capture_logs() as logs:
        if spoil is None:
            path.write_text("two words")
        else:
            spoil(path)
        assert key.current() == Secret("old")
        assert not key.replaced(Secret("old"))
        assert key.current() == Secret("old")
        path.write_text("old\n")
        assert key.current() == Secret("old")
        assert key.current() == Secret("old")
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("key_file_reload_failed", "warning"),
        ("key_file_recovered", "info"),
    ]
    assert str(tmp_path) not in str(logs)


def test_after_a_refusal_the_file_is_reloaded_even_if_it_looks_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    key = read_key(in_file(path), {})
    assert not key.replaced(Secret("old"))
    replace_file(path, "new")
    assert key.replaced(Secret("old"))
    assert not key.replaced(Secret("new"))


def test_a_key_from_the_environment_is_never_replaced() -> None:
    key = read_key(Account("main", api_key_env="NAME"), {"NAME": "k"})
    assert key.current() == Secret("k")
    assert not key.replaced(Secret("k"))
