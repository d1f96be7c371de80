"""The thresholds and links of the alerts that a user can set, with their defaults."""

from typing import Annotated, NewType

import msgspec

Seconds = NewType("Seconds", float)
"""A duration in seconds."""

Share = NewType("Share", float)
"""A number from 0 to 1."""


class Thresholds(msgspec.Struct, frozen=True):
    """When alerts fire. Each field is a flag, named by the field's encoded name."""

    stalled_after: Annotated[Seconds, "time without a completed call: UltravoxBatchStalled"] = (
        Seconds(900)
    )
    not_started_after: Annotated[
        Seconds, "time in which calls were possible and none was completed: UltravoxBatchNotStarted"
    ] = Seconds(900)
    paused_after: Annotated[Seconds, "time in pause: UltravoxBatchPaused"] = Seconds(1800)
    rate_over: Annotated[
        Seconds, "time window for the completion rate: UltravoxBatchWillMissWindow"
    ] = msgspec.field(default=Seconds(1800), name="pace_over")
    miss_share: Annotated[
        Share, "share of the calls that will remain: UltravoxBatchWillMissWindow, warning"
    ] = Share(0.05)
    miss_share_critical: Annotated[
        Share, "share of the calls that will remain: UltravoxBatchWillMissWindow, critical"
    ] = Share(0.10)
    critical_within: Annotated[
        Seconds, "time before the end of the window in which alerts are critical"
    ] = Seconds(3600)
    closed_for: Annotated[
        Seconds, "time after the close: UltravoxBatchClosedWithCallsLeft resolves"
    ] = Seconds(6 * 3600)
    error_share: Annotated[
        Share, "share of errors among the calls made: UltravoxBatchManyErrors"
    ] = Share(0.20)
    error_calls: Annotated[int, "minimum number of calls made: UltravoxBatchManyErrors"] = 20
    concurrency_for: Annotated[
        Seconds, "time at the concurrency limit: UltravoxAccountAtConcurrencyLimit"
    ] = Seconds(900)
    stale_for: Annotated[Seconds, "time for which data are stale: UltravoxDataStale"] = Seconds(300)
    no_batches_for: Annotated[Seconds, "time without any batch: UltravoxNoBatches"] = Seconds(3600)


class Links(msgspec.Struct, frozen=True):
    """Base addresses of the links in alerts, without a slash at the end."""

    grafana_url: Annotated[str, "base URL of Grafana"] = "http://localhost:3000"
    runbook_url: Annotated[str, "base URL of the runbooks"] = (
        "https://example.com/ultravox-batch-exporter/docs/runbooks"
    )
