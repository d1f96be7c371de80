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


WATCHING = Exporter()


def one(batch: Batch, name: str, fires: Fires, exporter: Exporter = WATCHING) -> Scenario:
    """Return a scenario of one batch that one exporter watches."""
    return several((replace(exporter, batches=(batch,)),), name, fires)


def several(exporters: tuple[Exporter, ...], name: str, fires: Fires) -> Scenario:
    """Return a scenario of the alerts about batches."""
    return Scenario(name, exporters, fires, watched="UltravoxBatch.+")


HALTS = Batch(completed=steady(1, until=20))
"""Calls at one a minute, and stops at minute 20; no window."""

STEADY = Batch(completed=steady(1))
UNTOUCHED = Batch(completed=lambda _minute: 0.0)

STALLS = (
    one(
        Batch(completed=lambda minute: min(minute, 20.0) + max(minute - 80.0, 0.0)),
        "a batch stalls after 15 minutes without a call, until the next call",
        {**during(1, 34), **during(37, 80, STALLED), **during(82, 90)},
    ),
    one(
        HALTS,
        "a restart, failed scrapes and a rename neither reset nor silence a stalled batch",
        during(37, 60, STALLED),
        Exporter(down=((41, 44),), unscraped=((50, 51), (53, 55)), renamed=52),
    ),
    several(
        (
            Exporter(batches=(HALTS,), pod="p1", down=((45, 999),)),
            Exporter(batches=(HALTS,), pod="p2", instance="two:10110", down=((0, 46),)),
        ),
        "a pod that moved neither resets, silences nor doubles a stalled batch",
        during(37, 70, STALLED),
    ),
    several(
        (
            Exporter(batches=(HALTS,)),
            Exporter(batches=(HALTS,), instance="two:10110", failing=((25, 35),)),
        ),
        "two replicas make one alert, and what the slower one has seen does not count",
        {**during(1, 34), **during(37, 60, STALLED)},
    ),
    several(
        (
            Exporter(batches=(STEADY,)),
            Exporter(batches=(STEADY,), instance="two:10110", failing=((20, 90),), stale_after=99),
        ),
        "a replica that hears nothing stalls nothing",
        during(1, 90),
    ),
    one(
        HALTS,
        "an outage leaves a stalled batch stalled while its data are fresh",
        {**during(37, 53, STALLED), **during(56, 64), **during(67, 80, STALLED)},
        Exporter(failing=((40, 66),), stale_after=30.0),
    ),
    one(
        Batch(completed=lambda minute: sum(minute >= rise for rise in (20, 32, 44, 56))),
        "data that an outage keeps from changing are no stall",
        during(21, 60),
        Exporter(failing=((31, 41),)),
    ),
    one(
        replace(HALTS, paused=((15, 34),)),
        "a batch that was paused lately is not stalled",
        {**during(35, 47), **during(50, 60, STALLED)},
    ),
    replace(
        one(
            replace(UNTOUCHED, start=60.0),
            "a window that opens stalls nothing, and a batch must start within 15 minutes",
            {**during(1, 74), **during(76, 90, STALLED, NOT_STARTED)},
        ),
        silent=((RECORDED.active, 1, 59),),
    ),
    one(
        replace(UNTOUCHED, start=60.0),
        "an exporter that restarts when a window has just opened leaves 15 minutes to start",
        {**during(1, 74), **during(76, 90, STALLED, NOT_STARTED)},
        Exporter(down=((62, 65),)),
    ),
    one(
        replace(UNTOUCHED, start=25.0),
        "a window that opens while nothing is scraped leaves 15 minutes to start",
        {**during(1, 39), **during(42, 50, STALLED, NOT_STARTED)},
        Exporter(unscraped=((21, 29),)),
    ),
    one(
        replace(UNTOUCHED, created=20.0),
        "a batch without a window could call from its creation on",
        {**during(21, 34), **during(36, 50, STALLED, NOT_STARTED)},
    ),
    one(
        replace(UNTOUCHED, created=20.0, start=0.0),
        "a batch that was created inside its window could call from its creation on",
        {**during(21, 34), **during(36, 50, STALLED, NOT_STARTED)},
    ),
    one(
        Batch(completed=lambda minute: 7.0 if minute >= 21 else 0.0, created=20.0),
        "a batch younger than the look-back is not stalled",
        {**during(21, 35), **during(38, 40, STALLED)},
    ),
    one(
        replace(UNTOUCHED, start=-300.0, created=-310.0),
        "a batch that is first seen stalls when it has been seen for 15 minutes",
        {**during(1, 14, NOT_STARTED), **during(16, 20, STALLED, NOT_STARTED)},
    ),
    replace(
        one(
            replace(HALTS, ended=30.0),
            "a batch that has ended is not stalled; that calls were left is told",
            {**during(1, 29), **during(31, 60, CLOSED)},
            Exporter(down=((50, 53),)),
        ),
        silent=((RATE, 31, 60), (LATER_RATE, 31, 60), (EARLIER_RATE, 31, 60)),
    ),
    one(replace(HALTS, calls=20.0), "a batch without calls left is not stalled", during(1, 60)),
    one(
        replace(HALTS, ended=30.0, calls=20.0, end=60.0),
        "a batch that has made every call and ends before its window tells nothing",
        during(1, 90),
    ),
    one(
        replace(HALTS, gone=30.0),
        "a batch that is deleted tells nothing",
        during(1, 60),
    ),
    one(
        replace(HALTS, gone=34.0),
        "a batch that is deleted before it is stalled tells nothing",
        during(1, 60),
    ),
    one(
        replace(HALTS, gone=40.0),
        "a stalled batch that is deleted is forgotten at once, whatever scrape fails then",
        {**during(37, 39, STALLED), **during(41, 60)},
        Exporter(unscraped=((42, 43), (44, 45))),
    ),
    one(
        HALTS,
        "an exporter that may not ask for two times five minutes leaves a stalled batch stalled",
        during(37, 70, STALLED),
        Exporter(hanging=((40, 50),)),
    ),
    one(
        replace(UNTOUCHED, paused=((-300, 20),)),
        "a pause that is over leaves 15 minutes to start",
        {**during(1, 33), **during(36, 40, STALLED, NOT_STARTED)},
    ),
)

PAUSES = (
    replace(
        one(
            replace(STEADY, paused=((20, 80),)),
            "a batch is paused after 30 minutes, until it is not",
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
        "a pause is critical when the window closes within the hour, and over when it closes",
        {
            **during(51, 89, PAUSED),
            **during(92, 149, PAUSED, PAUSED_SOON),
            **during(152, 160, CLOSED),
        },
    ),
    one(
        replace(STEADY, paused=((20, 999),)),
        "a pause after which nothing was scraped is told in time, and without a break",
        {**during(1, 49), **during(51, 80, PAUSED)},
        Exporter(unscraped=((21, 29),)),
    ),
    one(
        replace(STEADY, paused=((25, 999),)),
        "a pause that began while nothing was scraped is told 30 minutes after it was seen",
        {**during(1, 63), **during(66, 80, PAUSED)},
        Exporter(unscraped=((21, 34),)),
    ),
    one(
        replace(STEADY, paused=((20, 40), (45, 999))),
        "a pause begins anew after calls were made",
        {**during(21, 74), **during(77, 80, PAUSED)},
    ),
    one(
        replace(STEADY, paused=((-300, 999),)),
        "a pause that is first seen is told when it has been seen for 30 minutes",
        {**during(1, 29), **during(31, 40, PAUSED)},
    ),
    one(
        replace(UNTOUCHED, paused=((-300, 999),), start=40.0),
        "a pause before the window does not count",
        {**during(31, 69), **during(71, 80, PAUSED)},
    ),
    one(
        replace(STEADY, paused=((20, 999),), ended=60.0, calls=99.0),
        "a paused batch that has ended is not paused",
        {**during(51, 59, PAUSED), **during(61, 70, CLOSED)},
    ),
    one(
        replace(HALTS, paused=((21, 999),), calls=20.0),
        "a pause without calls left tells nothing",
        during(22, 70),
    ),
    one(
        replace(STEADY, paused=((20, 999),)),
        "a restart and an outage leave a paused batch paused while its data are fresh",
        {**during(51, 84, PAUSED), **during(87, 90)},
        Exporter(down=((60, 63),), failing=((71, 999),), stale_after=60.0),
    ),
)

TIGHT = Batch(completed=steady(2, since=-100), created=-100.0, start=-100.0, end=400.0)
"""A thousand calls in a window of 500 minutes, at the completion rate that it needs."""

NEEDED = 2 / 60
"""That rate, in calls a second."""

SLOW = Batch(completed=steady(1, since=-100), created=-100.0, start=-100.0, end=400.0)
"""Half that rate."""


def uneven(minute: float) -> float:
    """Return calls that are completed at three a minute for a quarter of an hour, then at one."""
    rounds, rest = divmod(minute, 30)
    return 60 * rounds + (3 * min(rest, 15) + max(rest - 15, 0)) // 1


LATE = replace(SLOW, completed=steady(1, since=-380), created=-380.0, start=-380.0, end=120.0)
"""The same, two hours before its window closes."""

FORECASTS = (
    one(TIGHT, "a batch at the pace that is needed will not miss its window", during(1, 120)),
    one(
        SLOW,
        "a batch at half the pace will miss its window",
        {**during(1, 39), **during(47, 110, MISS)},
        Exporter(down=((60, 63),), failing=((80, 89),)),
    ),
    one(
        LATE,
        "it is critical within the hour, and over when the window closes",
        {
            **during(50, 59, MISS),
            **during(62, 119, MISS, MISS_SOON),
            **during(122, 130, CLOSED),
        },
    ),
    one(
        replace(LATE, completed=steady(1.86, since=-380)),
        "7 % of the calls left are a warning, never critical",
        during(50, 118, MISS),
    ),
    one(
        replace(LATE, completed=steady(1.94, since=-380)),
        "3 % of the calls left are none",
        during(1, 118),
    ),
    one(
        replace(TIGHT, completed=lambda minute: max(uneven(minute), 0.0)),
        "one slow quarter of an hour between good ones is no trend",
        during(30, 150),
    ),
    one(
        replace(
            TIGHT, calls=300.0, completed=lambda minute: max(60 + uneven(minute), 0.0), end=100.0
        ),
        "nor is it in the last hour",
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
        "what has begun stays until the pace suffices, though some quarters of an hour did",
        {**during(50, 194, MISS), **during(200, 215)},
    ),
    one(
        replace(SLOW, end=None),
        "a batch without an end of its window misses none",
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
            "a window that opens leaves the time before it out of the pace",
            during(60, 130),
        ),
        silent=((RATE, 71, 78), (LATER_RATE, 71, 78), (EARLIER_RATE, 71, 93)),
        recorded=((RATE, 82, NEEDED), (LATER_RATE, 82, NEEDED), (EARLIER_RATE, 97, NEEDED)),
    ),
    one(
        replace(SLOW, start=70.0, created=-300.0, completed=steady(1, since=70), end=570.0),
        "a batch is judged when it could call for 10 minutes, and 15 more",
        {**during(60, 94), **during(97, 140, MISS)},
        Exporter(down=((64, 72),)),
    ),
    *(
        replace(
            one(
                replace(TIGHT, completed=steady(2, since=25), start=25.0, end=525.0),
                f"so does one that opened lately, after a gap from minute {gap[0]} on",
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
            "a batch that is first seen is judged by what was seen",
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
        "a pause that is over leaves the pace alone",
        {**during(40, 60), **during(71, 110)},
    ),
    replace(
        one(
            TIGHT,
            "a pace reaches back over a gap",
            during(40, 110),
            Exporter(down=((63, 72),)),
        ),
        recorded=((EARLIER_RATE, 82, NEEDED),),
    ),
    one(
        TIGHT,
        "an outage in which the data stand still is no slow pace",
        during(40, 90),
        Exporter(failing=((50, 59),)),
    ),
    replace(
        one(
            TIGHT,
            "too short a time of observation is no pace",
            during(40, 80),
            Exporter(interval=10.0, stale_after=60.0, hanging=((50, 85),)),
        ),
        silent=((RATE, 71, 77), (LATER_RATE, 56, 77), (EARLIER_RATE, 71, 77)),
    ),
    replace(
        one(
            TIGHT,
            "nor is it when the exporter is away for longer than the look-back",
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
        "a forecast that is bad for three minutes is none",
        during(140, 190),
    ),
)

OVER = Batch(completed=lambda _minute: 20.0, calls=30.0, created=-350.0, start=-350.0, end=-320.0)
"""Closed with remaining calls; the alert fires until minute 40."""

ENDS = (
    one(
        OVER,
        "calls left at the close are told for six hours",
        {**during(2, 38, CLOSED), **during(42, 50)},
    ),
    one(
        replace(TIGHT, end=100.0, calls=400.0),
        "a batch that makes its last call as the window closes tells nothing",
        during(80, 130),
        Exporter(failing=((97, 104),)),
    ),
    one(
        replace(HALTS, start=-300.0, end=60.0, calls=30.0),
        "an exporter whose clock is ahead does not close a window",
        {**during(59, 59, STALLED, MISS, MISS_SOON), **during(62, 70, CLOSED)},
        Exporter(ahead=3.0),
    ),
    one(
        replace(OVER, ended=60.0),
        "an end that the API sets long after the close does not begin it anew",
        {**during(2, 38, CLOSED), **during(42, 70)},
    ),
    one(
        replace(OVER, ended=-320.0, end=60.0),
        "an end before the close counts from the end",
        {**during(2, 38, CLOSED), **during(42, 70)},
    ),
    one(
        replace(
            HALTS,
            start=-300.0,
            end=60.0,
            calls=25.0,
            completed=lambda _minute: 20.0,
            created=-310.0,
        ),
        "old data tell nothing of a close",
        during(61, 80),
        Exporter(failing=((50, 999),), stale_after=60.0),
    ),
)


def called(errors: float, success: float) -> Batch:
    """Return a batch with a constant call status."""
    counts = {"error": errors, "success": success, "pending": 50.0, "expired": 0.0}
    statuses = {status: (lambda _minute, count=count: count) for status, count in counts.items()}
    return replace(STEADY, statuses=statuses)


OUTCOMES = (
    one(
        called(5, 15),
        "a quarter of 20 made calls are many errors",
        during(5, 60, ERRORS),
        Exporter(down=((20, 23),)),
    ),
    one(
        replace(called(5, 15), gone=30.0),
        "a batch that is deleted has no errors",
        {**during(5, 29, ERRORS), **during(31, 40)},
    ),
    one(called(5, 14), "19 calls are too few to tell", {**during(5, 5), **during(60, 60)}),
    one(called(4, 16), "a fifth is not many", {**during(5, 5), **during(60, 60)}),
    one(
        replace(called(5, 15), completed=OVER.completed, calls=20.0, ended=-320.0),
        "errors are told until six hours after the end",
        {**during(5, 38, ERRORS), **during(42, 50)},
    ),
    one(
        called(5, 15),
        "old data tell nothing of errors",
        {**during(5, 5, ERRORS), **during(30, 30), **during(40, 40)},
        Exporter(failing=((10, 999),), stale_after=60.0),
    ),
)

GROUPS = (STALLS, PAUSES, FORECASTS, ENDS, OUTCOMES)
