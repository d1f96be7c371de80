"""The expressions that rules share: each is evaluated once, and kept under a name."""

from exporter.rules.expressions import Expressions
from exporter.rules.thresholds import Thresholds

SUCCESS = "agent:ultravox_last_success_timestamp_seconds:max"
FRESH = "agent:ultravox_data_timestamp_seconds:fresh"
STALE = "agent:ultravox_data_age_seconds:stale"
CALLS = "batch:ultravox_calls:max"
COMPLETED = "batch:ultravox_calls_completed:max"
LEFT = "batch:ultravox_calls_remaining:min"
PAUSED = "batch:ultravox_paused:max"
BEGIN = "batch:ultravox_begin_timestamp_seconds:max"
WINDOW_END = "batch:ultravox_window_end_timestamp_seconds:max"
ENDED = "batch:ultravox_ended_timestamp_seconds:max"
CLOSE = "batch:ultravox_close_timestamp_seconds:min"
OPEN = "batch:ultravox_open_seconds:fresh"
UNMOVED = "batch:ultravox_calls_remaining:unmoved"
PAUSED_LONG = "batch:ultravox_calls_remaining:paused"
PACE = "batch:ultravox_calls_completed:pace"
LATER_PACE = "batch:ultravox_calls_completed:pace_of_later_half"
EARLIER_PACE = "batch:ultravox_calls_completed:pace_of_earlier_half"
BETTER_PACE = "batch:ultravox_calls_completed:better_pace"
LEFT_AT_CLOSE = "batch:ultravox_calls_left_at_close:predicted"
LEFT_AT_BETTER = "batch:ultravox_calls_left_at_close:better"


class Recorded(Expressions):
    """Expressions by the names under which they are recorded."""

    def success(self) -> str:
        """Agents: when what is known of them was true."""
        return SUCCESS

    def fresh(self) -> str:
        """Agents whose data are fresh: when they were true."""
        return FRESH

    def stale(self) -> str:
        """Agents whose data are old: their age in seconds, 0 where there never were any."""
        return STALE

    def calls(self) -> str:
        """Batches: their calls."""
        return CALLS

    def completed(self) -> str:
        """Batches: their completed calls."""
        return COMPLETED

    def left(self) -> str:
        """Batches: their calls that are not completed."""
        return LEFT

    def paused(self) -> str:
        """Batches: whether they are paused."""
        return PAUSED

    def begin(self) -> str:
        """Batches: from when calls could be made."""
        return BEGIN

    def window_end(self) -> str:
        """Batches: the end of their window."""
        return WINDOW_END

    def ended(self) -> str:
        """Batches that have ended: when."""
        return ENDED

    def close(self) -> str:
        """Batches: when the last call could be made."""
        return CLOSE

    def open(self) -> str:
        """Batches that should be calling: for how long they could."""
        return OPEN

    def unmoved(self, seconds: float) -> str:
        """Batches that should be calling and completed nothing for so long: their calls left."""
        del seconds
        return UNMOVED


def recordings(thresholds: Thresholds) -> tuple[tuple[str, str], ...]:
    """Return each name and its expression; what an expression reads comes before it."""
    raw, known, half = Expressions(), Recorded(), thresholds.pace_over / 2
    return (
        (SUCCESS, raw.success()),
        (FRESH, Expressions.fresh(known)),
        (STALE, Expressions.stale(known)),
        (CALLS, raw.calls()),
        (COMPLETED, raw.completed()),
        (LEFT, raw.left()),
        (PAUSED, raw.paused()),
        (BEGIN, raw.begin()),
        (WINDOW_END, raw.window_end()),
        (ENDED, raw.ended()),
        (CLOSE, Expressions.close(known)),
        (OPEN, Expressions.open(known)),
        (UNMOVED, Expressions.unmoved(known, thresholds.stalled_after)),
        (PAUSED_LONG, Expressions.paused_long(known, thresholds.paused_after)),
        (PACE, Expressions.pace(known, thresholds.pace_over)),
        (LATER_PACE, Expressions.pace(known, half)),
        (EARLIER_PACE, Expressions.pace(known, half, half)),
        (BETTER_PACE, _better_pace()),
        (LEFT_AT_CLOSE, known.left_at_close(PACE)),
        (LEFT_AT_BETTER, known.left_at_close(BETTER_PACE)),
    )


def _better_pace() -> str:
    """Return the better of a batch's paces over the halves of the time.

    Calls don't come evenly: who is late in one half of the time alone may have had bad luck. Who is
    late in both is late.
    """
    return (
        f"max without (half) (\n"
        f"  {LATER_PACE}\n"
        f'  or label_replace({EARLIER_PACE}, "half", "earlier", "", "")\n'
        f")"
    )
