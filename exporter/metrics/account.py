"""The metrics of an account."""

from exporter.metrics.metric import ACCOUNT, AnyMetric, LabelledMetric, Metric, by
from exporter.model import DiscoveryHealth
from exporter.selection import AccountSelection

_NEVER = DiscoveryHealth(up=False)


def _discovery(view: AccountSelection) -> DiscoveryHealth:
    return view.snapshot.discovery or _NEVER


ACCOUNT_METRICS: tuple[AnyMetric[AccountSelection], ...] = (
    Metric(
        "ultravox_account_up",
        "Whether the account's last probe succeeded: the API answers and accepts the key. Absent"
        " before the first.",
        ACCOUNT,
        lambda view, _: view.snapshot.up,
    ),
    Metric(
        "ultravox_account_last_success_timestamp_seconds",
        "When the last successful probe of the account began; absent before the first.",
        ACCOUNT,
        lambda view, _: view.snapshot.last_success,
    ),
    Metric(
        "ultravox_account_active_calls",
        "Calls of the account that are active.",
        ACCOUNT,
        lambda view, _: view.active_calls,
    ),
    Metric(
        "ultravox_account_allowed_concurrent_calls",
        "Calls of the account that may be active at once; absent without a hard cap.",
        ACCOUNT,
        lambda view, _: view.allowed_calls,
    ),
    Metric(
        "ultravox_account_planned_requests_per_second",
        "Requests to the API that the cadences in force add up to. Above the allowed ones, polls"
        " come later than their cadence.",
        ACCOUNT,
        lambda view, _: view.planned,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_allowed_requests_per_second",
        "The highest rate of requests to the API, as configured.",
        ACCOUNT,
        lambda view, _: view.snapshot.requests_per_second,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_discovered_agents",
        "Agents that discovery last chose, configured ones among them; absent without discovery.",
        ACCOUNT,
        lambda view, _: _discovery(view).chosen,
    ),
    Metric(
        "ultravox_account_discovery_up",
        "Whether the last discovery of agents succeeded; absent without discovery.",
        ACCOUNT,
        lambda view, _: None if view.snapshot.discovery is None else view.snapshot.discovery.up,
        stability="experimental",
    ),
    Metric(
        "ultravox_account_discovery_last_success_timestamp_seconds",
        "When the last successful discovery began; absent before the first.",
        ACCOUNT,
        lambda view, _: _discovery(view).last_success,
        stability="experimental",
    ),
    LabelledMetric(
        "ultravox_account_discovery_included_agents",
        "Agents that each include glob matched in the last successful discovery.",
        (*ACCOUNT, "include"),
        lambda view, _: by("include", _discovery(view).included.items()),
        stability="experimental",
    ),
)
