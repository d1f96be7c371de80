"""The table, and what is wrong."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tools.alert_truth.campaigns import MINUTE, Campaign, Span
from tools.alert_truth.score import Event
from tools.alert_truth.verdicts import JUDGES

FEW = " (few calls)"
"""Of campaigns that dial too seldom for a pace: they are told apart, not left out."""

WRONG = ("false", "missed", "again")


class Row(NamedTuple):
    """What was counted of one alert. `late` are the seconds that told troubles took."""

    alert: str
    told: int
    missed: int
    false: int
    again: int
    arguable: int
    late: tuple[float, ...]

    @property
    def precision(self) -> str:
        """Which share of the alerts that were right or false was right."""
        return _share(self.told, self.told + self.false)

    @property
    def recall(self) -> str:
        """Which share of the troubles was told."""
        return _share(self.told, self.told + self.missed)


def row_of(event: Event) -> str:
    """Return the row in which an event is counted."""
    few = event.alert == "UltravoxBatchWillMissWindow" and event.campaign.few
    return event.alert + FEW if few else event.alert


def rows(events: Sequence[Event]) -> Iterator[Row]:
    """Yield a row for each alert."""
    for alert in JUDGES:
        for name in (alert, alert + FEW):
            here = [event for event in events if row_of(event) == name]
            if here or name == alert:
                counts = {what: sum(e.what == what for e in here) for what in KINDS}
                late = tuple(sorted(event.late for event in here if event.what == "told"))
                yield Row(name, **counts, late=late)


KINDS = ("told", "missed", "false", "again", "arguable")


def table(events: Sequence[Event]) -> str:
    """Return the table in Markdown."""
    heads = (
        "alert",
        "precision",
        "recall",
        "troubles told",
        "missed",
        "false alerts",
        "told again",
        "arguable alerts",
        "told after: median (longest)",
    )
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [
        f"| `{row.alert.removesuffix(FEW)}`{FEW if row.alert.endswith(FEW) else ''}"
        f" | {row.precision} | {row.recall} | {row.told} | {row.missed} | {row.false}"
        f" | {row.again} | {row.arguable} | {_late(row.late)} |"
        for row in rows(events)
    ]
    return "\n".join(lines) + "\n"


def wrong(events: Sequence[Event]) -> Iterator[str]:
    """Yield a line for each thing that is wrong, in minutes."""
    for event in events:
        if event.what in WRONG:
            yield (
                f"{event.what}: {row_of(event)} {_minutes(event.span)};"
                f" fired {' '.join(map(_minutes, event.fired)) or 'never'}; {told(event.campaign)}"
            )


def clearly_wrong(event: Event) -> bool:
    """Whether something is wrong of a campaign that half an hour says enough of."""
    return event.what in WRONG and not row_of(event).endswith(FEW)


def told(campaign: Campaign) -> str:
    """Return a campaign's definition in a line."""
    phases = " ".join(
        f"{begins / MINUTE:.1f}:{pace * MINUTE:.2f}" for begins, pace in campaign.phases
    )
    moments = {
        name: getattr(campaign, name)
        for name in ("opens", "window_end", "paused", "ended_early", "deleted")
    }
    when = " ".join(f"{name}={at / MINUTE:.1f}" for name, at in moments.items() if at is not None)
    return (
        f"{campaign.batch_id} total={campaign.total} {when} calls/min={phases}"
        f" burst={campaign.burst} even={campaign.even} errors={campaign.error_share:.2f}"
    )


def _minutes(span: Span) -> str:
    return f"[{span.begins / MINUTE:.1f}, {span.ends / MINUTE:.1f})"


def _late(late: Sequence[float]) -> str:
    if not late:
        return ""
    return f"{late[len(late) // 2] / MINUTE:.0f} min ({late[-1] / MINUTE:.0f})"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
