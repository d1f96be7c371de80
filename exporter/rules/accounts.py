"""The alerts about accounts, their agents and the API."""

from exporter.durations import render as duration
from exporter.rules.alert import ACCOUNT, AGENT, COUNT, Alert, Severity
from exporter.rules.expressions import STALE_ALERT_AGE, age_limit
from exporter.rules.recorded import STALE
from exporter.rules.sources import last_value, over, select, value_ago
from exporter.rules.thresholds import Thresholds

CAUSE_WITHIN = "10m"
"""How old the failure may be that explains why an agent is down: failed polls are repeated within 5
minutes."""

AT_LIMIT = 0.9
"""Share of the allowed concurrent calls from which new calls wait."""

DISCOVERY_PENDING = 900.0
"""Seconds for which discovery must fail: it runs every 5 minutes, and one run may fail."""

ACCOUNT_STALE_AGE = 660
"""Seconds after which an account without agents is stale: it is probed every 5 minutes at least."""

API_PENDING = 300.0
"""Seconds for which requests to the API must fail: retries cover shorter failures."""

_SUCCESS = last_value(select, "ultravox_account_last_success_timestamp_seconds")


def account_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts."""
    return (
        _at_limit(thresholds),
        *_api(),
        _data_stale(thresholds),
        _truncated(),
        _unreadable(),
        _no_batches(thresholds),
        _discovery_failing(),
    )


def _at_limit(thresholds: Thresholds) -> Alert:
    seconds, metric = thresholds.concurrency_for, "ultravox_account_active_calls"
    average = over(f"avg_over_time({select(metric)}[{duration(seconds)}])")
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


def _api() -> tuple[Alert, ...]:
    """Return an alert for each cause of failing polls and account probes."""
    return (
        _cause(
            ("UltravoxAPIKeyRejected", "critical"),
            ("auth", '=~"401|403"'),
            f"Ultravox rejects the API key of {ACCOUNT}",
            "The API answers 401 or 403. Put a valid key into the account's key file: the exporter"
            " reads it again by itself. A key in an environment variable needs a restart.",
        ),
        _cause(
            ("UltravoxAPIUnreachable", "warning"),
            ("unreachable|timeout", '="error"'),
            f"The Ultravox API is unreachable for {ACCOUNT}",
            "Requests get no connection, or no complete answer in time. Check the network between"
            " the exporter and the API, and whether Ultravox reports an outage.",
        ),
        _cause(
            ("UltravoxAPIErrors", "warning"),
            ("status|payload|not_found", '!~"200|401|403|429|error"'),
            f"The Ultravox API answers {ACCOUNT} with errors",
            "The API answers with an error status, or with a body that is not as documented. Read"
            " the reason in the exporter's log.",
        ),
        _cause(
            ("UltravoxAPIRateLimited", "warning"),
            ("rate_limited", '="429"'),
            f"Ultravox limits the request rate of {ACCOUNT}",
            "The API answers 429. Another program may use the same key, or requests_per_second is"
            " too high: compare the exporter's request rate with the account's limit.",
        ),
    )


def _cause(
    alert: tuple[str, Severity], failures: tuple[str, str], summary: str, description: str
) -> Alert:
    """Return the alert about one cause for which polls of agents, or the account probe, fail.

    `alert` is its name and severity; `failures` are the poll failures' reasons, as a regular
    expression, and the matcher of the probe's `code`.
    """
    reasons, codes = failures
    polls = select("ultravox_agent_poll_failures_total", f'reason=~"{reasons}"')
    probes = select("ultravox_exporter_api_requests_total", 'resource="account"', f"code{codes}")
    failed_polls = over(f"increase({polls}[{CAUSE_WITHIN}])", "sum", "reason")
    failed_probes = over(f"increase({probes}[{CAUSE_WITHIN}])", "sum", "resource, code")
    return Alert(
        *alert,
        f"count without (agent_id) (\n"
        f"  {last_value(select, 'ultravox_agent_up')} == 0\n"
        f"  and {failed_polls} > 0\n"
        f")\n"
        f"or {last_value(select, 'ultravox_account_up')} == 0\n"
        f"and {failed_probes} > 0",
        summary,
        f"{description} {{{{ if $value }}}}Agents whose polls fail for this reason: {COUNT}. Their"
        " data become stale, and then the series of their batches are withdrawn.{{ else }}No"
        " agent's polls fail for this reason, but the account probe does.{{ end }}",
        pending=API_PENDING,
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
    loops = select("ultravox_agent_poll_failures_total", 'reason="loop"')
    return Alert(
        "UltravoxAgentTruncated",
        "warning",
        f"{hidden} > 0\n"
        f"or {last_value(select, 'ultravox_agent_up')} == 0\n"
        f"and {over(f'increase({loops}[{CAUSE_WITHIN}])', 'sum', 'reason')} > 0",
        f"{{{{ if $value }}}}{COUNT} batches of {AGENT} have no alerts{{{{ else }}}}The listing of"
        f" the batches of {AGENT} is a pagination loop{{{{ end }}}}",
        "{{ if $value }}The agent has more batches than max_per_agent. The others have no series of"
        " their own, and so no alerts: raise batches.max_per_agent.{{ else }}The API's pages"
        " repeat, so no listing is complete and the agent's data become stale: report it to"
        " Ultravox.{{ end }}",
        pending=API_PENDING,
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
        pending=API_PENDING,
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
