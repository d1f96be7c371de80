"""Answers become typed records or a payload error; secrets never become objects."""

import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api import schemas
from exporter.errors import PayloadError
from exporter.model import Batch

ROW = {
    "batchId": "b1",
    "created": "2025-03-22T15:48:32.997086Z",
    "totalCount": 10,
    "completedCount": 4,
    "endedAt": None,
}


def page(*rows: object, **rest: object) -> bytes:
    """Return a page's bytes."""
    return json.dumps({"results": rows, **rest}).encode()


def batch(**fields: object) -> Batch:
    """Return the batch that a row with these fields becomes."""
    decoded = schemas.decode(schemas.BATCH_PAGE, page({**ROW, **fields}), "x")
    return schemas.to_batch(decoded.results[0])


def test_a_row_with_the_required_fields_alone() -> None:
    assert batch() == Batch("b1", created=1742658512.997086, total=10, completed=4)


def test_a_row_with_every_field() -> None:
    assert batch(
        windowStart="2025-03-22T16:00:00Z",
        windowEnd="2025-03-22T18:00:00+01:00",
        endedAt="2025-03-22T17:30:00Z",
        throttle="evening",
        webhookUrl="https://example.org/hook?token=x",
        webhookSecret="shh",
        paused=True,
        somethingNew={"a": [1]},
    ) == Batch(
        "b1",
        created=1742658512.997086,
        total=10,
        completed=4,
        paused=True,
        window_start=1742659200.0,
        window_end=1742662800.0,
        ended=1742664600.0,
        throttle="evening",
        webhook=True,
    )


@pytest.mark.parametrize(
    "field", ["windowStart", "windowEnd", "throttle", "webhookUrl", "webhookSecret", "paused"]
)
def test_null_is_the_same_as_absent(field: str) -> None:
    assert batch(**{field: None}) == batch()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batchId", ""),
        ("batchId", 7),
        ("created", None),
        ("created", "2025-03-22T15:48:32"),
        ("created", "yesterday"),
        ("totalCount", -1),
        ("totalCount", 2**53 + 1),
        ("totalCount", 10**400),
        ("totalCount", "10"),
        ("totalCount", 1.5),
        ("completedCount", True),
        ("endedAt", 0),
        ("paused", "no"),
        ("webhookUrl", 1),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_not_quoted(field: str, value: object) -> None:
    with pytest.raises(PayloadError) as caught:
        batch(**{field: value})
    assert f"$.results[0].{field}`" in str(caught.value)


@pytest.mark.parametrize("field", list(ROW))
def test_a_missing_field_is_named(field: str) -> None:
    row = {key: value for key, value in ROW.items() if key != field}
    with pytest.raises(PayloadError, match=f"missing required field `{field}`"):
        schemas.decode(schemas.BATCH_PAGE, page(row), "x")


def test_what_the_page_may_leave_out() -> None:
    decoded = schemas.decode(schemas.BATCH_PAGE, page(), "x")
    assert (decoded.results, decoded.next, decoded.total) == ([], None, None)


LARGE = 20_000_000


def peak(decoder: msgspec.json.Decoder[object], body: bytes) -> int:
    """Return the most memory that decoding took, in bytes."""
    tracemalloc.start()
    decoder.decode(body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(
    ("decoder", "body"),
    [
        (schemas.BATCH_PAGE, page({**ROW, "webhookSecret": "s" * LARGE})),
        (schemas.AGENT_PAGE, page({"agentId": "a", "callTemplate": {"systemPrompt": "s" * LARGE}})),
        (schemas.AGENT, json.dumps({"agentId": "a", "callTemplate": ["s" * LARGE]}).encode()),
    ],
    ids=["webhookSecret", "callTemplate of a page", "callTemplate"],
)
def test_secrets_and_templates_never_become_objects(
    decoder: msgspec.json.Decoder[object], body: bytes
) -> None:
    """Decoding takes far less memory than the text would: it was skipped, not built and dropped."""
    assert peak(decoder, body) < LARGE / 100
    assert peak(msgspec.json.Decoder(), body) > LARGE, "the measurement would see it"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
near_rows = st.fixed_dictionaries(
    {},
    optional={
        name: json_values | st.just(value)
        for name, value in {**ROW, "windowEnd": ROW["created"], "paused": True}.items()
    },
)
near_pages = st.fixed_dictionaries(
    {"results": st.lists(near_rows, max_size=3) | json_values},
    optional={"next": json_values | st.text(), "total": json_values},
)


@given(st.one_of(json_values, near_pages).map(lambda value: json.dumps(value).encode()))
def test_any_json_is_a_page_or_a_payload_error(body: bytes) -> None:
    parse_or_refuse(body)


@given(st.binary())
def test_any_bytes_are_a_page_or_a_payload_error(body: bytes) -> None:
    parse_or_refuse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"results":' + b"[" * 100_000,
        b'{"skipped":' + b'{"a":' * 100_000,
        b'{"results":[],"next":"\\ud800"}',
        b'{"results":[],"total":1' + b"0" * 400 + b"}",
        page({**ROW, "created": "0000-00-00T00:00:00Z"}),
        page({**ROW, "created": "9999-12-31T23:59:59.999999-23:59"}),
        page({**ROW, "created": "0001-01-01T00:00:00+23:59"}),
    ],
)
def test_rubbish_is_refused_or_parsed_but_never_breaks(body: bytes) -> None:
    parse_or_refuse(body)


def parse_or_refuse(body: bytes) -> None:
    """Decode a page and use all of it; a PayloadError is as good an end."""
    try:
        decoded = schemas.decode(schemas.BATCH_PAGE, body, "x")
        schemas.next_cursor(decoded.next)
    except PayloadError:
        return
    for row in decoded.results:
        made = schemas.to_batch(row)
        assert made.batch_id
        made.batch_id.encode()


@pytest.mark.parametrize("last", [None, ""])
def test_the_last_page_has_no_cursor(last: str | None) -> None:
    assert schemas.next_cursor(last) is None


def test_the_cursor_is_taken_out_of_the_next_url_and_decoded() -> None:
    url = "https://elsewhere.example/api/x?pageSize=100&cursor=cD00%3D"
    assert schemas.next_cursor(url) == "cD00="


@pytest.mark.parametrize(
    "url",
    ["https://a.example/?page=2", "https://a.example/?cursor=1&cursor=2", "http://[bad/?cursor=1"],
)
def test_a_next_without_just_one_cursor_is_refused(url: str) -> None:
    with pytest.raises(PayloadError, match="`next`"):
        schemas.next_cursor(url)
