"""The alerts about accounts and their agents."""

from exporter.durations import render as duration
from exporter.rules.alert import ACCOUNT, AGENT, COUNT, Alert
from exporter.rules.causes import FAILED_POLLS, api_alerts
from exporter.rules.expressions import STALE_ALERT_AGE, age_limit
from exporter.rules.recorded import STALE
from exporter.rules.sources import last_value, over, select, value_ago
from exporter.rules.thresholds import Thresholds

AT_LIMIT = 0.9
"""Share of the allowed concurrent calls from which new calls wait."""

DISCOVERY_PENDING = 900.0
"""Seconds for which discovery must fail: it runs every 5 minutes, and one run may fail."""

ACCOUNT_STALE_AGE = 660
"""Seconds after which an account without agents is stale: it is probed every 5 minutes at least."""

PENDING = 300.0
"""Seconds for which batches must be missing: the next listing may have them."""

_SUCCESS = last_value(select, "ultravox_account_last_success_timestamp_seconds")


def account_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts."""
    return (
        _at_limit(thresholds),
        *api_alerts(),
        _data_stale(thresholds),
        _truncated(),
        _unreadable(),
        _no_batches(thresholds),
        _discovery_failing(),
    )


def _at_limit(thresholds: Thresholds) -> Alert:
    seconds, metric = thresholds.concurrency_for, "ultravox_account_active_calls"
    samples = f"{select(metric)}[{duration(seconds)}]"
    # A pod that has just been started has few samples: an average of its own says nothing.
    total = over(f"sum_over_time({samples})", "sum")
    average = f"{total} / {over(f'count_over_time({samples})', 'sum')}"
    allowed = last_value(select, "ultravox_account_allowed_concurrent_calls")
    return Alert(
        "UltravoxAccountAtConcurrencyLimit",
        "info",
        # Between the end of a call and the start of the next, an account at its limit is below it.
        f"{average} >= {AT_LIMIT} * {allowed}\n"
        f"and {allowed} > 0\n"
        f"and {value_ago(select, metric, seconds)}\n"
        f"and time() - {_SUCCESS} < {STALE_ALERT_AGE}",
        f"The {ACCOUNT} is at its concurrency limit: {COUNT} active calls",
        f"For {duration(seconds)} the account has had about as many active calls as it is allowed."
        " Its batches wait for each other, so they are slow. Run fewer batches at a time, or ask"
        " Ultravox for a higher limit.",
    )


def _data_stale(thresholds: Thresholds) -> Alert:
    accounts = last_value(select, "ultravox_account_allowed_requests_per_second")
    intervals = last_value(select, "ultravox_agent_poll_interval_seconds")
    of = f"{{{{ if $labels.agent_id }}}}{AGENT}{{{{ else }}}}{ACCOUNT}{{{{ end }}}}"
    request = "{{ if $labels.agent_id }}poll{{ else }}account probe{{ end }}"
    return Alert(
        "UltravoxDataStale",
        "warning",
        f"{STALE}\n"
        f"or time() - {_SUCCESS}"
        f" >= max without (agent_id) ({age_limit(select, STALE_ALERT_AGE)})\n"
        f"or time() - {_SUCCESS} >= {ACCOUNT_STALE_AGE}\n"
        f"unless max without (agent_id) ({intervals})\n"
        f"or 0 * {accounts}\n"
        f"unless {_SUCCESS}",
        f"The data of {of} are stale: {{{{ if $value }}}}last successful {request}"
        " {{ $value | humanizeDuration }} ago{{ else }}"
        f"no successful {request} yet{{{{ end }}}}",
        "{{ if $value }}The data are older than 3 poll intervals.{{ else }}No data have arrived"
        " since the exporter started.{{ end }}{{ if $labels.agent_id }} Alerts about the agent's"
        " batches do not fire while its data are stale.{{ end }} Read the reason in the exporter's"
        " log. If there is none, check whether more requests are planned than allowed.",
        pending=thresholds.stale_for,
    )


def _truncated() -> Alert:
    hidden = last_value(
        select, "ultravox_agent_batches_hidden", 'reason="max_per_agent"', without="reason"
    )
    loops = f'sum without (reason) ({FAILED_POLLS}{{reason="loop"}})'
    return Alert(
        "UltravoxAgentTruncated",
        "warning",
        f"{hidden} > 0\nor {last_value(select, 'ultravox_agent_up')} == 0\nand {loops} > 0",
        f"{{{{ if $value }}}}{COUNT} batches of {AGENT} have no alerts{{{{ else }}}}The listing of"
        f" the batches of {AGENT} is a pagination loop{{{{ end }}}}",
        "{{ if $value }}The agent has more batches than max_per_agent. The others have no series of"
        " their own, and so no alerts: raise batches.max_per_agent.{{ else }}The API's pages"
        " repeat, so no listing is complete and the agent's data become stale: report it to"
        " Ultravox.{{ end }}",
        pending=PENDING,
    )


def _unreadable() -> Alert:
    return Alert(
        "UltravoxBatchesUnreadable",
        "warning",
        f"{last_value(select, 'ultravox_agent_batches_unreadable')} > 0",
        f"{COUNT} batches of {AGENT} cannot be read and have no alerts",
        "The API describes these batches in a way that it does not document. They have no series,"
        " so no alert about them can fire; all other batches are watched. The exporter's log names"
        " the batches and the fields: look at the batches at Ultravox, and report it.",
        pending=PENDING,
    )


def _no_batches(thresholds: Thresholds) -> Alert:
    batches = last_value(select, "ultravox_agent_batches")
    discovered = last_value(select, "ultravox_account_discovered_agents")
    return Alert(
        "UltravoxNoBatches",
        "info",
        f"sum without (agent_id, state) ({batches}) == 0\n"
        # One agent with stale data may have batches.
        f"unless count without (agent_id) ({STALE})\n"
        f"or {discovered} == 0",
        f"There are no batches in {ACCOUNT}",
        f"For {duration(thresholds.no_batches_for)} the account has had no batch, live or recently"
        " ended, or discovery has found no agent. If there should be batches, check the account's"
        " API key and the agents in the exporter's configuration.",
        pending=thresholds.no_batches_for,
    )


def _discovery_failing() -> Alert:
    return Alert(
        "UltravoxDiscoveryFailing",
        "warning",
        f"{last_value(select, 'ultravox_account_discovery_up')} == 0",
        f"Agent discovery is failing for {ACCOUNT}",
        f"Agent discovery has failed for {duration(DISCOVERY_PENDING)}. The exporter still polls"
        " the agents found before, but no new ones. Read the reason in the exporter's log.",
        pending=DISCOVERY_PENDING,
    )
