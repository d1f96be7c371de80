"""The alerts about the API: one for each cause for which polls or account probes fail.

An agent has to fail all the time by itself. Among many agents one is often failing, and that is no
failure of the API.
"""

from typing import NamedTuple

from exporter.durations import render as duration
from exporter.rules.alert import ACCOUNT, COUNT, Alert, Severity
from exporter.rules.sources import last_value, over, select, value_ago

DOWN_FOR = 300.0
"""Seconds for which polls or account probes must fail: retries cover shorter failures."""

WITHIN = "15m"
"""How old the failures may be that explain why an agent is down. Failed polls are repeated within 5
minutes, so there are at least two."""

MORE_THAN_ONE = 1.5
"""Number that an increase exceeds if it is two: Prometheus extrapolates it."""

SHARE = 0.35
"""Share of the failures from which on their cause is one: an outage often begins with others."""

DOWN_AGENTS = "agent:ultravox_up:down"
"""Agents that were down all the time."""

DOWN_ACCOUNTS = "account:ultravox_up:down"
"""Accounts whose probes failed all the time."""

FAILED_POLLS = "agent:ultravox_poll_failures:increase"
"""How many polls of each agent failed, by `reason`."""

FAILED_PROBES = "account:ultravox_probe_failures:increase"
"""How many requests of account probes failed, by `code`."""

_ACCEPTED = f"{last_value(select, 'ultravox_account_up')} == 1"
"""The accounts whose API key works."""


class _Cause(NamedTuple):
    """Why requests fail. `failed` is the condition of the agents whose polls fail for this cause.

    `unless` is a line with a condition of their accounts, `codes` the matcher of the account
    probe's `code`.
    """

    alert: str
    severity: Severity
    failed: str
    codes: str
    summary: str
    description: str
    unless: str = ""


def api_alerts() -> tuple[Alert, ...]:
    """Return the alerts."""
    return tuple(map(_alert, (_key_rejected(), _unreachable(), _errors(), _rate_limited())))


def _key_rejected() -> _Cause:
    return _Cause(
        "UltravoxAPIKeyRejected",
        "critical",
        _failed("auth"),
        '=~"401|403"',
        f"Ultravox rejects the API key of {ACCOUNT}",
        "The API answers 401 or 403. Put a valid key into the account's key file: the exporter"
        " reads it again by itself. A key in an environment variable needs a restart.",
        f"unless {_ACCEPTED}\n",
    )


def _unreachable() -> _Cause:
    return _Cause(
        "UltravoxAPIUnreachable",
        "warning",
        _failed("unreachable|timeout"),
        '="error"',
        f"The Ultravox API is unreachable for {ACCOUNT}",
        "Requests get no connection, or no complete answer in time. Check the network between"
        " the exporter and the API, and whether Ultravox reports an outage.",
    )


def _errors() -> _Cause:
    return _Cause(
        "UltravoxAPIErrors",
        "warning",
        f"(\n"
        f"    {_failed('status|payload|not_found')}\n"
        f"    or {_failed('auth')}\n"
        f"    and ignoring (agent_id) {_ACCEPTED}\n"
        f"  )",
        '!~"200|401|403|429|error"',
        f"The Ultravox API answers {ACCOUNT} with errors",
        "The API answers with an error status, or with a body that is not as documented, or it"
        " refuses agents (401 or 403) although it accepts the API key. Read the reason in the"
        " exporter's log.",
    )


def _rate_limited() -> _Cause:
    return _Cause(
        "UltravoxAPIRateLimited",
        "warning",
        _failed("rate_limited"),
        '="429"',
        f"Ultravox limits the request rate of {ACCOUNT}",
        "The API answers 429. Another program may use the same key, or requests_per_second is"
        " too high: compare the exporter's request rate with the account's limit.",
    )


def _alert(cause: _Cause) -> Alert:
    probes = f"sum without (code) ({FAILED_PROBES}{{code{cause.codes}}})"
    all_probes = f"sum without (code) ({FAILED_PROBES})"
    return Alert(
        cause.alert,
        cause.severity,
        f"count without (agent_id) (\n"
        f"  {DOWN_AGENTS}\n"
        f"  and {cause.failed}\n"
        f")\n"
        f"{cause.unless}"
        f"or {DOWN_ACCOUNTS}\n"
        f"and {probes} > {SHARE:g} * {all_probes}",
        cause.summary,
        f"{cause.description} {{{{ if $value }}}}Agents whose polls fail for this reason: {COUNT}."
        " Their data become stale, and then the series of their batches are withdrawn.{{ else }}No"
        " agent's polls fail for this reason, but the account probe does.{{ end }}",
    )


def _failed(reasons: str) -> str:
    """Return the condition that an agent's polls failed for these reasons, and not only once."""
    polls = f'sum without (reason) ({FAILED_POLLS}{{reason=~"{reasons}"}})'
    all_polls = f"sum without (reason) ({FAILED_POLLS})"
    return f"{polls} > clamp_min({SHARE:g} * {all_polls}, {MORE_THAN_ONE:g})"


def recordings() -> tuple[tuple[str, str], ...]:
    """Return the names that the alerts read, and their expressions."""
    polls = select("ultravox_agent_poll_failures_total")
    probes = select("ultravox_exporter_api_requests_total", 'resource="account"', 'code!="200"')
    return (
        (DOWN_AGENTS, _down("ultravox_agent_up")),
        (DOWN_ACCOUNTS, _down("ultravox_account_up")),
        (FAILED_POLLS, over(f"increase({polls}[{WITHIN}])", "sum")),
        (FAILED_PROBES, over(f"increase({probes}[{WITHIN}])", "sum", "resource")),
    )


def _down(metric: str) -> str:
    highest = over(f"max_over_time({select(metric)}[{duration(DOWN_FOR)}])")
    return f"{highest} == 0\nand {value_ago(select, metric, DOWN_FOR)}"
