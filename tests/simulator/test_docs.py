"""The simulator's page and its map name everything that there is."""

from pathlib import Path
from typing import get_args

from exporter import simulator
from exporter.simulator import faults
from exporter.simulator.effects import Effect

PAGE = Path(__file__).parents[2].joinpath("docs", "simulator.md").read_text()


def test_the_page_names_every_effect() -> None:
    assert [effect for effect in get_args(Effect) if f"`{effect.__name__}" not in PAGE] == []


def test_the_page_names_every_scenario() -> None:
    agents = simulator.demo_account().agents
    scenarios = {campaign.scenario for agent in agents for campaign in agent.campaigns}
    assert {scenario for scenario in scenarios if f"`{scenario}`" not in PAGE} == set()


def test_the_page_names_every_public_name() -> None:
    assert [name for name in simulator.__all__ if f"`{name}" not in PAGE] == []


def test_every_effect_comes_from_one_place() -> None:
    assert {effect.__name__ for effect in get_args(Effect)} < set(faults.__all__)


def test_the_map_names_every_module() -> None:
    modules = {path.stem for path in Path(simulator.__file__).parent.glob("*.py")} - {"__init__"}
    assert {module for module in modules if module not in str(simulator.__doc__)} == set()
