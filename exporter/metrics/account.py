"""The metrics of an account."""

from exporter.metrics.metric import ACCOUNT, AnyMetric, LabelledMetric, Metric, samples_by
from exporter.model import DiscoveryHealth
from exporter.selection import AccountSelection

_NEVER = DiscoveryHealth(up=False)


def _discovery(selection: AccountSelection) -> DiscoveryHealth:
    return selection.snapshot.discovery or _NEVER


def _discovery_up(selection: AccountSelection, _now: float) -> bool | None:
    discovery = selection.snapshot.discovery
    return None if discovery is None else discovery.up


ACCOUNT_METRICS: tuple[AnyMetric[AccountSelection], ...] = (
    Metric(
        "ultravox_account_up",
        "Whether the last probe of the account succeeded, 1 or 0: the API answers and accepts the"
        " API key; absent before the first probe",
        ACCOUNT,
        lambda selection, _: selection.snapshot.up,
    ),
    Metric(
        "ultravox_account_last_success_timestamp_seconds",
        "Time at which the last successful probe of the account began, in seconds since the epoch;"
        " absent before the first success",
        ACCOUNT,
        lambda selection, _: selection.snapshot.last_success,
    ),
    Metric(
        "ultravox_account_active_calls",
        "Number of active calls in the account; absent while the account's data are stale",
        ACCOUNT,
        lambda selection, _: selection.active_calls,
        api=("activeCalls",),
    ),
    Metric(
        "ultravox_account_allowed_concurrent_calls",
        "Number of calls in the account that may be active at once; absent without a hard cap, and"
        " while the account's data are stale",
        ACCOUNT,
        lambda selection, _: selection.allowed_calls,
        api=("allowedConcurrentCalls",),
    ),
    Metric(
        "ultravox_account_subscription_expiration_timestamp_seconds",
        "Time at which the subscription of the account expires, in seconds since the epoch: access"
        " then ends unless credit remains; absent if the API gives no such time, and while the"
        " account's data are stale",
        ACCOUNT,
        lambda selection, _: selection.subscription_expiration,
        api=("subscriptionExpiration",),
    ),
    Metric(
        "ultravox_account_planned_requests_per_second",
        "Rate of requests to the API that the polling intervals need now, in requests per second;"
        " above the allowed rate, polls are late",
        ACCOUNT,
        lambda selection, _: selection.planned_rate,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_allowed_requests_per_second",
        "Highest rate of requests to the API, in requests per second, as configured in"
        " requests_per_second",
        ACCOUNT,
        lambda selection, _: selection.snapshot.requests_per_second,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_clock_offset_seconds",
        "Seconds by which the clock of the exporter's machine is ahead of the API's, exact to 1 s,"
        " negative if it is behind; absent before the first successful poll after a response in"
        " less than 1 s with a readable Date header",
        ACCOUNT,
        lambda selection, _: selection.snapshot.clock_offset,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_discovered_agents",
        "Number of agents that the include and exclude globs select, as of the last successful"
        " discovery; absent without discovery, and before the first success",
        ACCOUNT,
        lambda selection, _: _discovery(selection).discovered,
    ),
    Metric(
        "ultravox_account_discovery_up",
        "Whether the last discovery of agents succeeded, 1 or 0; absent without discovery, and"
        " before the first discovery",
        ACCOUNT,
        _discovery_up,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_discovery_last_success_timestamp_seconds",
        "Time at which the last successful discovery of agents began, in seconds since the epoch;"
        " absent without discovery, and before the first success",
        ACCOUNT,
        lambda selection, _: _discovery(selection).last_success,
        stability="experimental",
    ),
    LabelledMetric(
        "ultravox_account_discovery_included_agents",
        "Number of agents that each include glob matches, as of the last successful discovery;"
        " absent without discovery, and before the first success",
        (*ACCOUNT, "include"),
        lambda selection, _: samples_by("include", _discovery(selection).included.items()),
        stability="experimental",
    ),
)
