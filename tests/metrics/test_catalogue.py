"""The catalogue of metrics: names, HELP texts, and the fields of the API that it exposes."""

import pytest

from exporter.metrics.catalogue import SECTIONS
from exporter.metrics.metric import Family
from tools.docs.metrics import FIELDS, IDENTITIES

FAMILIES = [family for _, families in SECTIONS for family in families]


def test_each_name_is_unique() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_and_help_texts_follow_the_conventions(family: Family) -> None:
    """The renderer relies on it: HELP texts need no escaping, names of counters end in `_total`."""
    assert family.name.startswith("ultravox_")
    assert (family.kind == "counter") is family.name.endswith("_total")
    assert not set(family.help) & set('\\\n"')
    assert family.help.endswith(".")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_help_text_is_one_sentence_that_names_the_unit(family: Family) -> None:
    assert ". " not in family.help
    assert ("econds" in family.help) is (family.unit == "seconds") or "per second" in family.help


def test_every_field_of_the_api_that_is_decoded_has_a_metric_or_is_a_label() -> None:
    assert FIELDS.keys() == {*IDENTITIES, *(name for family in FAMILIES for name in family.api)}
