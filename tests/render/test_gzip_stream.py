"""Texts become fragments, and fragments one gzip member."""

import gzip
import itertools
from collections.abc import Sequence

from exporter.render.gzip_stream import (
    SHARED_SIZE,
    Body,
    ExpositionBuilder,
    Fragment,
    SharedFragment,
    Text,
    deflate,
    fragments,
    grouped,
    gzipped,
    inflate,
    plain,
)

DEFLATED = deflate(b"deflated before\n")


def build(
    previous: Sequence[SharedFragment] = (), first: bytes = b"first\n"
) -> tuple[list[SharedFragment], list[Text]]:
    """Return the shared fragments and the texts of an exposition of all kinds of texts."""
    builder = ExpositionBuilder(previous)
    builder.add_shared(first)
    builder.add_shared(b"second\n")
    builder.add(b"for this scrape\n")
    builder.add_shared(b"third\n")
    builder.add(DEFLATED)
    builder.add(b"for this scrape too\n")
    builder.add(DEFLATED)
    builder.add_shared(b"last\n")
    texts = builder.finish()
    return builder.shared, texts


def test_texts_are_in_the_order_in_which_they_were_added() -> None:
    _, texts = build()
    assert b"".join(map(inflate, texts)) == (
        b"first\nsecond\nfor this scrape\nthird\ndeflated before\nfor this scrape too\n"
        b"deflated before\nlast\n"
    )
    assert [isinstance(text, Fragment) for text in texts] == [True, False, True, True, False] + (
        [True] * 2
    )


def test_a_shared_fragment_is_deflated_again_only_when_a_text_has_changed() -> None:
    shared, texts = build()
    shared, same = build(shared)
    assert [id(text) for text in same] == [id(text) for text in texts]
    _, changed = build(shared, first=b"other\n")
    assert inflate(changed[0]) == b"other\nsecond\n"
    assert [new is old for new, old in zip(changed, same, strict=True)] == [False] + [True] * 6


def test_a_shared_fragment_exceeds_its_size_by_one_text_at_most() -> None:
    builder = ExpositionBuilder()
    for _ in range(3):
        builder.add_shared(bytes(SHARED_SIZE - 1))
    lengths = [len(inflate(text)) for text in builder.finish()]
    assert lengths == [2 * SHARED_SIZE - 2, SHARED_SIZE - 1]
    assert ExpositionBuilder().finish() == []


def test_an_exposition_may_be_shorter_or_longer_than_the_previous_one() -> None:
    shared, texts = build()
    short = ExpositionBuilder(shared)
    short.add_shared(b"first\n")
    short.add_shared(b"second\n")
    assert short.finish() == texts[:1]
    assert build(short.shared)[1] == texts


def test_fragments_of_any_texts_have_the_same_content() -> None:
    """Deflated texts come first, last, or next to each other."""
    kinds: list[Text] = [b"ab", b"", deflate(b"cd")]
    for order in itertools.product(kinds, repeat=4):
        found = list(fragments(order, 3))
        assert b"".join(map(inflate, found)) == b"".join(map(inflate, order))


def test_groups_have_the_least_size_except_the_last() -> None:
    assert list(grouped([2, 2, 5, 1], int, 4)) == [[2, 2], [5], [1]]
    assert list(grouped([4], int, 4)) == [[4], []]


async def written(body: Body) -> bytes:
    """Return all bytes that a body writes."""
    return b"".join([write async for write in body.writes()])


async def test_a_body_has_the_length_that_it_announces() -> None:
    texts: list[Text] = [b"one\n", DEFLATED, b"two\n"] * 10
    expected = b"".join(map(inflate, texts))
    for body, read in ((plain(texts), bytes), (await gzipped(texts), gzip.decompress)):
        content = await written(body)
        assert len(content) == body.length
        assert read(content) == expected
