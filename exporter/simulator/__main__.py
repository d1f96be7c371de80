"""Run the simulator alone: `python -m exporter.simulator`. Ends with 0 on SIGTERM or SIGINT."""

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Sequence

from exporter.simulator.scenarios import demo_account
from exporter.simulator.server import serve
from exporter.simulator.state import Simulator


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the demo account until a signal comes; wrong usage ends with 2.

    `arguments` are the process's own by default.
    """
    options = _parser().parse_args(arguments)
    host, port = options.listen_address
    simulator = Simulator(demo_account(options.seed), speed=options.speed)
    asyncio.run(_run(simulator, host, port))


async def _run(simulator: Simulator, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(simulator, host, port) as url:
        sys.stdout.write(f"simulated Ultravox API: {url}\n")
        sys.stdout.write(f"made-up API key, good for nothing else: {simulator.api_key}\n")
        sys.stdout.flush()
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter.simulator", description="A simulated Ultravox API."
    )
    parser.add_argument(
        "--listen-address",
        type=_address,
        default=("127.0.0.1", 8089),
        metavar="HOST:PORT",
        help="where to listen; port 0 takes a free one (default: 127.0.0.1:8089)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="how many times as fast as real time the account lives (default: 1)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the account's ids (default: 1)"
    )
    return parser


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _speed(text: str) -> float:
    speed = float(text)
    if not (math.isfinite(speed) and speed > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return speed


if __name__ == "__main__":
    main()
