"""The alerts about accounts, their agents and the API."""

from exporter.durations import render as duration
from exporter.rules.alert import COUNT, NAMED_AGENT, Alert, Severity
from exporter.rules.expressions import STALE_ALERT_AGE, age_limit
from exporter.rules.recorded import STALE
from exporter.rules.sources import last_value, over, select, value_ago
from exporter.rules.thresholds import Thresholds

CAUSES = "10m"
"""How far back a failure may lie that explains why somebody is ill: who fails is asked again within
five minutes."""

CROWDED = 0.9
"""Of the calls that are allowed at once: from here on, calls wait."""

DISCOVERY = 900.0
"""Seconds that discovery must fail: it is tried each five minutes, and may fail once."""

LONGEST_PATIENCE = 660
"""Seconds that an account without agents may be silent: it is asked each 5 minutes at least."""

TROUBLE = 300.0
"""Seconds that trouble with the API must last: what is shorter, polls get over by themselves."""

_ACCOUNT = "account {{ $labels.account }}"
_REQUESTS = "ultravox_exporter_api_requests_total"
_SUCCESS = last_value(select, "ultravox_account_last_success_timestamp_seconds")


def account_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts."""
    return (
        _at_limit(thresholds),
        *_API,
        _data_stale(thresholds),
        _truncated(),
        _no_batches(thresholds),
        _discovery_failing(),
    )


def _at_limit(thresholds: Thresholds) -> Alert:
    lasts, metric = thresholds.concurrency_for, "ultravox_account_active_calls"
    average = over(f"avg_over_time({select(metric)}[{duration(lasts)}])")
    allowed = last_value(select, "ultravox_account_allowed_concurrent_calls")
    return Alert(
        "UltravoxAccountAtConcurrencyLimit",
        "info",
        # One call ends before the next begins: who is at the limit is a little below it.
        f"{average} >= {CROWDED} * {allowed}\n"
        f"and {allowed} > 0\n"
        f"and {value_ago(select, metric, lasts)}\n"
        f"and time() - {_SUCCESS} < {STALE_ALERT_AGE}",
        f"The {_ACCOUNT} makes as many calls at once as it may: {COUNT}",
        f"For {duration(lasts)} it has had about as many active calls as it is allowed. Batches"
        " wait for each other: this is why they are slow.",
    )


def _cause(
    name: str, severity: Severity, reasons: str, codes: str, summary: str, advice: str
) -> Alert:
    """Return the alert of one cause for which agents, or the account's probe, are ill.

    `reasons` and `codes` are matchers' values, the latter with their operator.
    """
    failures = select("ultravox_agent_poll_failures_total", f'reason=~"{reasons}"')
    failed = f"increase({failures}[{CAUSES}])"
    requests = select(_REQUESTS, 'resource="account"', f"code{codes}")
    probed = over(f"increase({requests}[{CAUSES}])", "sum", "resource, code")
    return Alert(
        name,
        severity,
        f"count without (agent_id) (\n"
        f"  {last_value(select, 'ultravox_agent_up')} == 0\n"
        f"  and {over(failed, 'sum', 'reason')} > 0\n"
        f")\n"
        f"or {last_value(select, 'ultravox_account_up')} == 0\n"
        f"and {probed} > 0",
        f"{summary} ({_ACCOUNT})",
        f"{advice} {{{{ if $value }}}}Agents whose polls fail for this reason: {COUNT}. What is"
        " known of their batches grows old, and is withdrawn after a while.{{ else }}No agent's"
        " polls fail for this reason, but the account's probe does.{{ end }}",
        held=TROUBLE,
    )


_API = (
    _cause(
        "UltravoxAPIKeyRejected",
        "critical",
        "auth",
        '=~"401|403"',
        "Ultravox refuses the API key",
        "The API answers 401 or 403. Replace the key: a key file is read anew by itself, an"
        " environment variable when the exporter starts.",
    ),
    _cause(
        "UltravoxAPIUnreachable",
        "warning",
        "unreachable|timeout",
        '="error"',
        "The Ultravox API can't be reached",
        "No connection, or no whole answer in time.",
    ),
    _cause(
        "UltravoxAPIErrors",
        "warning",
        "status|payload|not_found",
        '!~"200|401|403|429|error"',
        "The Ultravox API answers with errors",
        "It answers with an error, or with what it does not document.",
    ),
    _cause(
        "UltravoxAPIRateLimited",
        "warning",
        "rate_limited",
        '="429"',
        "Ultravox limits the rate of our requests",
        "The API answers 429: something else may be using the key, or requests_per_second is too"
        " high.",
    ),
)


def _data_stale(thresholds: Thresholds) -> Alert:
    accounts = last_value(select, "ultravox_account_allowed_requests_per_second")
    intervals = last_value(select, "ultravox_agent_poll_interval_seconds")
    return Alert(
        "UltravoxDataStale",
        "warning",
        f"{STALE}\n"
        f"or time() - {_SUCCESS} >= max without (agent_id) ({age_limit(select, STALE_ALERT_AGE)})\n"
        f"or time() - {_SUCCESS} >= {LONGEST_PATIENCE}\n"
        f"unless max without (agent_id) ({intervals})\n"
        f"or 0 * {accounts}\n"
        f"unless {_SUCCESS}",
        "What is known of {{ if $labels.agent_id }}"
        f"{NAMED_AGENT}{{{{ else }}}}{_ACCOUNT}{{{{ end }}}} is old",
        "{{ if $value }}It last answered {{ $value | humanizeDuration }} ago, too long for its own"
        " cadence.{{ else }}It has never answered.{{ end }}{{ if $labels.agent_id }} Alerts about"
        " its batches are silent when their data are too old.{{ end }}",
        held=thresholds.stale_for,
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
        f"and {over(f'increase({loops}[{CAUSES}])', 'sum', 'reason')} > 0",
        f"{{{{ if $value }}}}{COUNT} batches of {NAMED_AGENT} have no alerts{{{{ else }}}}The"
        f" batches of {NAMED_AGENT} are not listed to their end{{{{ end }}}}",
        "Batches beyond max_per_agent have no series of their own, and so no alerts: raise"
        " batches.max_per_agent. A listing whose pages lead in a circle is not read to its end.",
        held=TROUBLE,
    )


def _no_batches(thresholds: Thresholds) -> Alert:
    batches = last_value(select, "ultravox_agent_batches")
    discovered = last_value(select, "ultravox_account_discovered_agents")
    return Alert(
        "UltravoxNoBatches",
        "info",
        f"sum without (agent_id, state) ({batches}) == 0\n"
        # Where one agent is not known, nothing can be said of all.
        f"unless count without (agent_id) ({STALE})\n"
        f"or {discovered} == 0",
        f"There is no batch in {_ACCOUNT}",
        f"For {duration(thresholds.no_batches_for)} none has been seen in it, live or lately ended."
        " If there should be some: are these the right account and agents?",
        held=thresholds.no_batches_for,
    )


def _discovery_failing() -> Alert:
    return Alert(
        "UltravoxDiscoveryFailing",
        "warning",
        f"{last_value(select, 'ultravox_account_discovery_up')} == 0",
        f"The agents of {_ACCOUNT} can't be looked for",
        "The agents that are known are watched as before. Those that came since are not.",
        held=DISCOVERY,
    )
