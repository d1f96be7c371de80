"""Answers become typed records or a payload error; secrets never become objects."""

import json
import tracemalloc
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api import schemas
from exporter.api.body import Decoder
from exporter.api.decoding import MAX_COMMAS, MAX_RECORDS, MAX_REPAIRED, MAX_REPLACED, Page
from exporter.errors import PayloadError, TooLargeError
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
    decoded = schemas.BATCH_PAGE.decode(page({**ROW, **fields}), "x")
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
        schemas.BATCH_PAGE.decode(page(row), "x")


def test_what_the_page_may_leave_out() -> None:
    decoded = schemas.BATCH_PAGE.decode(page(), "x")
    assert (decoded.results, decoded.next, decoded.total) == ([], None, None)


LARGE = 1_000_000


def peak(decode: Callable[[bytes], object], body: bytes) -> int:
    """Return the most memory that decoding took, in bytes."""
    tracemalloc.start()
    decode(body)
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
def test_secrets_and_templates_never_become_objects(decoder: Decoder[object], body: bytes) -> None:
    """Decoding takes far less memory than the text would: it was skipped, not built and dropped."""
    assert peak(lambda body: decoder.decode(body, "x"), body) < LARGE / 100
    assert peak(msgspec.json.decode, body) > LARGE, "the measurement would see it"


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
        decoded = schemas.BATCH_PAGE.decode(body, "x")
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


def rows(*changes: dict[str, object], drop: str = "") -> Page[schemas.BatchRecord]:
    """Return a decoded page: a good record, and one for each change of the good one."""
    changed = [{**ROW, "batchId": f"c{n}", **change} for n, change in enumerate(changes)]
    for record in changed:
        record.pop(drop, None)
    return schemas.BATCH_PAGE.decode(page(ROW, *changed, total=1 + len(changes)), "x")


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"created": None}, "created", "Expected `datetime`, got `null`"),
        ({"created": "2025-03-22T15:48:32"}, "created", "timezone component"),
        ({"created": "2025-03-22T15:48:61Z"}, "created", "Invalid RFC3339"),
        ({"totalCount": "100"}, "totalCount", "Expected `int`, got `str`"),
        ({"totalCount": 1.5}, "totalCount", "Expected `int`, got `float`"),
        ({"totalCount": 2**53 + 1}, "totalCount", "Expected `int` <= 9007199254740992"),
        ({"totalCount": 10**400}, "totalCount", "Expected `int` <= 9007199254740992"),
        ({"completedCount": True}, "completedCount", "Expected `int`, got `bool`"),
        ({"webhookUrl": {"secret": "s"}}, "webhookUrl", "Expected `str | null`, got `object`"),
        ({"endedAt": 7}, "endedAt", "Expected `datetime | null`, got `int`"),
    ],
)
def test_an_unreadable_record_is_reported_and_the_others_are_read(
    change: dict[str, object], field: str, message: str
) -> None:
    decoded = rows(change)
    assert [record.batch_id for record in decoded.results] == ["b1"]
    assert decoded.total == 2
    (record,) = decoded.unreadable
    assert (record.record_id, record.field, record.page) == ("c0", field, 1)
    assert message in record.message
    assert (record.live, record.ended) == (field != "endedAt", None)
    assert str(record) == f"c0: {field}: {record.message}"


def test_a_record_without_a_field_is_unreadable() -> None:
    (record,) = rows({"endedAt": "2025-03-22T15:00:00Z"}, drop="created").unreadable
    assert (record.field, record.message) == ("created", "missing")
    assert (record.live, record.ended) == (False, 1742655600.0)


@pytest.mark.parametrize("batch_id", [None, 7, "", "\ud800"])
def test_a_record_without_a_readable_id_is_reported_without_it(batch_id: object) -> None:
    (record,) = rows({"batchId": batch_id}).unreadable
    assert (record.record_id, record.field, record.live) == (None, "batchId", True)
    assert str(record).startswith("id unreadable: batchId: ")


def account(**fields: object) -> schemas.AccountRecord:
    """Return the account that an answer with these fields becomes."""
    fields = {"activeCalls": 3, "allowedConcurrentCalls": None, **fields}
    return schemas.ACCOUNT.decode(json.dumps(fields).encode(), "account")


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("2025-03-22T16:00:00.5Z", 1742659200.5),
        ("2025-06-30T23:59:60Z", 1751327999.0),
        (None, None),
        ("2025-03-22T16:00:00", None),
        ("soon", None),
        ("\ud800", None),
        (7, None),
        ({}, None),
    ],
)
def test_a_subscription_expiration_that_cannot_be_read_is_absent(
    sent: object, seconds: float | None
) -> None:
    record = account(subscriptionExpiration=sent)
    assert schemas.seconds(record.subscription_expiration) == seconds
    assert record.active_calls == 3
    assert account().subscription_expiration is None


def test_an_account_needs_its_other_fields() -> None:
    with pytest.raises(PayloadError, match="activeCalls"):
        account(subscriptionExpiration="soon", activeCalls=-1)


@pytest.mark.parametrize("value", [None, 7, "x", [], True])
def test_a_record_that_is_no_object_is_unreadable(value: object) -> None:
    decoded = schemas.BATCH_PAGE.decode(page(value, ROW), "x")
    assert len(decoded.results) == 1
    (record,) = decoded.unreadable
    assert (record.record_id, record.field, record.live) == (None, "", False)
    assert "Expected `object`" in str(record)


def test_a_whole_number_with_a_fraction_is_a_count() -> None:
    (_, record) = rows({"totalCount": 100.0, "completedCount": 1e1}).results
    assert (record.total_count, record.completed_count) == (100, 10)
    account = b'{"activeCalls": 3.0, "allowedConcurrentCalls": null}'
    assert schemas.ACCOUNT.decode(account, "x").active_calls == 3
    assert schemas.BATCH_PAGE.decode(b'{"results": [], "total": 4.0}', "x").total == 4


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-06-30T23:59:60Z", 1751327999.0),
        ("2025-06-30t23:59:60.25Z", 1751327999.25),
        ("2025-07-01 01:59:60+02:00", 1751327999.0),
    ],
)
def test_a_leap_second_is_the_last_second_of_its_minute(text: str, seconds: float) -> None:
    _, record = rows({"created": text, "endedAt": text}).results
    batch = schemas.to_batch(record)
    assert (batch.created, batch.ended) == (seconds, seconds)


HALF = [rb"\ud800", rb"\uDC00", rb"\ud800\ud800", rb"a\\\ud800", rb"\ude00\ud83d", b"\xed\xa0\x80"]


@pytest.mark.parametrize("half", HALF)
def test_half_of_a_surrogate_pair_is_shown_as_a_replacement(half: bytes) -> None:
    """In a text that is decoded, and in one that is skipped."""
    body = (
        b'{"results": [{"agentId": "a", "name": "x%by"}, {"agentId": "b", "name": "\\ud83d\\ude00",'
        b' "callTemplate": {"systemPrompt": "%b"}}], "note": "%b"}'
    ) % (half, half, half)
    first, second = schemas.AGENT_PAGE.decode(body, "x").results
    assert first.name is not None
    assert "\ufffd" in first.name
    first.name.encode()
    assert second.name == "\N{GRINNING FACE}"
    alone = b'{"agentId": "a", "name": "x%by"}' % half
    assert schemas.AGENT.decode(alone, "x").name == first.name


def test_an_escaped_backslash_is_no_half_of_a_pair() -> None:
    body = rb'{"agentId": "a", "name": "\\ud800 \ud800"}'
    assert schemas.AGENT.decode(body, "x").name == "\\ud800 \ufffd"


def test_an_agent_with_a_half_in_its_id_is_unreadable() -> None:
    body = rb'{"results": [{"agentId": "\ud800"}, {"agentId": "b"}]}'
    decoded = schemas.AGENT_PAGE.decode(body, "x")
    assert [record.agent_id for record in decoded.results] == ["b"]
    assert str(decoded.unreadable[0]) == "id unreadable: agentId: not Unicode text"
    with pytest.raises(PayloadError):
        schemas.AGENT.decode(rb'{"agentId": "\ud800"}', "x")


@pytest.mark.parametrize(
    "body",
    [
        page({**ROW, "created": None}, 7),
        page(ROW, {**ROW, "created": None}, next=7),
        page(ROW, {**ROW, "created": None}, total="4"),
        page(ROW, *[7] * MAX_RECORDS),
        b'{"results":[],"x":"' + rb"\ud800" * (MAX_REPLACED + 1) + b'"}',
        b'{"results":[],"x":"' + b"y" * MAX_REPAIRED + rb'\ud800"}',
        page(ROW)[:-1],
    ],
    ids=["no readable record", "next", "total", "many records", "many halves", "large", "cut"],
)
def test_a_page_that_cannot_be_read_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="x: not the documented response: "):
        schemas.BATCH_PAGE.decode(body, "x")


def test_a_page_of_too_many_values_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="x: the page has more than 300000 values"):
        schemas.BATCH_PAGE.decode(page({"x": [7] * (MAX_COMMAS + 2)}), "x")


def test_secrets_of_an_unreadable_record_never_become_objects() -> None:
    body = page(ROW, {**ROW, "created": None, "webhookSecret": "s" * LARGE})
    assert peak(lambda body: schemas.BATCH_PAGE.decode(body, "x"), body) < 3.1 * LARGE
