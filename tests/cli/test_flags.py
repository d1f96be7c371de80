"""The flags of each command."""

from pathlib import Path

import pytest

from exporter import __version__
from exporter.cli.flags import working_folder
from exporter.cli.main import parse
from exporter.log import LogFormat
from exporter.web.address import Address


def test_the_default_command_is_serve() -> None:
    options = parse([])
    assert options.command == "serve"
    assert options.config_file is None
    assert options.listen_addresses == (Address("", 10110),)
    assert options.telemetry_path == "/metrics"
    assert (options.log_level, options.log_format) == ("info", LogFormat.AUTO)


def test_flags_without_a_command_are_those_of_serve() -> None:
    options = parse(
        [
            "--config.file=x.yaml",
            "--web.listen-address=:1",
            "--web.listen-address",
            "[::1]:2",
            "--web.telemetry-path=/m",
            "--log.level=debug",
            "--log.format=json",
        ]
    )
    assert options.command == "serve"
    assert options.config_file == Path("x.yaml")
    assert options.listen_addresses == (Address("", 1), Address("::1", 2))
    assert options.telemetry_path == "/m"
    assert (options.log_level, options.log_format) == ("debug", LogFormat.JSON)


def test_the_demo_listens_on_loopback_only() -> None:
    options = parse(["demo", "--speed=60"])
    assert options.speed == 60
    assert options.listen_addresses == (Address("127.0.0.1", 10110),)


def test_the_healthcheck_uses_the_default_address_of_serve() -> None:
    assert parse(["healthcheck"]).address == Address("", 10110)


@pytest.mark.parametrize("arguments", [["--version"], ["serve", "--version"]])
def test_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"ultravox-batch-exporter {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["serve", "--help"], ["demo", "-h"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "usage: ultravox-batch-exporter" in out
    assert out.endswith(
        "exit status:\n  0  done\n  1  failed while running\n  2  wrong usage or configuration\n"
    )


@pytest.mark.parametrize(
    ("written", "level"),
    [("warn", "warning"), ("warning", "warning"), ("debug", "debug"), ("error", "error")],
)
def test_the_log_level_may_be_written_as_in_prometheus(written: str, level: str) -> None:
    assert parse([f"--log.level={written}"]).log_level == level


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "invalid choice: 'dance'"),
        (["--web.listen-address=80"], "'80' is not [HOST]:PORT, such as :10110"),
        (["--web.telemetry-path=metrics"], "'metrics' is not a free path such as /metrics"),
        (["--web.telemetry-path=/-/healthy"], "'/-/healthy' is not a free path"),
        (["--web.telemetry-path=/{x}"], "'/{x}' is not a free path"),
        (["--log.level=loud"], "invalid choice: 'loud'"),
        (["--log.format=xml"], "'xml' is none of auto, console, logfmt, json"),
        (["--config.file="], "argument --config.file: the path is empty"),
        (["--log.level=debug", "demo"], "the command comes first: ultravox-batch-exporter demo …"),
        (["--config.fil=x"], "unrecognized arguments: --config.fil=x"),
        (["check", "extra"], "unrecognized arguments: extra"),
        (["demo", "--speed=0"], "'0' is not a positive number"),
        (["demo", "--speed=inf"], "'inf' is not a positive number"),
        (["demo", "--speed=fast"], "'fast' is not a positive number"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_thresholds_of_the_rules_are_flags() -> None:
    options = parse(
        [
            "rules",
            "--stalled-after=20m",
            "--miss-share=0.1",
            "--error-calls=50",
            "--grafana-url=https://grafana.example/",
        ]
    )
    assert (options.stalled_after, options.paused_after) == (1200, 1800)
    assert (options.miss_share, options.error_calls) == (0.1, 50)
    assert options.grafana_url == "https://grafana.example"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--stalled-after=20", "write 20s"),
        ("--stalled-after=59s", "'59s' is not between 1m and 1d"),
        ("--stalled-after=2d", "'2d' is not between 1m and 1d"),
        ("--miss-share=5%", "'5%' is not a share such as 0.05"),
        ("--miss-share=1", "'1' is not a share such as 0.05"),
        ("--error-calls=-1", "'-1' is not a whole number"),
        ("--grafana-url=grafana", "'grafana' is not an address such as https://example.com"),
        ("--runbook-url=https://x/{{.}}", "is not an address such as https://example.com"),
    ],
)
def test_wrong_thresholds_are_refused(
    argument: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["rules", argument])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_deleted_working_directory_is_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert working_folder() == gone
    gone.rmdir()
    assert working_folder() == Path()
