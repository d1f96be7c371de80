"""Each kind of condition is removed, one per mutant."""

import pytest

from tools.rule_mutants.mutants import LOOSER, bundled, mutants

RULE = {
    "alert": "A",
    "for": "5m",
    "expr": "max without (instance, pod, node, host) (last_over_time(a[5m])) > 0\n"
    "unless b == 1\n"
    "or c offset 1m\n"
    "and d",
}


def test_each_condition_is_removed_alone() -> None:
    found = {mutant.change: mutant.rule for mutant in mutants([RULE])}
    assert list(found) == [
        "no for",
        "line 2: without: unless b == 1",
        "line 3: without: or c offset 1m",
        "lines 1 to 2: without the alternative",
        "line 4: without: and d",
        "line 1: no bound: > 0 -> >= -1e18",
        "line 2: any value: == 1 -> >= 0",
        "line 1: no look-back: last_over_time(a[5m]) -> a",
        "line 1: by target: (instance, pod, node,  -> (",
    ]


@pytest.mark.parametrize(
    ("expression", "without"),
    [
        ("a\nor b", {"a", "b"}),
        ("a\nand b\nor c\nunless d\nor e", {"c\nunless d\nor e", "a\nand b\nor e"}),
        ("max (\n  a\n  or b\n)", {"max (\n  a\n)", "max (\n  b\n)"}),
        ("max (\n  a\n)\nor b", {"max (\n  a\n)", "b"}),
        ("a\nand (\n  b\n  unless c\n)", {"a", "a\nand (\n  b\n)"}),
    ],
)
def test_an_alternative_or_a_condition_may_have_many_lines(
    expression: str, without: set[str]
) -> None:
    found = {mutant.rule["expr"] for mutant in mutants([{"record": "r", "expr": expression}])}
    assert without <= found


@pytest.mark.parametrize("meaning", [meaning for *_, meaning in LOOSER])
def test_each_kind_of_loosening_applies_to_the_bundled_rules(meaning: str) -> None:
    """A pattern that matches nothing would test nothing."""
    assert any(f": {meaning}: " in mutant.change for mutant in mutants(bundled()))


def test_the_bundled_rules_have_more_conditions_than_rules() -> None:
    assert len(list(mutants(bundled()))) > len(bundled())
