"""The exposition of a fixed world equals the recorded one, but for the differences listed here.

Each difference is a change of the recorded lines. The recorded lines with all changes applied must
be the lines that the exporter serves now. A difference that changes no line fails the test, so that
the list has nothing that does not occur.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recorded import world

Lines = list[str]

CLOCK_OFFSET = "ultravox_account_clock_offset_seconds"

ENDED = re.compile(r"^ultravox_batch_ended_timestamp_seconds\{(.*)\} ", re.MULTILINE)


def without_reload_metrics(lines: Lines) -> Lines:
    """Remove the metrics of reloading the configuration, which is not possible yet."""
    names = "ultravox_exporter_config_last_reload_(?:successful|success_timestamp_seconds)"
    return [line for line in lines if not re.match(rf"(?:# \w+ )?{names}\b", line)]


def resource_instead_of_endpoint(lines: Lines) -> Lines:
    """Rename the label `endpoint` to `resource`; prometheus_client sorts labels by name."""
    return [
        _sorted_labels(line.replace('endpoint="', 'resource="'))
        if line.startswith("ultravox_exporter_api_request")
        else line
        for line in lines
    ]


def _sorted_labels(line: str) -> str:
    name, rest = line.split("{")
    labels, value = rest.split("}")
    return f"{name}{{{','.join(sorted(labels.split(',')))}}}{value}"


def without_help_texts(lines: Lines) -> Lines:
    """Remove the HELP texts, which are reworded. Which families have one is compared."""
    return [re.sub(r"^(# HELP \w+) .*", r"\1", line) for line in lines]


def without_other_states_of_ended_batches(lines: Lines) -> Lines:
    """Remove the states other than `ended` of ended batches."""
    dropped = re.compile(rf'ultravox_batch_state\{{(?:{_ended(lines)}),state="(?!ended")')
    return [line for line in lines if not dropped.match(line)]


def without_paused_of_ended_batches(lines: Lines) -> Lines:
    """Remove `ultravox_batch_paused` of ended batches."""
    dropped = re.compile(rf"ultravox_batch_paused\{{(?:{_ended(lines)})\}}")
    return [line for line in lines if not dropped.match(line)]


def _ended(lines: Lines) -> str:
    """Return a pattern of the identity labels of all ended batches."""
    return "|".join(map(re.escape, ENDED.findall("\n".join(lines))))


def with_unreadable_batches(lines: Lines) -> Lines:
    """Add the number of records that can't be read, 0, of each agent that was polled."""
    name = "ultravox_agent_batches_unreadable"
    family = [f"# HELP {name}", f"# TYPE {name} gauge"]
    agents = re.findall(
        r'^ultravox_agent_batches_hidden(\{.*),reason="max_per_agent"\}',
        "\n".join(lines),
        re.MULTILINE,
    )
    return [*lines, *family, *(f"{name}{agent}}} 0" for agent in agents)]


def with_dropped_log_lines(lines: Lines) -> Lines:
    """Add the number of dropped log lines, 0. In OpenMetrics, a family has no `_total`."""
    name = "ultravox_exporter_log_lines_dropped"
    family = name if "# EOF" in lines else f"{name}_total"
    return [*lines, f"# HELP {family}", f"# TYPE {family} counter", f"{name}_total 0.0"]


def with_subscription_expiration(lines: Lines) -> Lines:
    """Add the family of the time at which the subscription expires. The account has no sample."""
    name = "ultravox_account_subscription_expiration_timestamp_seconds"
    unit = [f"# UNIT {name} seconds"] if "# EOF" in lines else []
    return [*lines, f"# HELP {name}", f"# TYPE {name} gauge", *unit]


def with_clock_offset(lines: Lines) -> Lines:
    """Add how far the clock is off, for each account."""
    accounts = re.findall(r"^ultravox_account_up(\{.*\}) 1$", "\n".join(lines), re.MULTILINE)
    family = [f"# HELP {CLOCK_OFFSET}", f"# TYPE {CLOCK_OFFSET} gauge"]
    if "# EOF" in lines:
        family.append(f"# UNIT {CLOCK_OFFSET} seconds")
    return [*lines, *family, *(f"{CLOCK_OFFSET}{account} *" for account in accounts)]


def without_clock_offset_value(lines: Lines) -> Lines:
    """Replace the value: the world has a time of its own, and its server the real one."""
    return [re.sub(rf"^({CLOCK_OFFSET}{{.*}}) -?[0-9.e+]+$", r"\1 *", line) for line in lines]


DIFFERENCES: tuple[Callable[[Lines], Lines], ...] = (
    without_reload_metrics,
    resource_instead_of_endpoint,
    without_help_texts,
    without_other_states_of_ended_batches,
    without_paused_of_ended_batches,
    with_unreadable_batches,
    with_dropped_log_lines,
    with_subscription_expiration,
    with_clock_offset,
)


def help_texts(lines: Lines) -> Lines:
    """Return the HELP lines."""
    return [line for line in lines if line.startswith("# HELP ")]


@pytest.mark.parametrize("file", world.ACCEPT)
async def test_the_exposition_differs_from_the_recorded_one_only_as_listed(file: str) -> None:
    served = (await world.pages())[file].splitlines()
    expected = (Path(__file__).parent / file).read_text("utf-8").splitlines()
    assert help_texts(served) != help_texts(expected), "no HELP text is reworded"
    for difference in DIFFERENCES:
        changed = difference(expected)
        assert changed != expected, f"{difference.__name__} does not occur"
        expected = changed
    served = without_clock_offset_value(without_help_texts(served))
    assert sorted(served) == sorted(expected)
