"""Texts that last are deflated together, once."""

from collections.abc import Sequence

from exporter.render.gzip_stream import Fragment, Part, deflate, inflate
from exporter.render.packing import LARGEST, ExpositionBuilder, SharedFragment

SOLID = deflate(b"solid\n")


def page(
    former: Sequence[SharedFragment] = (), first: bytes = b"first\n"
) -> tuple[list[SharedFragment], list[Part]]:
    """Return a page's runs and parts: texts that last or pass, and one deflated already."""
    packing = ExpositionBuilder(former)
    packing.lasting(first)
    packing.lasting(b"second\n")
    packing.passing(b"at this scrape\n")
    packing.lasting(b"third\n")
    packing.fragment(SOLID)
    packing.passing(b"and this\n")
    packing.fragment(SOLID)
    packing.lasting(b"last\n")
    parts = packing.parts()
    return packing.runs, parts


def test_the_order_is_that_in_which_they_were_added() -> None:
    _, parts = page()
    assert b"".join(map(inflate, parts)) == (
        b"first\nsecond\nat this scrape\nthird\nsolid\nand this\nsolid\nlast\n"
    )
    assert [isinstance(part, Fragment) for part in parts] == [True, False, True, True, False] + (
        [True] * 2
    )


def test_what_did_not_change_is_deflated_once() -> None:
    former, before = page()
    latter, same = page(former)
    assert [id(part) for part in same] == [id(part) for part in before]
    _, changed = page(latter, first=b"other\n")
    assert inflate(changed[0]) == b"other\nsecond\n"
    assert [new is old for new, old in zip(changed, same, strict=True)] == [False] + [True] * 6


def test_a_run_that_others_follow_is_no_longer_than_it_must_be() -> None:
    packing = ExpositionBuilder()
    for _ in range(3):
        packing.lasting(bytes(LARGEST - 1))
    assert [len(inflate(part)) for part in packing.parts()] == [2 * LARGEST - 2, LARGEST - 1]
    assert ExpositionBuilder().parts() == []


def test_a_page_that_became_shorter_or_longer() -> None:
    former, parts = page()
    short = ExpositionBuilder(former)
    short.lasting(b"first\n")
    short.lasting(b"second\n")
    assert short.parts() == parts[:1]
    assert page(short.runs)[1] == parts
