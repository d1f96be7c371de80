"""The files of `tls_config`: what is refused when the configuration is read."""

import os
import subprocess
from pathlib import Path

import pytest

from exporter.config import Tls, resolve
from exporter.errors import ConfigError
from tests.support.programs import require
from tests.support.tls import self_signed


def read(folder: Path, **files: str) -> Tls | None:
    """Return the section that a configuration in a folder has with these files."""
    lines = [f"      {key}: {name}\n" for key, name in files.items()]
    account = "accounts:\n  - name: a\n    api_key_env: KEY\n    discover: {}\n    tls_config:\n"
    path = folder / "config.yaml"
    path.write_text("".join([account, *lines]))
    config, _ = resolve(path, {"KEY": "k"}, folder)
    return config.accounts[0].tls_config


def refused(folder: Path, **files: str) -> str:
    """Return the error message for these files."""
    with pytest.raises(ConfigError) as caught:
        read(folder, **files)
    return str(caught.value).replace(f"{folder}/", "")


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    made = self_signed(tmp_path, "made", "IP:127.0.0.1")
    assert read(tmp_path, ca_file="made.pem", cert_file="made.pem", key_file="made.key") == Tls(
        str(made.path), str(made.path), str(made.key)
    )


def test_every_bad_file_is_reported_with_its_line(tmp_path: Path) -> None:
    self_signed(tmp_path, "made", "IP:127.0.0.1")
    (tmp_path / "junk").write_text("junk")
    assert refused(tmp_path, ca_file="junk", cert_file="junk", key_file="made.key") == (
        "config.yaml:6: accounts[0].tls_config.ca_file: the file has no certificate in PEM format\n"
        "config.yaml:7: accounts[0].tls_config.cert_file: the file has no certificate in PEM format"
    )


@pytest.mark.parametrize("key", ["other.key", "locked.key", "made.pem"])
def test_a_key_of_another_certificate_or_with_a_passphrase_is_refused(
    tmp_path: Path, key: str
) -> None:
    made = self_signed(tmp_path, "made", "IP:127.0.0.1")
    self_signed(tmp_path, "other", "IP:127.0.0.1")
    locked = ("-aes128", "-passout", "pass:word", "-out", tmp_path / "locked.key")
    arguments = (require("openssl"), "ec", "-in", made.key, *locked)
    subprocess.run(arguments, check=True, capture_output=True)
    assert refused(tmp_path, cert_file="made.pem", key_file=key) == (
        "config.yaml:7: accounts[0].tls_config.key_file: not the private key of the certificate:"
        " expected PEM, without a passphrase"
    )


def test_what_is_not_an_ordinary_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (10 * 2**20 + 1))
    start = "config.yaml:6: accounts[0].tls_config.ca_file: the file "
    messages = {
        "absent": "can't be read: No such file or directory",
        ".": "is a directory",
        "pipe": "is not a regular file",
        "large": "is larger than 10 MiB: expected certificates in PEM",
    }
    assert {name: refused(tmp_path, ca_file=name) for name in messages} == {
        name: start + message for name, message in messages.items()
    }
