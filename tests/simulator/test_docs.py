"""The simulator's page and the docstring of the fake API name everything that they describe."""

from pathlib import Path
from typing import get_args

from exporter import simulator
from tests import fake_api
from tests.fake_api.faults import Effect

PAGE = Path(__file__).parents[2].joinpath("docs", "simulator.md").read_text()


def test_the_docstring_of_the_fake_api_names_every_effect() -> None:
    named = str(fake_api.__doc__)
    effects = [effect.__name__ for effect in get_args(Effect)]
    assert [effect for effect in effects if f"\n    {effect}(" not in named] == []


def test_the_page_names_every_scenario() -> None:
    agents = simulator.demo_account().agents
    scenarios = {campaign.scenario for agent in agents for campaign in agent.campaigns}
    assert {scenario for scenario in scenarios if f"`{scenario}`" not in PAGE} == set()


def test_the_page_names_every_public_name() -> None:
    assert [name for name in simulator.__all__ if f"`{name}" not in PAGE] == []
