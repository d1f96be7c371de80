"""Random HTTP responses, valid and broken: status line, headers, encodings, chunks, JSON values.

A generator's seed decides all of them: the same seed gives the same responses.
"""

import gzip
import json
import zlib
from random import Random

STATUS_LINES = (
    *(b"HTTP/1.1 200 OK",) * 60,
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 103 Early Hints",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 206 Partial Content",
    b"HTTP/1.1 302 Found",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 401 Unauthorized",
    b"HTTP/1.1 403 Forbidden",
    b"HTTP/1.1 404 Not Found",
    b"HTTP/1.1 407 Proxy Authentication Required",
    b"HTTP/1.1 429 Too Many Requests",
    b"HTTP/1.1 500 Internal Server Error",
    b"HTTP/1.1 503 Service Unavailable",
    b"HTTP/1.1 999 \xff\xfe",
    b"HTTP/1.1 99999 X",
    b"HTTP/1.1 -1 X",
    b"HTTP/9.9 200 OK",
    b"HTTP/2 200",
    b"ICY 200 OK",
    b"",
)

HEADERS = (
    *(b"Date", b"Retry-After", b"Content-Encoding", b"Content-Length", b"Transfer-Encoding"),
    *(b"Content-Type", b"Set-Cookie", b"Location", b"Link", b"Connection", b"Keep-Alive"),
    *(b"Trailer", b"Upgrade", b"Server", b"Age", b"WWW-Authenticate"),
)
BROKEN_HEADERS = (b"", b"X Y", b"\xff", b"X\x00", b"Date ", b" Date")

HEADER_VALUES = (
    *(b"", b"0", b"-1", b"+1", b"1.5", b"1e9", b"0x10", b"9" * 30, b"9" * 5000, b"1, 2"),
    b"Mon, 99999999999999999999 Jan 2024 00:00:00 GMT",
    b"Sun, 06 Nov 1994 08:49:37 GMT",
    b"Mon, 01 Jan 0001 00:00:00 +2359",
    b"Fri, 31 Dec 9999 23:59:59 -2359",
    b"Mon, 01 Jan 2024 00:00:00 +99999999999",
    *(b"gzip", b"br", b"deflate", b"zstd", b"gzip, gzip", b"identity", b"chunked", b"x, chunked"),
    *(b"close", b"keep-alive", b"timeout=-1, max=" + b"9" * 40, b"h2c", b"websocket"),
    *(b"application/json; charset=utf-9", b"text/html; charset=\xff", b"/;=", b"a=b; Expires=x"),
    *(b"http://[::1", b"//", b"<http://x>; rel=next", b"a\tb", b" ", b"\xc3\xa4", b'"'),
)
BROKEN_VALUES = (b"\xff\xfe\x00", b"\x00", b"x" * 9000, b"\x7f\x1b[31m", b"x\r\n folded", b"\r")

VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 100.0, 1.5, 1e300, 2**53, 2**53 + 1, 10**400, -0.0),
    *("", "x", "\x00", "\ud800", "\U0001f600", "9" * 5000, [], {}, [[]], {"results": []}),
    *("2025-03-22T15:48:32.997086Z", "2025-03-22T15:48:32", "2025-06-30T23:59:60Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2025-02-30T00:00:00Z"),
    *(
        "https://x.example/?cursor=1",
        "http://[bad/?cursor=1",
        "https://x.example/?cursor=1&cursor=2",
    ),
)

RAW_BODIES = (
    *(b"", b"null", b"[]", b"{}", b"7", b'"', b"nan", b"<html></html>", b"\xef\xbb\xbf{}"),
    *(b"\xff" * 10, b"\x00" * 100, b'{"a":' * 20_000, b"[" * 100_000, rb'"\ud800"', b'{"results":'),
)

ACCOUNT: dict[str, object] = {
    "activeCalls": 3,
    "allowedConcurrentCalls": None,
    "subscriptionExpiration": "2025-03-22T18:00:00Z",
}
AGENT: dict[str, object] = {"agentId": "a", "name": "A", "callTemplate": {"systemPrompt": "x"}}
BATCH: dict[str, object] = {
    "batchId": "b",
    "created": "2025-03-22T15:48:32.997086Z",
    "totalCount": 10,
    "completedCount": 4,
    "endedAt": None,
    "windowEnd": "2025-03-22T18:00:00Z",
    "webhookSecret": "secret",
    "paused": False,
}


def good(record: dict[str, object], *, page: bool) -> bytes:
    """Return a valid response with this record, alone or as the only one of a page."""
    body: object = {"results": [record], "next": None, "total": 1} if page else record
    text = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


class Responses:
    """Makes random responses to a request for a record like this one, or for a page of them.

    Without `empty_pages`, no page of them is a valid one without records.
    """

    def __init__(self, seed: int, *, empty_pages: bool = True) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret
        self._empty_pages = empty_pages

    def next(self, record: dict[str, object], *, page: bool) -> bytes:
        """Return the next response; a few are valid."""
        random = self._random
        content = self._body(record, page=page)
        while not self._empty_pages and b'"results": []' in content:
            content = self._body(record, page=page)
        body, headers = self._framed(self._encoded(content))
        headers += [
            (random.choice(BROKEN_HEADERS) if self._one(20) else random.choice(HEADERS[5:]))
            + random.choice((*(b": ",) * 20, b":", b" : ", b""))
            + self._value()
            for _ in range(random.choice((0, 0, 1, 2, 4)))
        ]
        headers += [name + b": " + self._value() for name in HEADERS[:2] if self._one(3)]
        headers += [name + b": " + self._value() for name in HEADERS[2:5] if self._one(20)]
        random.shuffle(headers)
        head = b"\r\n".join((random.choice(STATUS_LINES), *headers))
        return self._mutated(head + random.choice((*(b"\r\n\r\n",) * 30, b"\n\n")) + body)

    def _one(self, of: int) -> bool:
        """Return true with a probability of 1 in `of`."""
        return self._random.randrange(of) == 0

    def _value(self) -> bytes:
        random = self._random
        if self._one(20):
            return random.choice(BROKEN_VALUES)
        if self._one(20):
            return random.randbytes(random.randrange(30)).replace(b"\n", b"").replace(b"\r", b"")
        return random.choice(HEADER_VALUES)

    def _body(self, record: dict[str, object], *, page: bool) -> bytes:
        if self._one(6):
            return self._random.choice(RAW_BODIES)
        if not page:
            return json.dumps(self._changed(record)).encode()
        records = [self._changed(record) for _ in range(self._random.randrange(4))]
        answer: dict[str, object] = {"results": records, "next": None, "total": len(records)}
        return json.dumps(self._changed(answer) if self._one(4) else answer).encode()

    def _changed(self, record: dict[str, object]) -> object:
        random = self._random
        if self._one(10):
            return random.choice(VALUES)
        changed = dict(record)
        for _ in range(random.choice((0, 0, 1, 2))):
            name = random.choice(list(record))
            if self._one(4):
                changed.pop(name, None)
            else:
                changed[name] = random.choice(VALUES)
        return changed

    def _encoded(self, body: bytes) -> tuple[bytes, list[bytes]]:
        """Return the body, compressed or not, and the header that says so, or says otherwise."""
        kind = self._random.randrange(16)
        if kind == 0:
            return gzip.compress(body, mtime=0), [b"Content-Encoding: gzip"]
        if kind == 1:
            return gzip.compress(body, mtime=0)[:-5], [b"Content-Encoding: gzip"]
        if kind == 2:
            return zlib.compress(body), [b"Content-Encoding: deflate"]
        if kind == 3:
            return body, [b"Content-Encoding: gzip"]
        if kind == 4:
            return gzip.compress(b" " * 2**20 + body, mtime=0), [b"Content-Encoding: gzip"]
        return body, []

    def _framed(self, encoded: tuple[bytes, list[bytes]]) -> tuple[bytes, list[bytes]]:
        """Return the body and all headers about it: its length, wrong or right, or its chunks."""
        body, headers = encoded
        if self._one(3):
            return self._chunked(body), [*headers, b"Transfer-Encoding: chunked"]
        if self._one(4):
            return body, headers
        length = len(body) if self._random.randrange(6) else self._random.choice((0, 1, 10**20, -1))
        return body, [*headers, b"Content-Length: %d" % length]

    def _chunked(self, body: bytes) -> bytes:
        end = self._random.choice(
            (
                *(b"0\r\n\r\n",) * 12,
                *(b"", b"0\r\n", b"0\r\nDate: x\r\nBad\r\n\r\n", b"0\r\nX: " + b"y" * 70_000),
                *(
                    b"zz\r\n",
                    b"f" * 20 + b"\r\n",
                    b"-1\r\n\r\n",
                    b"5;ext=\x00\r\nabcde\r\n0\r\n\r\n",
                ),
            )
        )
        half = len(body) // 2
        pieces = [piece for piece in (body[:half], body[half:]) if piece]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end

    def _mutated(self, response: bytes) -> bytes:
        random = self._random
        if random.randrange(8):
            return response
        changed = bytearray(response)
        for _ in range(random.randrange(1, 5)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        return bytes(changed[: random.randrange(len(changed))] if self._one(4) else changed)
