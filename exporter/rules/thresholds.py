"""What a user may set about the alerts, and what is set otherwise."""

from typing import Annotated, NewType

import msgspec

Seconds = NewType("Seconds", float)
"""A duration."""

Share = NewType("Share", float)
"""Between 0 and 1."""


class Thresholds(msgspec.Struct, frozen=True):
    """When alerts fire. Each is a flag by its encoded name."""

    stalled_after: Annotated[Seconds, "no call completed for so long: UltravoxBatchStalled"] = (
        Seconds(900)
    )
    not_started_after: Annotated[
        Seconds, "no call made so long after the window's opening: UltravoxBatchNotStarted"
    ] = Seconds(900)
    paused_after: Annotated[Seconds, "paused for so long: UltravoxBatchPaused"] = Seconds(1800)
    rate_over: Annotated[Seconds, "the pace is that of so long: UltravoxBatchWillMissWindow"] = (
        msgspec.field(default=Seconds(1800), name="pace_over")
    )
    miss_share: Annotated[
        Share, "share of the calls that will be left: UltravoxBatchWillMissWindow"
    ] = Share(0.05)
    miss_share_critical: Annotated[
        Share, "the same, when it is critical (and the window closes soon)"
    ] = Share(0.10)
    critical_within: Annotated[
        Seconds, "a window that closes within so long closes soon: that makes alerts critical"
    ] = Seconds(3600)
    closed_for: Annotated[
        Seconds, "UltravoxBatchClosedWithCallsLeft resolves so long after the close"
    ] = Seconds(6 * 3600)
    error_share: Annotated[Share, "share of the made calls: UltravoxBatchManyErrors"] = Share(0.20)
    error_calls: Annotated[int, "made calls at least: UltravoxBatchManyErrors"] = 20
    concurrency_for: Annotated[
        Seconds, "at the limit for so long: UltravoxAccountAtConcurrencyLimit"
    ] = Seconds(900)
    stale_for: Annotated[Seconds, "data too old for so long: UltravoxDataStale"] = Seconds(300)
    no_batches_for: Annotated[Seconds, "no batch for so long: UltravoxNoBatches"] = Seconds(3600)


class Links(msgspec.Struct, frozen=True):
    """Where alerts lead; no slash at the end."""

    grafana_url: Annotated[str, "Grafana's address"] = "http://localhost:3000"
    runbook_url: Annotated[str, "the folder of the runbooks"] = (
        "https://example.com/ultravox-batch-exporter/docs/runbooks"
    )
