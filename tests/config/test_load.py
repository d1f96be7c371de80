"""`load` and `resolve`: from files and the environment to a `Config`."""

import json
import os
from pathlib import Path

import pytest

from exporter.config import (
    Account,
    Agent,
    Batches,
    Config,
    Discover,
    LabelCollision,
    Polling,
    Tls,
    label_collisions,
    load,
    resolve,
)
from exporter.errors import ConfigError
from tests.config import GOOD

SMALLEST = (GOOD / "smallest.yaml").read_text("utf-8")


def refused(config_file: Path | None, environ: dict[str, str], cwd: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(config_file, environ, cwd)
    return str(caught.value)


def test_keys_that_are_left_out_have_their_defaults() -> None:
    assert load(GOOD / "smallest.yaml") == Config(
        accounts=(
            Account(
                name="production",
                base_url="https://api.ultravox.ai",
                requests_per_second=5.0,
                api_key_env="KEY",
                discover=Discover(include=("*",), exclude=(), interval=300.0),
            ),
        ),
        polling=Polling(
            interval=30.0,
            idle_interval=120.0,
            timeout=25.0,
            full_listing_interval=900.0,
            stale_after=600.0,
        ),
        batches=Batches(
            keep_ended=21600.0,
            max_per_agent=1000,
            per_batch_series=True,
            outcomes=False,
            outcomes_interval=120.0,
        ),
    )


def test_every_key_is_read() -> None:
    assert load(GOOD / "everything.yaml") == Config(
        accounts=(
            Account(
                name="production_1.eu-west",
                base_url="HTTPS://proxy.example.com:8443/ultravox",
                requests_per_second=0.5,
                api_key_file=str(GOOD / "secrets" / "key"),
                agents=(
                    Agent(
                        "3c90c3cc-0d44-4b50-8888-8dd25736052a",
                        "Rénovations 🏠",
                        {"team": "retention", "tier": "1", "note": ""},
                    ),
                    Agent("12345"),
                ),
                discover=Discover(("sales-*", "on"), ("*-test",), 3600.0),
                tls_config=Tls(
                    str(GOOD / "tls" / "ca.pem"),
                    "/tls/client.pem",
                    str(GOOD / "tls" / "client.key"),
                ),
            ),
            Account(
                name="local",
                base_url="http://127.8.9.1:8080",
                requests_per_second=200.0,
                api_key_env="_KEY_2",
                agents=(Agent("same-id-as-none-here"),),
            ),
        ),
        polling=Polling(1.0, 90.5, 180.0, 31_536_000.0, 180.0),
        batches=Batches(0.0, 1, per_batch_series=False, outcomes=True, outcomes_interval=604_800.0),
    )


def test_an_alias_repeats_its_anchor() -> None:
    first, second = load(GOOD / "aliases.yaml").accounts
    labels = {"team": "retention"}
    assert first.agents == (Agent("one", None, labels), Agent("two", "a", labels))
    assert second.agents == first.agents


def test_http_is_for_loopback_only_and_trailing_slashes_are_removed() -> None:
    assert [account.base_url for account in load(GOOD / "loopback.yaml").accounts] == [
        "http://127.0.0.1:80",
        "http://[::1]:1",
        "http://LocalHost",
        "https://[2001:db8::1]/api",
    ]


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SMALLEST, "utf-8-sig")
    assert load(path) == load(GOOD / "smallest.yaml")


@pytest.mark.parametrize(
    "host",
    ["api.ultravox.ai.", "a" * 63, ".".join(["a" * 61] * 4), "a_b.-c-", "xn--bcher-kva.example"],
)
def test_any_host_name_that_a_name_server_may_know_is_accepted(host: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{SMALLEST}    base_url: https://{host}:8443/api/\n")
    assert load(path).accounts[0].base_url == f"https://{host}:8443/api"


TEXT = "Rénovations 🏠 </\u2028>"

AS_JSON = {
    "accounts": [
        {
            "name": "a",
            "api_key_env": "KEY",
            "base_url": "https://api.ultravox.ai/v2",
            "agents": [{"id": "one", "name": TEXT, "labels": {"note": TEXT}}],
        }
    ]
}


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("slash", ["/", "\\/"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_json_is_read_as_a_json_library_writes_it(
    indent: int | str | None, slash: str, encoding: str, tmp_path: Path
) -> None:
    """Characters as surrogate pairs, escaped slashes, tabs, and a byte order mark."""
    path = tmp_path / "config.yaml"
    path.write_text("\n " + json.dumps(AS_JSON, indent=indent).replace("/", slash), encoding)
    (account,) = load(path).accounts
    assert account.base_url == "https://api.ultravox.ai/v2"
    assert account.agents == (Agent("one", TEXT, {"note": TEXT}),)


def test_one_value_of_a_yaml_file_may_be_json(tmp_path: Path) -> None:
    """Templates write values so: `name: {{ name | to_json }}`."""
    path = tmp_path / "config.yaml"
    name = json.dumps(TEXT).replace("/", "\\/")
    path.write_text(SMALLEST + f"    agents: [{{id: one, name: {name}}}]\n")
    assert load(path).accounts[0].agents == (Agent("one", TEXT),)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n\t"accounts": [],\n\t"pollin": {}\n}', 3),
        ('{\n\t"accounts": [{}],\n\t"accounts": []\n}', 3),
        ('{\n\t"accounts":\n\t"\\ud83d"}', 3),
        ('{\n\t"accounts": [],}', 2),
        ('{\n"accounts": [\n\t' + "[" * 100_000, 3),
    ],
    ids=["unknown-key", "duplicate-key", "half-a-pair", "not-json", "very-deep"],
)
def test_a_problem_in_json_has_its_line(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    problems = refused(path, {}, tmp_path).splitlines()
    assert f"{path}:{line}" in {":".join(problem.split(":")[:2]) for problem in problems}


@pytest.mark.parametrize("end", ["---", "---\n", "...\n", "---\n# end\n---\n...\n"])
def test_empty_documents_at_the_end_are_skipped(end: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"---\n---\n{SMALLEST}{end}")
    assert load(path) == load(GOOD / "smallest.yaml")


def test_a_file_of_empty_documents_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("---\n---\n...\n")
    assert refused(path, {}, tmp_path).endswith(
        ": the file is empty: expected a mapping with the key accounts"
    )


def test_a_relative_key_file_starts_at_the_folder_of_the_configuration(tmp_path: Path) -> None:
    """Also where the path of the configuration is relative itself."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "config.yaml").write_text(SMALLEST.replace("api_key_env: KEY", "api_key_file: key"))
    (folder / "key").write_text("secret\n")
    relative = Path(os.path.relpath(folder / "config.yaml"))
    config, _ = resolve(relative, {}, tmp_path)
    key_file = config.accounts[0].api_key_file
    assert key_file is not None
    assert Path(key_file).is_absolute()
    assert Path(key_file).resolve() == (folder / "key").resolve()


def test_an_absolute_key_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SMALLEST.replace("api_key_env: KEY", "api_key_file: /run/secrets/key"))
    assert load(path).accounts[0].api_key_file == "/run/secrets/key"


def test_the_file_of_the_flag_comes_first(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("broken")
    named = GOOD / "smallest.yaml"
    environ = {"KEY": "secret", "ULTRAVOX_API_KEY": "other"}
    assert resolve(named, environ, tmp_path) == (load(named), str(named))


def test_the_file_in_the_working_directory_comes_second(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SMALLEST)
    environ = {"KEY": "secret", "ULTRAVOX_API_KEY": "other"}
    assert resolve(None, environ, tmp_path) == (load(path), str(path))


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Path("/dev/zero"))
    assert str(caught.value) == "/dev/zero: larger than 10 MiB: expected a configuration file"


def test_a_broken_link_is_not_an_absent_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.symlink_to("nowhere")
    assert refused(None, {"ULTRAVOX_API_KEY": "secret"}, tmp_path) == (
        f"{path}: can't be read: No such file or directory"
    )


def test_the_environment_comes_third(tmp_path: Path) -> None:
    account = Account("default", api_key_env="ULTRAVOX_API_KEY", discover=Discover())
    assert resolve(None, {"ULTRAVOX_API_KEY": "secret"}, tmp_path) == (
        Config((account,)),
        "environment variable ULTRAVOX_API_KEY",
    )


def test_a_bad_key_in_the_environment_is_refused(tmp_path: Path) -> None:
    assert refused(None, {"ULTRAVOX_API_KEY": " "}, tmp_path) == (
        "ULTRAVOX_API_KEY: the environment variable is empty"
    )


@pytest.mark.parametrize("environ", [{}, {"ULTRAVOX_API_KEY": ""}])
def test_without_any_configuration_the_message_names_the_three_ways(
    environ: dict[str, str], tmp_path: Path
) -> None:
    assert refused(None, environ, tmp_path) == (
        "no configuration: pass --config.file=PATH, or put config.yaml into the "
        "working directory, or set ULTRAVOX_API_KEY to watch all agents of one account"
    )


def test_bad_keys_are_reported_with_all_other_problems(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    (tmp_path / "empty").write_text("\n")
    path.write_text(
        "accounts:\n"
        "  - {name: a, api_key_file: empty, discover: {}}\n"
        "  - {name: b, api_key_env: ABSENT, discover: {}}\n"
        "  - {name: c, api_key_env: SET, discover: {}, nam: 1}\n"
        f"  - {{name: d, api_key_file: {'a' * 300}, discover: {{}}}}\n"
    )
    message = refused(path, {"SET": "secret"}, tmp_path)
    assert message.replace(f"{tmp_path}/", "").splitlines() == [
        "config.yaml:2: accounts[0].api_key_file: the key file is empty",
        "config.yaml:3: accounts[1].api_key_env: the environment variable is not set",
        "config.yaml:4: accounts[2].nam: unknown key (did you mean 'name'?)",
        "config.yaml:5: accounts[3].api_key_file: the key file can't be read: File name too long",
    ]


def test_labels_that_are_usual_target_labels_are_found() -> None:
    """They are accepted: the user may have no such target labels."""
    labels = {"namespace": "a", "team": "b", "endpoint": "c"}
    agents = (Agent("one", None, labels), Agent("two", None, {"endpoint": "d"}), Agent("three"))
    config = Config((Account("a", agents=agents), Account("b", agents=(Agent("one"),))))
    first, second = label_collisions(config)
    assert (first, second) == (
        LabelCollision("a", "namespace", 1),
        LabelCollision("a", "endpoint", 2),
    )
    assert str(second) == (
        "accounts[a].agents[].labels.endpoint (agents: 2): Prometheus usually sets a target label"
        " 'endpoint': it renames this one to 'exported_endpoint', or overwrites its own where"
        " honor_labels is true: choose another name"
    )
