"""Scenarios of the alerts about batches."""

from dataclasses import replace

from exporter.rules.recorded import EARLIER_RATE, LATER_RATE, RATE, RECORDED
from tests.rules.scenario import Fires, Scenario, during
from tests.rules.world import Batch, Exporter, steady

STALLED = "BatchStalled critical a b"
PAUSED = "BatchPaused warning a b"
PAUSED_SOON = "BatchPaused critical a b"
MISS = "BatchWillMissWindow warning a b"
MISS_SOON = "BatchWillMissWindow critical a b"
NOT_STARTED = "BatchNotStarted critical a b"
CLOSED = "BatchClosedWithCallsLeft warning a b"
ERRORS = "BatchManyErrors warning a b"


POLLING = Exporter()


def one(batch: Batch, name: str, fires: Fires, exporter: Exporter = POLLING) -> Scenario:
    """Return a scenario of one batch that one exporter polls."""
    return several((replace(exporter, batches=(batch,)),), name, fires)


def several(exporters: tuple[Exporter, ...], name: str, fires: Fires) -> Scenario:
    """Return a scenario of the alerts about batches."""
    return Scenario(name, exporters, fires, matching="UltravoxBatch.+")


STOPS = Batch(completed=steady(1, until=20))
"""Completes a call per minute until minute 20; no window."""

STEADY = Batch(completed=steady(1))
NO_CALLS = Batch(completed=lambda _minute: 0.0)

CHANGES = (
    one(
        Batch(completed=lambda minute: 100 + minute - (50 if minute >= 40 else 0)),
        "a count that is corrected downwards while calls go on is no stall",
        during(1, 80),
    ),
    one(
        Batch(completed=lambda minute: 100 + min(minute, 40) - (50 if minute >= 40 else 0)),
        "the time of a stall counts from the correction",
        {**during(1, 53), **during(57, 70, STALLED)},
    ),
    one(
        replace(STOPS, calls=20.0, grown=((60, 30.0),)),
        "a batch has 15 minutes to go on after calls are added to it",
        {**during(1, 73), **during(77, 90, STALLED)},
    ),
    one(
        replace(NO_CALLS, calls=0.0, grown=((60, 30.0),)),
        "an empty batch has 15 minutes to start after calls are added to it",
        {**during(1, 73), **during(77, 90, STALLED, NOT_STARTED)},
    ),
    one(
        replace(STOPS, calls=20.0, grown=((60, 30.0),), ended=30.0, revived=60.0),
        "an ended batch has 15 minutes to go on after calls are added to it",
        {**during(31, 58), **during(66, 73), **during(77, 90, STALLED)},
    ),
    one(
        replace(STOPS, ended=30.0, revived=60.0),
        "a batch has 15 minutes to go on after its end is taken back",
        {**during(66, 73), **during(77, 90, STALLED)},
    ),
    one(
        replace(NO_CALLS, ended=5.0, revived=60.0),
        "a batch has 15 minutes to start after its end is taken back",
        {**during(66, 73), **during(77, 90, STALLED, NOT_STARTED)},
    ),
    one(
        replace(NO_CALLS, start=-300.0, end=10.0, moved=((60, 500.0),), created=-300.0),
        "a batch has 15 minutes to start after its closed window is moved",
        {**during(62, 73), **during(90, 90, STALLED, NOT_STARTED, MISS)},
    ),
    one(
        replace(STOPS, start=-300.0, end=30.0, moved=((60, 500.0),), created=-300.0),
        "a batch has 15 minutes to go on after its closed window is moved",
        {**during(32, 58, CLOSED), **during(62, 73), **during(90, 90, STALLED, MISS)},
    ),
)

STALLS = (
    one(
        Batch(completed=lambda minute: min(minute, 20.0) + max(minute - 80.0, 0.0)),
        "a batch is stalled after 15 minutes without a call, until the next call",
        {**during(1, 34), **during(37, 80, STALLED), **during(82, 90)},
    ),
    one(
        STOPS,
        "a restart, failed scrapes and a new agent name neither reset nor resolve the alert",
        during(37, 60, STALLED),
        Exporter(down=((41, 44),), unscraped=((50, 51), (53, 55)), renamed=52),
    ),
    several(
        (
            Exporter(batches=(STOPS,), pod="p1", down=((45, 999),)),
            Exporter(batches=(STOPS,), pod="p2", instance="two:10110", down=((0, 46),)),
        ),
        "a moved pod neither resets, resolves nor duplicates the alert",
        during(37, 70, STALLED),
    ),
    several(
        (
            Exporter(batches=(STOPS,)),
            Exporter(batches=(STOPS,), instance="two:10110", failing=((25, 35),)),
        ),
        "two replicas make one alert, and the one with older data is ignored",
        {**during(1, 34), **during(37, 60, STALLED)},
    ),
    several(
        (
            Exporter(batches=(STEADY,)),
            Exporter(batches=(STEADY,), instance="two:10110", failing=((20, 90),), stale_after=99),
        ),
        "a replica whose polls fail makes no batch stalled",
        during(1, 90),
    ),
    one(
        STOPS,
        "an outage does not resolve the alert while the data are not stale",
        {**during(37, 53, STALLED), **during(56, 64), **during(67, 80, STALLED)},
        Exporter(failing=((40, 66),), stale_after=30.0),
    ),
    one(
        Batch(completed=lambda minute: sum(minute >= rise for rise in (20, 32, 44, 56))),
        "data that an outage keeps unchanged are no stall",
        during(21, 60),
        Exporter(failing=((31, 41),)),
    ),
    one(
        replace(STOPS, paused=((15, 34),)),
        "a batch that was paused within 15 minutes is not stalled",
        {**during(35, 47), **during(50, 60, STALLED)},
    ),
    replace(
        one(
            replace(NO_CALLS, start=60.0),
            "a batch is not stalled before its window opens, and has 15 minutes to start",
            {**during(1, 74), **during(76, 90, STALLED, NOT_STARTED)},
        ),
        silent=((RECORDED.active, 1, 59),),
    ),
    one(
        replace(NO_CALLS, start=60.0),
        "a batch has 15 minutes to start after its opening, though the exporter restarts",
        {**during(1, 74), **during(76, 90, STALLED, NOT_STARTED)},
        Exporter(down=((62, 65),)),
    ),
    one(
        replace(NO_CALLS, start=25.0),
        "a batch has 15 minutes to start after its opening, though scrapes fail then",
        {**during(1, 39), **during(42, 50, STALLED, NOT_STARTED)},
        Exporter(unscraped=((21, 29),)),
    ),
    one(
        replace(NO_CALLS, created=20.0),
        "a batch without a window is open from its creation on",
        {**during(21, 34), **during(36, 50, STALLED, NOT_STARTED)},
    ),
    one(
        replace(NO_CALLS, created=20.0, start=0.0),
        "a batch that was created inside its window is open from its creation on",
        {**during(21, 34), **during(36, 50, STALLED, NOT_STARTED)},
    ),
    one(
        Batch(completed=lambda minute: 7.0 if minute >= 21 else 0.0, created=20.0),
        "a batch younger than 15 minutes is not stalled",
        {**during(21, 35), **during(38, 40, STALLED)},
    ),
    one(
        replace(NO_CALLS, start=-300.0, created=-310.0),
        "an old batch is stalled when it has been observed for 15 minutes",
        {**during(1, 14, NOT_STARTED), **during(16, 20, STALLED, NOT_STARTED)},
    ),
    replace(
        one(
            replace(STOPS, ended=30.0),
            "an ended batch is not stalled; the alert about its remaining calls fires",
            {**during(1, 29), **during(31, 60, CLOSED)},
            Exporter(down=((50, 53),)),
        ),
        silent=((RATE, 31, 60), (LATER_RATE, 31, 60), (EARLIER_RATE, 31, 60)),
    ),
    one(
        replace(STOPS, calls=20.0), "a batch without remaining calls is not stalled", during(1, 60)
    ),
    one(
        replace(STOPS, ended=30.0, calls=20.0, end=60.0),
        "a batch that completed every call and ended before its window has no alert",
        during(1, 90),
    ),
    one(
        replace(STOPS, deleted=30.0),
        "a deleted batch has no alert",
        during(1, 60),
    ),
    one(
        replace(STOPS, deleted=34.0),
        "a batch that is deleted just before it is stalled has no alert",
        during(1, 60),
    ),
    one(
        replace(STOPS, deleted=40.0),
        "the alert resolves at once when the batch is deleted, though scrapes fail then",
        {**during(37, 39, STALLED), **during(41, 60)},
        Exporter(unscraped=((42, 43), (44, 45))),
    ),
    one(
        STOPS,
        "two Retry-After of five minutes do not resolve the alert",
        during(37, 70, STALLED),
        Exporter(hanging=((40, 50),)),
    ),
    one(
        replace(NO_CALLS, paused=((-300, 20),)),
        "a batch has 15 minutes to start after a pause",
        {**during(1, 33), **during(36, 40, STALLED, NOT_STARTED)},
    ),
    *CHANGES,
)

PAUSES = (
    replace(
        one(
            replace(STEADY, paused=((20, 80),)),
            "the alert fires after 30 minutes in pause, until the pause is over",
            {**during(1, 49), **during(51, 79, PAUSED), **during(81, 99)},
            Exporter(unscraped=((60, 62),)),
        ),
        silent=(
            (RECORDED.active, 20, 79),
            (RATE, 20, 108),
            (LATER_RATE, 20, 93),
            (EARLIER_RATE, 20, 108),
        ),
    ),
    one(
        replace(STEADY, paused=((20, 999),), start=-300.0, end=150.0),
        "a pause is critical in the last hour of the window, and resolves at its end",
        {
            **during(51, 89, PAUSED),
            **during(92, 149, PAUSED, PAUSED_SOON),
            **during(152, 160, CLOSED),
        },
    ),
    one(
        replace(STEADY, paused=((20, 999),)),
        "failed scrapes after the start of a pause neither delay nor interrupt the alert",
        {**during(1, 49), **during(51, 80, PAUSED)},
        Exporter(unscraped=((21, 29),)),
    ),
    one(
        replace(STEADY, paused=((25, 999),)),
        "a pause that began while scrapes failed counts from the next scrape",
        {**during(1, 63), **during(66, 80, PAUSED)},
        Exporter(unscraped=((21, 34),)),
    ),
    one(
        replace(STEADY, paused=((20, 40), (45, 999))),
        "a second pause counts from its own start",
        {**during(21, 74), **during(77, 80, PAUSED)},
    ),
    several(
        tuple(
            Exporter(
                batches=(replace(STEADY, paused=((20, 45), (50, 70))),),
                pod=pod,
                instance=f"{pod}:10110",
                down=(down,),
            )
            for pod, down in (("p1", (30, 999)), ("p2", (0, 31)))
        ),
        "pauses of less than 30 minutes have no alert, though the pod moves in the first",
        during(1, 100),
    ),
    one(
        replace(STEADY, paused=((-300, 999),)),
        "an old pause fires when it has been observed for 30 minutes",
        {**during(1, 29), **during(31, 40, PAUSED)},
    ),
    one(
        replace(NO_CALLS, paused=((-300, 999),), start=40.0),
        "the time before the window does not count as a pause",
        {**during(31, 69), **during(71, 80, PAUSED)},
    ),
    one(
        replace(STEADY, paused=((20, 999),), ended=60.0, calls=99.0),
        "the alert about a pause resolves when the batch ends",
        {**during(51, 59, PAUSED), **during(61, 70, CLOSED)},
    ),
    one(
        replace(STOPS, paused=((21, 999),), calls=20.0),
        "a pause without remaining calls has no alert",
        during(22, 70),
    ),
    one(
        replace(STEADY, paused=((20, 999),)),
        "a restart and an outage do not resolve a pause while the data are not stale",
        {**during(51, 84, PAUSED), **during(87, 90)},
        Exporter(down=((60, 63),), failing=((71, 999),), stale_after=60.0),
    ),
)

TIGHT = Batch(completed=steady(2, since=-100), created=-100.0, start=-100.0, end=400.0)
"""A thousand calls in a window of 500 minutes, at exactly the rate needed."""

NEEDED = 2 / 60
"""The rate needed, in calls per second."""

SLOW = Batch(completed=steady(1, since=-100), created=-100.0, start=-100.0, end=400.0)
"""Half the rate needed."""


def uneven(minute: float) -> float:
    """Return completed calls that rise by 3 per minute for 15 minutes, then by 1, alternately."""
    rounds, rest = divmod(minute, 30)
    return 60 * rounds + (3 * min(rest, 15) + max(rest - 15, 0)) // 1


LATE = replace(SLOW, completed=steady(1, since=-380), created=-380.0, start=-380.0, end=120.0)
"""Half the rate needed, two hours before the end of the window."""

FORECASTS = (
    one(TIGHT, "a batch at the rate needed will not miss its window", during(1, 120)),
    one(
        SLOW,
        "a batch at half the rate needed will miss its window",
        {**during(1, 39), **during(47, 110, MISS)},
        Exporter(down=((60, 63),), failing=((80, 89),)),
    ),
    one(
        LATE,
        "a forecast is critical in the last hour of the window, and resolves at its end",
        {
            **during(50, 59, MISS),
            **during(62, 119, MISS, MISS_SOON),
            **during(122, 130, CLOSED),
        },
    ),
    one(
        replace(LATE, completed=steady(1.86, since=-380)),
        "7 % of the calls remaining is a warning, never critical",
        during(50, 118, MISS),
    ),
    one(
        replace(LATE, completed=steady(1.94, since=-380)),
        "3 % of the calls remaining has no alert",
        during(1, 118),
    ),
    one(
        replace(TIGHT, completed=lambda minute: max(uneven(minute), 0.0)),
        "15 slow minutes between fast ones start no alert",
        during(30, 150),
    ),
    one(
        replace(
            TIGHT, calls=300.0, completed=lambda minute: max(60 + uneven(minute), 0.0), end=100.0
        ),
        "15 slow minutes in the last hour start no alert",
        during(30, 84),
    ),
    one(
        replace(
            SLOW,
            completed=lambda minute: (
                100 + minute
                if minute < 100
                else 200 + uneven(min(minute - 100, 90)) + 6 * max(minute - 190, 0)
            ),
        ),
        "a forecast goes on until the rate of 30 minutes suffices, not that of 15",
        {**during(50, 194, MISS), **during(200, 215)},
    ),
    one(
        replace(SLOW, end=None),
        "a batch without a window end has no forecast",
        during(1, 60),
    ),
    replace(
        one(
            replace(
                TIGHT,
                completed=lambda minute: max(2 * (minute - 70) // 1, 0.0),
                start=70.0,
                end=570.0,
            ),
            "the completion rate leaves out the time before the window",
            during(60, 130),
        ),
        silent=((RATE, 71, 78), (LATER_RATE, 71, 78), (EARLIER_RATE, 71, 93)),
        recorded=((RATE, 82, NEEDED), (LATER_RATE, 82, NEEDED), (EARLIER_RATE, 97, NEEDED)),
    ),
    one(
        replace(SLOW, start=70.0, created=-300.0, completed=steady(1, since=70), end=570.0),
        "a forecast starts 25 minutes after the opening: 10 of data and 15 pending",
        {**during(60, 94), **during(97, 140, MISS)},
        Exporter(down=((64, 72),)),
    ),
    *(
        replace(
            one(
                replace(TIGHT, completed=steady(2, since=25), start=25.0, end=525.0),
                f"a gap in scrapes from minute {gap[0]} on does not change the rate of a new batch",
                during(40, 80),
                Exporter(unscraped=(gap,)),
            ),
            recorded=tuple((rate, minute, NEEDED) for rate, minute in rates),
        )
        for gap, rates in (
            ((21, 29), ((LATER_RATE, 42), (EARLIER_RATE, 54))),
            ((37, 46), ((EARLIER_RATE, 58),)),
        )
    ),
    replace(
        one(
            replace(TIGHT, completed=lambda minute: 800 + max(minute, 0) / 2 // 1),
            "the rate of an old batch is that of the time observed",
            {**during(1, 60)},
        ),
        silent=((RATE, 1, 29), (LATER_RATE, 1, 14), (EARLIER_RATE, 1, 29)),
    ),
    one(
        replace(
            TIGHT,
            completed=lambda minute: 200 + 2 * minute - 2 * min(max(minute - 60, 0), 10) // 1,
            paused=((60, 70),),
            end=420.0,
        ),
        "the completion rate leaves out a pause",
        {**during(40, 60), **during(71, 110)},
    ),
    replace(
        one(
            TIGHT,
            "a completion rate reaches back over a gap in scrapes",
            during(40, 110),
            Exporter(down=((63, 72),)),
        ),
        recorded=((EARLIER_RATE, 82, NEEDED),),
    ),
    one(
        TIGHT,
        "data that an outage keeps unchanged are no slow rate",
        during(40, 90),
        Exporter(failing=((50, 59),)),
    ),
    replace(
        one(
            TIGHT,
            "a time observed that is too short gives no rate",
            during(40, 80),
            Exporter(interval=10.0, stale_after=60.0, hanging=((50, 85),)),
        ),
        silent=((RATE, 71, 77), (LATER_RATE, 56, 77), (EARLIER_RATE, 71, 77)),
    ),
    replace(
        one(
            TIGHT,
            "an exporter that is down for 35 minutes does not change the rate",
            during(40, 140),
            Exporter(down=((50, 85),)),
        ),
        recorded=((RATE, 100, NEEDED), (LATER_RATE, 95, NEEDED), (EARLIER_RATE, 105, NEEDED)),
    ),
    one(
        replace(
            TIGHT,
            completed=lambda minute: 200 + 2 * minute - 2 * max(0, min(minute - 156, 3)),
            end=402.0,
        ),
        "a forecast that is bad for three minutes has no alert",
        during(140, 190),
    ),
)

CLOSED_EARLIER = Batch(
    completed=lambda _minute: 20.0, calls=30.0, created=-350.0, start=-350.0, end=-320.0
)
"""Closed with remaining calls: its alert resolves at minute 40."""

ENDS = (
    one(
        CLOSED_EARLIER,
        "the alert about a closed batch fires for six hours",
        {**during(2, 38, CLOSED), **during(42, 50)},
    ),
    one(
        replace(TIGHT, end=100.0, calls=400.0),
        "a batch that completes its last call at the end of the window has no alert",
        during(80, 130),
        Exporter(failing=((97, 104),)),
    ),
    one(
        replace(STOPS, start=-300.0, end=60.0, calls=30.0),
        "an exporter whose clock is ahead closes no batch early",
        {**during(59, 59, STALLED, MISS, MISS_SOON), **during(62, 70, CLOSED)},
        Exporter(ahead=3.0),
    ),
    one(
        replace(CLOSED_EARLIER, ended=60.0),
        "an end that the API sets long after the window does not restart the alert",
        {**during(2, 38, CLOSED), **during(42, 70)},
    ),
    one(
        replace(CLOSED_EARLIER, ended=-320.0, end=60.0),
        "the alert counts from the batch's end where that is before the window end",
        {**during(2, 38, CLOSED), **during(42, 70)},
    ),
    one(
        replace(
            STOPS,
            start=-300.0,
            end=60.0,
            calls=25.0,
            completed=lambda _minute: 20.0,
            created=-310.0,
        ),
        "stale data have no alert about a closed batch",
        during(61, 80),
        Exporter(failing=((50, 999),), stale_after=60.0),
    ),
)


def with_status(errors: float, success: float) -> Batch:
    """Return a batch whose call status does not change."""
    counts = {"error": errors, "success": success, "pending": 50.0, "expired": 0.0}
    statuses = {status: (lambda _minute, count=count: count) for status, count in counts.items()}
    return replace(STEADY, statuses=statuses)


CALL_STATUS = (
    one(
        with_status(5, 15),
        "errors in 5 of 20 calls made fire the alert",
        during(5, 60, ERRORS),
        Exporter(down=((20, 23),)),
    ),
    one(
        replace(with_status(5, 15), deleted=30.0),
        "the alert about errors resolves when the batch is deleted",
        {**during(5, 29, ERRORS), **during(31, 40)},
    ),
    one(
        with_status(5, 14),
        "errors in 5 of 19 calls made are too few calls",
        {**during(5, 5), **during(60, 60)},
    ),
    one(
        with_status(4, 16),
        "errors in 4 of 20 calls made are not above the threshold",
        {**during(5, 5), **during(60, 60)},
    ),
    one(
        replace(with_status(5, 15), completed=CLOSED_EARLIER.completed, calls=20.0, ended=-320.0),
        "the alert about errors resolves six hours after the end",
        {**during(5, 38, ERRORS), **during(42, 50)},
    ),
    one(
        with_status(5, 15),
        "stale data have no alert about errors",
        {**during(5, 5, ERRORS), **during(30, 30), **during(40, 40)},
        Exporter(failing=((10, 999),), stale_after=60.0),
    ),
)

GROUPS = (STALLS, PAUSES, FORECASTS, ENDS, CALL_STATUS)
