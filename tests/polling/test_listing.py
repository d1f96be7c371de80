"""How much of a listing is read, and what of it is kept."""

from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.api.decoding import Page
from exporter.api.schemas import BatchRecord, to_batch
from exporter.errors import UnreadableRecord
from exporter.model import Batch, Listing
from exporter.polling.listing import MARGIN, Progress, Target, read, target_after

NOW = 100_000.0
KEEP = 100.0


def row(
    batch_id: str, created: float = NOW - 1000, *, completed: int = 0, ended: float | None = None
) -> BatchRecord:
    """Return a row of the API."""
    moment = None if ended is None else datetime.fromtimestamp(ended, UTC)
    return BatchRecord(batch_id, datetime.fromtimestamp(created, UTC), 10, completed, moment)


class Pages:
    """Pages with these rows, and how many of them were read. `unreadable` is by page, from 1."""

    def __init__(
        self,
        *rows: list[BatchRecord],
        totals: tuple[int | None, ...] = (),
        unreadable: Mapping[int, list[UnreadableRecord]] | None = None,
    ) -> None:
        self._rows = rows
        self._unreadable = unreadable or {}
        self._totals = totals or (None,) * len(rows)
        self.read = 0

    async def __call__(self) -> AsyncGenerator[Page[BatchRecord], None]:
        """Yield them."""
        for rows, total in zip(self._rows, self._totals, strict=True):
            self.read += 1
            more = None if self.read == len(self._rows) else f"https://x?cursor={self.read}"
            yield Page(rows, more, total, tuple(self._unreadable.get(self.read, ())))


async def full(pages: Pages) -> Listing:
    """Read every page."""
    return await read(pages(), None, Target(), NOW, KEEP)


async def following(previous: Listing, pages: Pages, *, full_interval: float = 900) -> Listing:
    """Read as far as the poll after the previous listing should, half a minute later."""
    now = previous.complete_at + 30
    return await read(pages(), previous, target_after(previous, now, full_interval), now, KEEP)


def ids(listing: Listing) -> set[str]:
    """Return the ids of the listing's batches."""
    return {batch.batch_id for batch in listing.batches}


async def test_batches_that_ended_long_ago_pass_by() -> None:
    old, late = row("old", ended=NOW - 100), row("late", ended=NOW - 99)
    listing = await full(Pages([row("live"), late], [old]))
    assert listing == Listing(
        (to_batch(row("live")), to_batch(late)), pages=2, newest=NOW - 1000, complete_at=NOW
    )


async def test_a_batch_shown_twice_counts_once_as_shown_last() -> None:
    listing = await full(Pages([row("b", completed=1)], [row("b", completed=2)]))
    assert listing.batches == (to_batch(row("b", completed=2)),)


async def test_a_batch_shown_live_and_then_long_ended_is_dropped() -> None:
    assert ids(await full(Pages([row("b")], [row("b", ended=1)]))) == set()


async def test_the_total_is_that_of_the_last_page() -> None:
    assert (await full(Pages([row("a")], [row("b")], totals=(1, 2)))).reported == 2
    assert (await full(Pages([row("a")], [row("b")], totals=(1, None)))).reported is None


HISTORY = [[row(f"old{n}", NOW - 5000 - 200 * n, ended=NOW - 4000)] for n in range(8)]


async def test_between_full_listings_old_pages_are_not_read() -> None:
    """The live batch, what is kept of the ended ones, and the news are all there."""
    live, late = row("live", NOW - 900), row("late", NOW - 4900, ended=NOW - 10)
    before = await full(Pages([live], [late], *HISTORY))
    news = row("new", NOW + 5)
    pages = Pages([news], [row("live", NOW - 900, completed=5)], [late], *HISTORY)
    after = await following(before, pages)
    assert pages.read == 3
    assert ids(after) == {"new", "live", "late"}
    assert (after.kind, after.pages, after.complete_at) == ("incremental", 3, before.complete_at)
    assert after.newest == NOW + 5
    again = Pages([news], [live], [late], *HISTORY)
    assert ids(await following(after, again)) == {"new", "live", "late"}


async def test_what_is_kept_and_not_read_goes_when_its_time_is_up() -> None:
    live, late = row("live", NOW - 900), row("late", NOW - 9000, ended=NOW - 99)
    before = await full(Pages([live], *HISTORY, [late]))
    assert ids(before) == {"live", "late"}
    after = await following(before, Pages([live], *HISTORY, [late]))
    assert after.kind == "incremental"
    assert ids(after) == {"live"}


async def test_an_old_live_batch_is_read_for() -> None:
    before = await full(Pages([row("live")], *HISTORY, [row("long", NOW - 9000)]))
    pages = Pages([row("live")], *HISTORY, [row("long", NOW - 9000)], [row("x", 1, ended=2)])
    await following(before, pages)
    assert pages.read == len(HISTORY) + 2


async def test_a_batch_goes_only_with_a_complete_listing() -> None:
    """A missing live batch is looked for to the last page; an ended one is not."""
    late = row("late", NOW - 950, ended=NOW - 10)
    before = await full(Pages([row("gone", NOW - 900)], [late], *HISTORY))
    without = Pages([row("other", NOW - 800)], *HISTORY)
    after = await following(before, without)
    assert (after.kind, ids(after)) == ("full", {"other"})
    before = await full(Pages([row("live", NOW - 900)], [late], *HISTORY))
    after = await following(before, Pages([row("live", NOW - 900)], *HISTORY))
    assert (after.kind, ids(after)) == ("incremental", {"live", "late"})


async def test_after_a_live_batch_was_missing_everything_is_read_once_more() -> None:
    """Paging by cursor may skip a row that is there: a moment later it is there again."""
    live, other = row("live", NOW - 900), row("other", NOW - 800)
    before = await full(Pages([other], [live], *HISTORY))
    after = await following(before, Pages([other], *HISTORY))
    assert (after.kind, after.lost, ids(after)) == ("full", True, {"other"})
    again = await following(after, Pages([other], [live], *HISTORY))
    assert (again.kind, again.lost, ids(again)) == ("full", False, {"other", "live"})
    assert (await following(again, Pages([other], [live], *HISTORY))).kind == "incremental"


async def test_where_the_newest_known_is_missing_everything_is_read() -> None:
    before = await full(Pages([row("newest", NOW, ended=NOW - 5)], *HISTORY))
    after = await following(before, Pages(*HISTORY))
    assert (after.kind, after.newest) == ("full", NOW - 5000)


async def test_out_of_order_means_every_page_each_time() -> None:
    swapped = [HISTORY[1], HISTORY[0], *HISTORY[2:]]
    before = await full(Pages(*swapped))
    assert not before.ordered
    after = await following(before, Pages(*HISTORY))
    assert (after.kind, after.ordered) == ("full", True)
    assert (await following(after, Pages(*HISTORY))).kind == "incremental"
    assert (await following(after, Pages(*swapped))).kind == "full"


async def test_full_listings_come_in_their_time_and_after_a_clock_was_put_back() -> None:
    listing = Listing((), pages=9, newest=NOW, complete_at=NOW)
    wanted = Target(newest=NOW, bound=NOW - MARGIN)
    assert target_after(listing, NOW + 899, full_interval=900) == wanted
    assert target_after(listing, NOW + 900, full_interval=900) == Target()
    assert target_after(listing, NOW - 1, full_interval=900) == Target()
    assert target_after(None, NOW, full_interval=900) == Target()
    assert target_after(Listing((), pages=1, complete_at=NOW), NOW, full_interval=900) == Target()


async def test_reading_stops_at_the_source() -> None:
    """The pages that are not wanted are not even asked for: their generator is closed."""
    before = await full(Pages([row("live")], *HISTORY))
    pages = Pages([row("live")], *HISTORY)
    source = pages()
    await read(source, before, target_after(before, NOW + 1, 900), NOW + 1, KEEP)
    with pytest.raises(StopAsyncIteration):
        await anext(source)
    assert pages.read == 2


moments = st.integers(min_value=0, max_value=50).map(lambda tens: NOW - 100 * tens)
batches = st.builds(
    Batch,
    batch_id=st.integers(min_value=0, max_value=30).map(str),
    created=moments,
    total=st.just(1),
    completed=st.just(0),
    ended=st.none() | st.just(NOW - 50),
)


@given(st.lists(batches, unique_by=lambda batch: batch.batch_id), moments, st.data())
def test_no_row_after_the_stop_can_be_news(
    rows: list[Batch], newest: float, data: st.DataObject
) -> None:
    """Newest first: where reading stops, all later rows are older than the bound and not live."""
    ordered = sorted(rows, key=lambda batch: -batch.created)
    known = data.draw(st.lists(st.sampled_from(ordered))) if ordered else []
    live = frozenset(batch.batch_id for batch in known if batch.live)
    target = Target(live, newest, newest - MARGIN)
    progress = Progress(target)
    for place, batch in enumerate(ordered):
        progress.add([batch])
        if progress.enough:
            later = ordered[place + 1 :]
            assert all(each.created < target.bound for each in later)
            assert not live & {each.batch_id for each in later}
            assert ordered[0].created >= newest
            return
    unseen = ordered and (ordered[0].created < newest or ordered[-1].created >= target.bound)
    assert not ordered or unseen or live - {each.batch_id for each in ordered}


@given(st.lists(batches))
def test_disorder_is_noticed_and_never_enough(rows: list[Batch]) -> None:
    progress = Progress(Target())
    progress.add(rows)
    created = [batch.created for batch in rows]
    assert progress.ordered == (created == sorted(created, reverse=True))
    assert progress.newest == max(created, default=None)
    eager = Progress(Target(newest=0, bound=NOW + 1))
    eager.add(rows)
    assert eager.enough == (bool(rows) and progress.ordered)


def bad(
    batch_id: str | None, field: str = "created", *, live: bool = False, ended: float | None = None
) -> UnreadableRecord:
    """Return a record that can't be read."""
    return UnreadableRecord(batch_id, field, "Expected `int`", live=live, ended=ended)


def shown(listing: Listing) -> list[tuple[str | None, int]]:
    """Return the ids and pages of the listing's unreadable records."""
    return [(record.record_id, record.page) for record in listing.unreadable]


async def test_an_unreadable_record_is_kept_apart_and_counts_as_seen() -> None:
    before = await full(Pages([row("a"), row("b")], *HISTORY))
    pages = Pages([row("a")], *HISTORY, unreadable={1: [bad("b", live=True)]})
    after = await following(before, pages)
    assert (after.kind, after.lost, ids(after)) == ("incremental", False, {"a"})
    assert shown(after) == [("b", 1)]
    assert after.any_live


async def test_an_unreadable_live_batch_is_read_for_until_it_is_readable() -> None:
    old = row("old live", NOW - 9000)
    before = await full(
        Pages([row("a")], *HISTORY, [row("c", 1, ended=2)], unreadable={9: [bad("x", live=True)]})
    )
    pages = Pages([row("a")], *HISTORY, [replace(old, batch_id="x")], [row("c", 1, ended=2)])
    after = await following(before, pages)
    assert (after.kind, pages.read, ids(after)) == ("incremental", 10, {"a", "x"})
    assert shown(after) == []


async def test_unreadable_records_that_are_not_read_stay_until_a_full_listing() -> None:
    """One with an id stays unless it was read; one without an id, if it was on a later page."""
    late = [bad("ended", ended=NOW - 10), bad("unknown"), bad(None), bad("old", ended=NOW - 100)]
    first = [bad(None, live=True), bad("now readable"), bad("now ended")]
    before = await full(Pages([row("a")], *HISTORY, unreadable={1: first, 9: late}))
    assert [name for name, _ in shown(before)] == [
        *("now readable", "now ended", "ended", "unknown", None, None)
    ]
    again = [bad("now ended", ended=NOW - 1)]
    readable = row("now readable", NOW - 1100)
    now = ([row("a"), readable], *HISTORY)
    after = await following(before, Pages(*now, unreadable={1: again}))
    assert (after.kind, after.pages) == ("incremental", 2)
    assert shown(after) == [("now ended", 1), ("ended", 9), ("unknown", 9), (None, 9)]
    assert after.any_live
    assert shown(await full(Pages(*now, unreadable={1: again}))) == [("now ended", 1)]


async def test_the_later_record_of_a_batch_counts_readable_or_not() -> None:
    listing = await full(Pages([row("a")], [row("b")], unreadable={2: [bad("a")]}))
    assert (ids(listing), shown(listing)) == ({"b"}, [("a", 2)])
    listing = await full(Pages([row("b")], [row("a")], unreadable={1: [bad("a")]}))
    assert (ids(listing), shown(listing)) == ({"a", "b"}, [])
    ended = bad("a", ended=NOW - 100)
    listing = await full(Pages([row("a")], [row("b")], unreadable={2: [ended]}))
    assert (ids(listing), shown(listing)) == ({"b"}, [])


async def test_an_ended_batch_that_becomes_unreadable_is_withdrawn() -> None:
    late = row("late", NOW - 950, ended=NOW - 10)
    before = await full(Pages([row("live", NOW - 900), late], *HISTORY))
    pages = Pages([row("live", NOW - 900)], *HISTORY, unreadable={1: [bad("late", ended=NOW - 9)]})
    after = await following(before, pages)
    assert (after.kind, ids(after), shown(after)) == ("incremental", {"live"}, [("late", 1)])
