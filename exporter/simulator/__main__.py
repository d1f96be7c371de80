"""Run the simulator alone: `python -m exporter.simulator`. SIGTERM and SIGINT end it with 0."""

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Sequence

from exporter.simulator.demo import demo_account
from exporter.simulator.server import curl_examples, serve
from exporter.simulator.state import Simulator


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the demo account until SIGTERM or SIGINT; wrong usage exits with 2.

    `arguments` are by default the command line's.
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
        sys.stdout.write(f"Simulated Ultravox API: {url}\n")
        sys.stdout.write(f"API key (made up, valid here only): {simulator.api_key}\n\n")
        sys.stdout.write(f"Ask it with curl:\n{curl_examples(url, simulator.api_key)}")
        sys.stdout.flush()
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter.simulator", description="Run a simulated Ultravox API."
    )
    parser.add_argument(
        "--listen-address",
        type=_address,
        default=("127.0.0.1", 8089),
        metavar="HOST:PORT",
        help="address to listen on; port 0 takes a free one (default: 127.0.0.1:8089)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="speed of simulated time, as a multiple of real time (default: 1)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="seed of the random ids (default: 1)"
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
