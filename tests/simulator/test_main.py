"""`python -m exporter.simulator` as a process of its own."""

import signal
import subprocess
import sys
import urllib.request

import pytest

from exporter.simulator import DEFAULT_KEY, curl_examples
from exporter.simulator.__main__ import main

COMMAND = [sys.executable, "-m", "exporter.simulator"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(number: signal.Signals) -> None:
    """It prints its address, its key and how to ask it with curl; a signal ends it with 0."""
    arguments = ["--listen-address=127.0.0.1:0", "--speed=60", "--seed=3"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert DEFAULT_KEY in process.stdout.readline()
        lines = [process.stdout.readline() for _ in range(4)]
        assert "".join(lines[2:]) == curl_examples(url, DEFAULT_KEY)
        request = urllib.request.Request(  # noqa: S310 - the address is our own
            f"{url}/api/accounts/me", headers={"X-API-Key": DEFAULT_KEY}
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310 - the same
            assert response.status == 200
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize(
    "argument",
    [
        "--listen-address=8089",
        "--listen-address=localhost:http",
        "--speed=0",
        "--speed=nan",
        "--speed=fast",
        "--agents=3",
    ],
)
def test_wrong_usage_exits_with_2(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([argument])
    assert ended.value.code == 2
    assert "usage: python -m exporter.simulator" in capsys.readouterr().err
