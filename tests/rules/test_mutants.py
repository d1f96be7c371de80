"""Every kind of guard is taken away, once each."""

from tests.rules.mutants import bundled, mutants

RULE = {
    "alert": "A",
    "for": "5m",
    "expr": "max without (instance, pod, node, host) (last_over_time(a[5m])) > 0\n"
    "unless b == 1\n"
    "or c offset 1m\n"
    "and d",
}


def test_each_guard_is_taken_away_alone() -> None:
    found = {mutant.how: mutant.rule for mutant in mutants([RULE])}
    assert list(found) == [
        "no for",
        "line 2: without: unless b == 1",
        "line 3: without: or c offset 1m",
        "line 4: without: and d",
        "line 1: no bound: > 0 -> >= -1e18",
        "line 2: any value: == 1 -> >= 0",
        "line 1: no look-back: last_over_time(a[5m]) -> a",
        "line 1: by who serves it: (instance, pod, node,  -> (",
    ]


def test_an_alternative_may_be_the_first() -> None:
    rule = {"record": "r", "expr": "a\nor b"}
    assert [mutant.rule["expr"] for mutant in mutants([rule])] == ["b", "a"]


def test_the_bundled_rules_have_guards() -> None:
    assert len(list(mutants(bundled()))) > len(bundled())
