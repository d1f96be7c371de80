"""Which numbers of a batch's calls by status to ask for, and which follow from the others. Pure.

What they follow from, with `total` and `completed` of the batch's record:

- Each call has one of the five statuses (documented), so the five numbers add up to `total`.
- Completed calls are "created or error" (documented), and SUCCESS is a call that was created
  (inferred from the names): completed = success + error, remaining = future + pending + expired.
- A call never goes back to an earlier status (inferred), so `completed` never falls.

A record is older than the answers, and calls may be made in between. A number follows only where
the answers show that none was made: if one status has all the remaining calls of the record, they
are still remaining when it is asked for, and the answers before it belong to the record, too.
"""

from collections.abc import Mapping

import msgspec

from exporter.model import CALL_STATUSES, Batch, BatchState, CallStatus

_MADE = ("success", "error")
_REMAINING = ("future", "pending", "expired")

_QUIET = 0.5
"""Calls expected to be completed since the listing, below which none probably was."""


class Record(msgspec.Struct, frozen=True):
    """A batch as its last listing described it, `age` seconds ago, and the time of the requests.

    `now` is in seconds since the epoch. `derives` is whether the identities hold at this API.
    """

    batch: Batch
    now: float
    age: float
    derives: bool = True

    @property
    def fingerprint(self) -> tuple[int, int, BatchState]:
        """Return the batch's progress fingerprint."""
        return self.batch.progress_fingerprint(self.now)

    @property
    def calls_made(self) -> bool:
        """Return whether calls are being made: more may be completed than the record says."""
        return self.batch.completed > 0 and self.batch.state(self.now) is BatchState.ACTIVE


def by_status(call_status: CallStatus) -> dict[str, int]:
    """Return the numbers that are known, by status."""
    pairs = zip(CALL_STATUSES, call_status.calls, strict=False)
    return {status: calls for status, calls in pairs if calls is not None}


def answered_before(record: Record) -> dict[str, int]:
    """Return the numbers that are known for the record as it is; empty if the batch has changed."""
    known = record.batch.call_status
    return {} if known is None or known.fingerprint != record.fingerprint else by_status(known)


def next_status(record: Record, found: Mapping[str, int]) -> str | None:
    """Return the status to ask for next; None if every number is found.

    The status of the remaining calls comes after `error`: only so does it show that the number of
    errors belongs to the record.
    """
    order = (*_first(record), *_MADE, _status_of_remaining(record), *CALL_STATUSES)
    return next((status for status in order if status not in found), None)


def _first(record: Record) -> tuple[str, ...]:
    """Return the statuses that are enough if the record is still true."""
    batch, waiting = record.batch, _status_of_remaining(record)
    if not record.derives:
        return ("error",)
    if batch.remaining == 0:
        # Whether an expired call counts as completed is not documented.
        return ("error", "expired") if _window_is_over(record) else ("error",)
    if batch.completed == 0:
        return (waiting,)
    if record.calls_made and not _is_quiet(record):
        return ("error", "success")
    return ("error", waiting)


def _status_of_remaining(record: Record) -> str:
    """Return the status that remaining calls probably have (inferred from the names)."""
    batch, now = record.batch, record.now
    if batch.ended is not None or _window_is_over(record):
        return "expired"
    return "future" if batch.window_start is not None and now < batch.window_start else "pending"


def _window_is_over(record: Record) -> bool:
    """Return whether calls can have expired: the batch was not ended before its window closed."""
    ended, end = record.batch.ended, record.batch.window_end
    return end is not None and end <= (record.now if ended is None else ended)


def _is_quiet(record: Record) -> bool:
    """Return whether probably no call was completed since the listing.

    Only then is one answer about the remaining calls likely to agree with the record. Once it has
    agreed, `_only_pending` is true, and asking for `success` needs no luck.
    """
    if _only_pending(record):
        return False
    batch, known = record.batch, record.batch.call_status
    since, before = max(batch.created, batch.window_start or 0.0), 0
    if known is not None:
        since, before = known.asked, known.fingerprint[1]
    return (batch.completed - before) * record.age <= _QUIET * (record.now - since)


def _only_pending(record: Record) -> bool:
    """Return whether all remaining calls are pending: they were, and the window is still open.

    No call becomes future again, none expires before the window closes (documented), and a batch
    with new calls has another total.
    """
    known = record.batch.call_status
    if known is None or not by_status(known).items() >= {"future": 0, "expired": 0}.items():
        return False
    (total, _, state), (total_now, _, state_now) = known.fingerprint, record.fingerprint
    return state is state_now is BatchState.ACTIVE and total == total_now


def with_derived(record: Record, answers: Mapping[str, int]) -> dict[str, int]:
    """Return the answers, and each number that follows from them and the record."""
    batch, found = record.batch, dict(answers)
    made = sum(found.get(status, 0) for status in _MADE)
    if (
        not record.derives
        or contradict(record, answers)
        or max(batch.completed, made) > batch.total
    ):
        return found
    if _only_pending(record):
        found = {"future": 0, "expired": 0} | found
        if found.keys() >= {*_MADE}:
            # If calls are completed between the two answers, this was the number in between.
            found = {"pending": batch.total - made} | found
    if _agrees(record, answers):
        found = dict.fromkeys(_REMAINING, 0) | found
        if batch.completed == 0:
            found = dict.fromkeys(_MADE, 0) | found
        elif "error" in found and found["error"] <= batch.completed:
            found = {"success": batch.completed - found["error"]} | found
    return found


def _agrees(record: Record, answers: Mapping[str, int]) -> bool:
    """Return whether no call was completed since the listing, as far as the answers show."""
    remaining = record.batch.remaining
    if remaining == 0:
        return not _window_is_over(record) or answers.get("expired") == 0
    return remaining in (answers.get(status) for status in _REMAINING)


def contradict(record: Record, answers: Mapping[str, int]) -> bool:
    """Return whether the answers refute completed = success + error.

    Both only rise, so later they can't be fewer than the calls that were completed before.
    """
    made = [answers[status] for status in _MADE if status in answers]
    return len(made) == len(_MADE) and sum(made) < record.batch.completed
