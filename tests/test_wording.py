"""No text that ships has a banned phrase. `python -m tests.wording PATH` prints the findings alone.

The words to write are in docs/glossary.md, the banned ones in tests/wording/phrases.py.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from exporter.cli.main import COMMANDS, parse
from exporter.metrics.catalogue import SECTIONS
from tests.wording.phrases import EVERYWHERE, NAME, PHRASES, Phrase, beginnings
from tests.wording.search import Finding, in_file, in_source, in_texts
from tests.wording.texts import Text, dashboard, files, help_texts, name_of, python


def assert_none(findings: Iterable[Finding]) -> None:
    """Fail with one line for each finding: file, line, phrase, and what to write instead."""
    lines = [str(finding) for finding in findings]
    assert not lines, "\n" + "\n".join(lines)


@pytest.mark.parametrize("path", [*files()], ids=name_of)
def test_no_file_has_a_banned_phrase(path: Path) -> None:
    """Documents, rules, dashboard, docstrings, comments, messages, names, log events."""
    assert_none(in_file(path))


def test_no_help_text_of_a_metric_has_a_banned_phrase() -> None:
    """HELP texts as they are served, whatever they are put together from."""
    families = [(family.name, family.help) for _, section in SECTIONS for family in section]
    assert families
    assert_none(in_texts(help_texts(families)))


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_no_help_text_of_a_flag_has_a_banned_phrase(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `--help` prints, of each subcommand and without one."""
    with pytest.raises(SystemExit):
        parse([*command.split(), "--help"])
    printed = capsys.readouterr().out
    assert "usage: " in printed
    assert_none(in_texts([Text(f"--help {command}", 0, "help", printed)]))


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.catches[0])
def test_a_phrase_is_found_wherever_it_is_used_wrongly(phrase: Phrase) -> None:
    """Each example is found, across a line break too; each exception names its reason."""
    assert phrase.write
    for example in phrase.catches:
        assert [*phrase.findings(f"before {example} after")], example
        assert [*phrase.findings(example.replace(" ", "\n"))], example
    for _, reason in phrase.allows:
        assert reason


@pytest.mark.parametrize(
    "text",
    [
        "turn it on, turned off, turn into, in turn, and return",
        "align left, left_on, group_left (agent), the left side, was left out",
        "the event loop and a pagination loop; a for loop",
        "the next page of the API, the status page",
        "the API as well; a well-known name",
        "the row of a table in docs/dashboard.md",
        "a hold by Retry-After; the file holds the key; the poll holds a slot",
        "`batches.outcomes` and `outcomes_interval`",
        "a fresh clone; agent:ultravox_data_timestamp_seconds:fresh",
        "it stands for a status; stand-alone",
        "UltravoxBatchClosedWithCallsLeft and --pace-over",
        "still, fill, skill; tellurium; understands; outlies",
    ],
)
def test_plain_uses_of_the_same_letters_are_no_findings(text: str) -> None:
    kinds = EVERYWHERE - {NAME}
    assert_none(in_texts(Text("docs/page.md", 1, kind, text) for kind in kinds))


MODULE = '''\
"""First line.

A batch that is told
twice.
"""

# Whoever
# reads so
# long a comment, align left.
LIMIT = 3  # the pace
"""Left alone, no; calls left, yes."""


class Fleet:
    """A thing."""

    @property
    def late(self) -> bool:
        """Whether it is late."""
        return True


def turn_left(wire: str) -> bool:
    """Whether it is left."""
    judged = f"is {wire} ill"
    log.info("agent_down", agent="told")
    log.info("key file")
    bound.warning("key_told")
    say = log.info if wire else log.debug
    say("AgentDown")
    _log.info("listening")
    raise ValueError("mend the " "file")


def lower() -> None:
    """lower case."""
'''


def test_every_kind_of_text_of_a_module_is_searched() -> None:
    """Module names, docstrings, comments, names, strings, log events: each with its line."""
    found = in_source("exporter/survey.py", MODULE)
    assert [(each.line, each.phrase) for each in found] == [
        (1, "survey"),
        (3, "told"),
        (7, "Whoever"),
        (8, "so long"),
        (10, "pace"),
        (11, "calls left"),
        (14, "fleet"),
        (23, "Whether it is left."),
        (23, "turn"),
        (23, "wire"),
        (25, "ill"),
        (25, "judged"),
        (27, "key file"),
        (28, "told"),
        (30, "AgentDown"),
        (32, "mend"),
        (35, "lower case."),
    ]


def test_strings_of_tests_are_data() -> None:
    """A test may send an odd text; its names, docstrings and comments are searched."""
    source = '"""Fine."""\n\n\ndef test_told() -> None:\n    """Fine."""\n    send("is told")\n'
    assert [each.line for each in in_source("tests/test_any.py", source)] == [4]


def test_of_a_dashboard_what_a_reader_sees_is_searched() -> None:
    """Titles and descriptions, not queries."""
    source = (
        '{\n"panels": [{"title": "Pace",\n"description": "the pace of it", "expr": "pace + pace"}]}'
    )
    found = [*in_texts(dashboard("grafana/any.json", source))]
    assert [(each.line, each.phrase) for each in found] == [(2, "Pace"), (3, "pace")]


def test_a_finding_says_where_what_and_what_to_write() -> None:
    (finding,) = in_texts([Text("docs/page.md", 5, "docs", "first\nit is well-formed\nand mended")])
    assert str(finding) == "docs/page.md:7: 'mended': write fix"


def test_a_docstring_of_the_exporter_says_what_a_function_returns_or_does() -> None:
    """A property is a thing, and a test states a law: they may begin with more words."""
    assert "Whether" in beginnings("exporter/model.py", attribute=False)
    assert "Whether" not in beginnings("exporter/model.py", attribute=True)
    assert "Whether" not in beginnings("tests/test_model.py", attribute=False)
    assert "And" in beginnings("tests/test_model.py", attribute=False)
    assert [*python("exporter/any.py", "")] == [Text("exporter/any.py", 1, "name", "any")]
