"""Bytes as typed records: a record that can't be read has no effect on the others of its page.

A page is decoded as a whole. Only where that fails, each record is decoded alone, and each field of
a record that differs from the schema. What has one meaning only is then read: `100.0` is a count, a
leap second (`:60`) is the last second of its minute, and half of a surrogate pair is shown as
U+FFFD, except in an id.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from exporter.errors import PayloadError, TooLargeError, UnreadableRecord

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Up to 2^53, the largest number that a sample represents exactly."""

MAX_COMMAS = 300_000
"""Commas in a body. 300,000 of the smallest records are decoded in about 45 ms."""

MAX_REPAIRED = 2 * 2**20
"""Bytes of a body whose records are read one by one: that takes up to 17 ms per MiB."""

MAX_RECORDS = 1_000
"""Records of a page that are read one by one, each in about 15 microseconds."""

MAX_REPLACED = 1_000
"""Halves of surrogate pairs in a body that are replaced."""

_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_HALF_PAIR = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)
_LEAP_SECOND = re.compile(r"(?<=[Tt ]\d\d:\d\d:)60")
_TEXT_OR_NUMBER: msgspec.json.Decoder[int | float | str] = msgspec.json.Decoder(int | float | str)

Record = TypeVar("Record")
"""A msgspec struct."""


class _TypedPage(msgspec.Struct, Generic[Record], frozen=True):
    """A page as the API sends it (documented)."""

    results: list[Record]
    next: str | None = None
    total: Count | None = None


class _RawPage(msgspec.Struct, frozen=True):
    """A page whose records are not decoded yet."""

    results: list[msgspec.Raw]
    next: str | None = None
    total: Count | None = None


class Page(msgspec.Struct, Generic[Record], frozen=True):
    """One page: its readable records, and the others.

    Only `results` is required (documented); `next` may be `""` (observed).
    """

    results: list[Record]
    next: str | None = None
    total: int | None = None
    unreadable: tuple[UnreadableRecord, ...] = ()


class _Field(msgspec.Struct, frozen=True):
    """A field of a record: its name here, its name in the API, and how it is decoded.

    With `may_be_unreadable`, a value that can't be read counts as absent.
    """

    name: str
    api_name: str
    required: bool
    may_be_unreadable: bool
    decoder: msgspec.json.Decoder[object]


class RecordDecoder(Generic[Record]):
    """Decodes one record. `identifier` is the name of the field that identifies it, if any.

    The fields in `may_be_unreadable` have a default, which replaces a value that can't be read.
    """

    def __init__(
        self, record: type[Record], identifier: str = "", *, may_be_unreadable: Collection[str] = ()
    ) -> None:
        self._record = record
        self._identifier = identifier
        self._typed = msgspec.json.Decoder(record)
        self._fields = tuple(
            _Field(
                each.name,
                each.encode_name,
                each.required,
                each.name in may_be_unreadable,
                msgspec.json.Decoder(each.type),
            )
            for each in msgspec.structs.fields(record)  # type: ignore[arg-type]  # a struct: see Record
        )
        raw = [(each.api_name, msgspec.Raw, msgspec.Raw()) for each in self._fields]
        self._raw = msgspec.json.Decoder(msgspec.defstruct("RawRecord", raw))

    def decode(self, body: bytes, resource: str) -> Record:
        """Return the body of a response as a record.

        Raises PayloadError when it can't be read; the message names the field.
        """
        try:
            return self._typed.decode(body)
        except _DECODING_ERRORS as error:
            problem = str(error)
        record = self.read(without_half_pairs(body))
        if isinstance(record, UnreadableRecord):
            raise PayloadError(f"{resource}: not the documented response: {problem}")
        return record

    def read(self, raw: bytes | msgspec.Raw) -> Record | UnreadableRecord:
        """Return a record, or what is wrong with it."""
        with suppress(*_DECODING_ERRORS):
            record = self._typed.decode(raw)
            # Two ids with halves of pairs would be the same id after the replacement.
            if _REPLACEMENT not in getattr(record, self._identifier, ""):
                return record
        text = bytes(raw).decode("utf-8", "replace").encode()
        try:
            found = self._raw.decode(text)
        except _DECODING_ERRORS as error:
            return UnreadableRecord(None, "", str(error))
        values: dict[str, object] = {}
        faults = list(self._faults(found, values))
        if not faults:
            return self._record(**values)
        record_id, ended = values.get(self._identifier), values.get("ended_at")
        return UnreadableRecord(
            record_id if isinstance(record_id, str) else None,
            *faults[0],
            live="ended_at" in values and ended is None,
            ended=ended.timestamp() if isinstance(ended, datetime) else None,
        )

    def _faults(
        self, found: msgspec.Struct, values: dict[str, object]
    ) -> Iterator[tuple[str, str]]:
        """Put the values of the readable fields into `values`; yield the others, and why."""
        for field in self._fields:
            raw = getattr(found, field.api_name)
            if not bytes(raw):
                if field.required:
                    yield field.api_name, "missing"
                continue
            try:
                value = _value(field.decoder, raw)
            except _DECODING_ERRORS as error:
                if not field.may_be_unreadable:
                    yield field.api_name, str(error)
                continue
            if field.name == self._identifier and _REPLACEMENT in str(value):
                yield field.api_name, "not Unicode text"
                continue
            values[field.name] = value


class PageDecoder(Generic[Record]):
    """Decodes the pages of a list; `identifier` is as in RecordDecoder."""

    def __init__(self, record: type[Record], identifier: str = "") -> None:
        self._typed = msgspec.json.Decoder(_TypedPage[record])  # type: ignore[valid-type]  # mypy knows no types made at run time
        self._record = RecordDecoder(record, identifier)
        self._raw = RecordDecoder(_RawPage)

    def decode(self, body: bytes, resource: str) -> Page[Record]:
        """Return the body of a response as a page.

        Raises PayloadError when it is no page, or has records of which none can be read.
        """
        if body.count(b",") > MAX_COMMAS:
            raise TooLargeError(f"{resource}: the page has more than {MAX_COMMAS} values")
        try:
            page = self._typed.decode(body)
        except _DECODING_ERRORS as error:
            return self._one_by_one(body, resource, str(error))
        return Page(page.results, page.next, page.total)

    def _one_by_one(self, body: bytes, resource: str, problem: str) -> Page[Record]:
        """Return the page, each record decoded alone. `problem` is why the whole can't be."""
        if len(body) > MAX_REPAIRED:
            raise TooLargeError(f"{resource}: not the documented response: {problem}")
        page = self._raw.decode(body, resource)
        if len(page.results) > MAX_RECORDS:
            raise TooLargeError(f"{resource}: not the documented response: {problem}")
        records: list[Record] = []
        unreadable: list[UnreadableRecord] = []
        for raw in page.results:
            record = self._record.read(raw)
            if isinstance(record, UnreadableRecord):
                unreadable.append(record)
            else:
                records.append(record)
        if unreadable and not records:
            raise PayloadError(f"{resource}: not the documented response: {problem}")
        return Page(records, page.next, page.total, tuple(unreadable))


def _value(decoder: msgspec.json.Decoder[object], raw: msgspec.Raw) -> object:
    """Return a field's value. Raises the decoder's error where it has no meaning of that type."""
    try:
        return decoder.decode(raw)
    except _DECODING_ERRORS as error:
        # The error itself would keep the body: its traceback refers to this frame.
        problem = str(error)
    try:
        value = _TEXT_OR_NUMBER.decode(raw)
        if isinstance(value, str):
            return decoder.decode(msgspec.json.encode(_LEAP_SECOND.sub("59", value)))
        whole = isinstance(value, float) and value.is_integer()
        return decoder.decode(b"%d" % value if whole else raw)
    except _DECODING_ERRORS:
        raise msgspec.ValidationError(problem) from None


def without_half_pairs(body: bytes) -> bytes:
    """Return JSON with U+FFFD in place of the halves of surrogate pairs, MAX_REPLACED at most."""
    pieces: list[bytes] = []
    end = 0
    for half in _HALF_PAIR.finditer(body):
        before = body[end : half.start()]
        if len(pieces) == 2 * MAX_REPLACED:
            break
        escaped = (len(before) - len(before.rstrip(b"\\"))) % 2
        pieces += (before, half.group() if escaped else rb"\ufffd")
        end = half.end()
    return b"".join((*pieces, body[end:])) if pieces else body
