"""The table of findings, and the list of mistakes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tools.alert_truth.campaigns import MINUTE, Campaign, Span
from tools.alert_truth.expectations import EXPECTATIONS
from tools.alert_truth.score import Finding

FEW_CALLS = " (few calls)"
"""Suffix of the line about campaigns with too few calls to measure their completion rate."""

MISTAKES = ("false", "missed", "repeated")

HEADINGS = (
    "alert",
    "precision",
    "recall",
    "incidents reported",
    "missed",
    "false alerts",
    "reported again",
    "tolerated alerts",
    "delay: median (longest)",
)


class Line(NamedTuple):
    """The counts of one alert. `delays` are the seconds until reports of incidents, ascending."""

    name: str
    reported: int
    missed: int
    false: int
    repeated: int
    tolerated: int
    delays: tuple[float, ...]

    @property
    def precision(self) -> str:
        """Return the share of right alerts among the right and the false ones."""
        return _share(self.reported, self.reported + self.false)

    @property
    def recall(self) -> str:
        """Return the share of the incidents that were reported."""
        return _share(self.reported, self.reported + self.missed)


def line_of(finding: Finding) -> str:
    """Return the name of the line in which a finding counts."""
    few_calls = finding.alert == "UltravoxBatchWillMissWindow" and finding.campaign.few_calls
    return finding.alert + FEW_CALLS if few_calls else finding.alert


def lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """Yield a line for each alert."""
    for alert in EXPECTATIONS:
        for name in (alert, alert + FEW_CALLS):
            chosen = [finding for finding in findings if line_of(finding) == name]
            if chosen or name == alert:
                yield _line(name, chosen)


def _line(name: str, findings: Sequence[Finding]) -> Line:
    kinds = [finding.kind for finding in findings]
    return Line(
        name,
        reported=kinds.count("reported"),
        missed=kinds.count("missed"),
        false=kinds.count("false"),
        repeated=kinds.count("repeated"),
        tolerated=kinds.count("tolerated"),
        delays=tuple(sorted(each.delay for each in findings if each.kind == "reported")),
    )


def table(findings: Sequence[Finding]) -> str:
    """Return the table in Markdown."""
    rows = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    rows += [
        f"| {_title(line.name)} | {line.precision} | {line.recall} | {line.reported}"
        f" | {line.missed} | {line.false} | {line.repeated} | {line.tolerated}"
        f" | {_delays(line.delays)} |"
        for line in lines(findings)
    ]
    return "\n".join(rows) + "\n"


def _title(name: str) -> str:
    alert = name.removesuffix(FEW_CALLS)
    return f"`{alert}`{name.removeprefix(alert)}"


def mistakes(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line of text for each mistake. Times are minutes since the start of the history."""
    for finding in findings:
        if finding.kind in MISTAKES:
            fired = " ".join(map(_minutes, finding.fired)) or "never"
            yield (
                f"{finding.kind}: {line_of(finding)} {_minutes(finding.span)};"
                f" fired {fired}; {description(finding.campaign)}"
            )


def is_clear_mistake(finding: Finding) -> bool:
    """Return whether a finding is a mistake, and not a forecast about few calls."""
    return finding.kind in MISTAKES and not line_of(finding).endswith(FEW_CALLS)


def description(campaign: Campaign) -> str:
    """Return a campaign's definition as one line of text."""
    phases = " ".join(
        f"{start / MINUTE:.1f}:{rate * MINUTE:.2f}" for start, rate in campaign.phases
    )
    times = {
        name: getattr(campaign, name)
        for name in ("opens", "window_end", "paused", "ended_early", "deleted")
    }
    known = " ".join(f"{name}={at / MINUTE:.1f}" for name, at in times.items() if at is not None)
    return (
        f"{campaign.batch_id} total={campaign.total} {known} calls/min={phases}"
        f" burst={campaign.burst} even={campaign.even} errors={campaign.error_share:.2f}"
    )


def _minutes(span: Span) -> str:
    return f"[{span.start / MINUTE:.1f}, {span.end / MINUTE:.1f})"


def _delays(delays: Sequence[float]) -> str:
    if not delays:
        return ""
    return f"{delays[len(delays) // 2] / MINUTE:.0f} min ({delays[-1] / MINUTE:.0f})"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
