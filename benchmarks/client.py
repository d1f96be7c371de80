"""Reads an exposition, and measures how long that takes."""

import socket
import time
from typing import NamedTuple

READ_SIZE = 1024 * 1024
"""Bytes read at once, at most."""

OK = b"HTTP/1.1 200 "


class Response(NamedTuple):
    """The seconds from connecting to the last byte of a response, and its size in bytes."""

    seconds: float
    size: int


def scrape(port: int, encoding: str) -> Response:
    """Scrape once, and check only the status. Raises RuntimeError unless it is 200."""
    buffer = bytearray(READ_SIZE)
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_request("/metrics", encoding))
        size = count = connection.recv_into(buffer)
        if not buffer.startswith(OK):
            raise RuntimeError(f"port {port}: {bytes(buffer[:100])!r}")
        while count:
            count = connection.recv_into(buffer)
            size += count
    seconds = time.perf_counter() - began
    return Response(seconds, size)


def body(port: int, path: str, encoding: str) -> bytes:
    """Return the body of a response. Raises RuntimeError unless its status is 200."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_request(path, encoding))
        received = []
        while data := connection.recv(READ_SIZE):
            received.append(data)
    head, _, content = b"".join(received).partition(b"\r\n\r\n")
    if not head.startswith(OK):
        raise RuntimeError(f"port {port}, {path}: {head[:100]!r}")
    return content


def _request(path: str, encoding: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: text/plain;version=0.0.4",
        f"Accept-Encoding: {encoding}",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
