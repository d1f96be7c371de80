"""The alerts about accounts, the API and the exporter itself."""

from exporter.config.durations import render as duration
from exporter.rules.alert import COUNT, NAMED_AGENT, Alert
from exporter.rules.recorded import Recorded
from exporter.rules.thresholds import Thresholds

CAUSES = "10m"
"""How far back a failure may lie that explains why somebody is ill: who fails is asked again within
five minutes."""

LONGEST_PATIENCE = 660
"""Seconds that an account without agents may be silent: it is asked each 5 minutes at least."""

TROUBLE = 300.0
"""Seconds that trouble with the API must last: what is shorter, polls get over by themselves."""

_ACCOUNT = "account {{ $labels.account }}"
_KNOWN = Recorded()
_SERVES = "ultravox_exporter_config_last_reload_successful"
"""What every exporter serves, whatever it watches."""


def service_alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts."""
    return (
        _at_limit(thresholds),
        *_API,
        _data_stale(thresholds),
        _truncated(),
        _no_batches(thresholds),
        *_exporter(),
    )


def _at_limit(thresholds: Thresholds) -> Alert:
    active = _KNOWN.last("ultravox_account_active_calls")
    allowed = _KNOWN.last("ultravox_account_allowed_concurrent_calls")
    return Alert(
        "UltravoxAccountAtConcurrencyLimit",
        "info",
        f"{active} >= {allowed}\nand {allowed} > 0",
        f"The {_ACCOUNT} makes as many calls at once as it may: {COUNT}",
        f"For {duration(thresholds.concurrency_for)} it has had as many active calls as it is"
        " allowed. Batches wait for each other: this is why they are slow.",
        held=thresholds.concurrency_for,
    )


def _cause(name: str, reasons: str, codes: str, summary: str, advice: str) -> Alert:
    """Return the alert of one cause for which agents, or the account's probe, are ill."""
    failures = _KNOWN.series("ultravox_agent_poll_failures_total", f'reason=~"{reasons}"')
    requests = _KNOWN.series(
        "ultravox_exporter_api_requests_total", 'endpoint="account"', f'code=~"{codes}"'
    )
    failed = f"sum without (instance, pod, reason) (increase({failures}[{CAUSES}])) > 0"
    ill = f"{_KNOWN.last('ultravox_agent_up')} == 0"
    probed = f"sum without (instance, pod, endpoint, code) (increase({requests}[{CAUSES}])) > 0"
    return Alert(
        name,
        "critical" if reasons == "auth" else "warning",
        f"count without (agent_id) (\n"
        f"  {ill}\n"
        f"  and {failed}\n"
        f")\n"
        f"or {_KNOWN.last('ultravox_account_up')} == 0\n"
        f"and {probed}",
        f"{summary} ({_ACCOUNT})",
        f"{advice} Agents whose polls fail for this reason: {COUNT}. What is known of their batches"
        " grows old, and is withdrawn after a while.",
        held=TROUBLE,
    )


_API = (
    _cause(
        "UltravoxAPIKeyRejected",
        "auth",
        "401|403",
        "Ultravox refuses the API key",
        "The API answers 401 or 403. Put a valid key into the key file: it is read anew by itself.",
    ),
    _cause(
        "UltravoxAPIUnreachable",
        "unreachable|timeout",
        "error",
        "The Ultravox API can't be reached",
        "No connection, or no whole answer in time.",
    ),
    _cause(
        "UltravoxAPIErrors",
        "status|payload|not_found",
        "402|404|5..",
        "The Ultravox API answers with errors",
        "It answers with an error, or with what it does not document.",
    ),
    _cause(
        "UltravoxAPIRateLimited",
        "rate_limited",
        "429",
        "Ultravox limits the rate of our requests",
        "The API answers 429: something else may be using the key, or requests_per_second is too"
        " high.",
    ),
)


def _data_stale(thresholds: Thresholds) -> Alert:
    success = _KNOWN.last("ultravox_account_last_success_timestamp_seconds")
    accounts = _KNOWN.last("ultravox_account_allowed_requests_per_second")
    intervals = _KNOWN.last("ultravox_agent_poll_interval_seconds")
    return Alert(
        "UltravoxDataStale",
        "warning",
        f"{_KNOWN.stale()}\n"
        f"or time() - {success} >= max without (agent_id) ({_KNOWN.patience()})\n"
        f"or time() - {success} >= {LONGEST_PATIENCE}\n"
        f"unless max without (agent_id) ({intervals})\n"
        f"or 0 * {accounts}\n"
        f"unless {success}",
        "What is known of {{ if $labels.agent_id }}"
        f"{NAMED_AGENT}{{{{ else }}}}{_ACCOUNT}{{{{ end }}}} is old",
        "It last answered {{ if eq $value 0.0 }}never{{ else }}{{ $value | humanizeDuration }} ago"
        "{{ end }}: too long for its own cadence. Alerts about its batches are silent until it"
        " answers.",
        held=thresholds.stale_for,
    )


def _truncated() -> Alert:
    hidden = _KNOWN.last(
        "ultravox_agent_batches_hidden", 'reason="max_per_agent"', without="reason"
    )
    loops = _KNOWN.series("ultravox_agent_poll_failures_total", 'reason="loop"')
    return Alert(
        "UltravoxAgentTruncated",
        "warning",
        f"{hidden} > 0\n"
        f"or {_KNOWN.last('ultravox_agent_up')} == 0\n"
        f"and sum without (instance, pod, reason) (increase({loops}[{CAUSES}])) > 0",
        f"Batches of {NAMED_AGENT} have no alerts: {COUNT} are hidden (0: the listing has no end)",
        "Batches beyond max_per_agent have no series of their own, and so no alerts: raise"
        " batches.max_per_agent. A listing whose pages lead in a circle is not read to its end.",
        held=TROUBLE,
    )


def _no_batches(thresholds: Thresholds) -> Alert:
    batches = _KNOWN.last("ultravox_agent_batches")
    discovered = _KNOWN.last("ultravox_account_discovered_agents")
    return Alert(
        "UltravoxNoBatches",
        "info",
        f"sum without (agent_id, state) ({batches}) == 0\n"
        # Where one agent is not known, nothing can be said of all.
        f"unless count without (agent_id) ({_KNOWN.stale()})\n"
        f"or {discovered} == 0",
        f"There is no batch in {_ACCOUNT}",
        f"For {duration(thresholds.no_batches_for)} no agent has had a batch, live or lately"
        " ended. If there should be some: are these the right account and agents?",
        held=thresholds.no_batches_for,
    )


def _exporter() -> tuple[Alert, ...]:
    intervals = _KNOWN.series("ultravox_agent_poll_interval_seconds")
    return (
        Alert(
            "UltravoxConfigReloadFailed",
            "warning",
            f"{_KNOWN.last(_SERVES, operator='min')} == 0",
            "The exporter's new configuration is not in force",
            "The last reload failed: the configuration before it goes on. The log says where the"
            " new one is wrong.",
            held=TROUBLE,
        ),
        Alert(
            "UltravoxExporterDown",
            "critical",
            # A restart is over before the agents' last samples are too old to be read.
            "up == 0\n"
            "and on (job, instance) (\n"
            f"  last_over_time({intervals}[1d])\n"
            "  unless ignoring (instance, pod)"
            f" {_KNOWN.last('ultravox_agent_poll_interval_seconds')}\n"
            ")",
            "The exporter {{ $labels.instance }} is down, and nobody else watches its agents",
            "Prometheus can't scrape it. No alert about these agents' batches is possible until it"
            " is back.",
        ),
        Alert(
            "UltravoxExporterAbsent",
            "critical",
            # Not for the whole 15 minutes: when Prometheus itself starts, nothing was scraped yet.
            f"absent_over_time({_KNOWN.series(_SERVES)}[10m])",
            "No exporter is scraped",
            "For 15 minutes Prometheus has not had one sample of any Ultravox batch exporter: it is"
            " not running, or not among the scrape targets.",
            held=TROUBLE,
        ),
    )
