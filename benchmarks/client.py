"""Reads a page, and measures how long that takes."""

import socket
import time
from typing import NamedTuple

CHUNK = 1024 * 1024
OK = b"HTTP/1.1 200 "


class Answer(NamedTuple):
    """How long an answer took from connecting to its last byte, in seconds, and its bytes."""

    seconds: float
    size: int


def scrape(port: int, encoding: str) -> Answer:
    """Read the page and look at nothing but its status."""
    buffer = bytearray(CHUNK)
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
    return Answer(seconds, size)


def body(port: int, path: str, encoding: str) -> bytes:
    """Return the body of an answer whose length is told. Raises RuntimeError unless it is a 200."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_request(path, encoding))
        chunks = []
        while chunk := connection.recv(CHUNK):
            chunks.append(chunk)
    head, _, page = b"".join(chunks).partition(b"\r\n\r\n")
    if not head.startswith(OK):
        raise RuntimeError(f"port {port}, {path}: {head[:100]!r}")
    return page


def _request(path: str, encoding: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: text/plain;version=0.0.4",
        f"Accept-Encoding: {encoding}",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
