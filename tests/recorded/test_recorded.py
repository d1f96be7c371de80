"""A page of `/metrics` is the one recorded before the packages were arranged anew."""

from pathlib import Path

import pytest

from tests.recorded import world


@pytest.mark.parametrize("file", world.ACCEPT)
async def test_the_page_of_a_fixed_world_is_the_one_recorded(file: str) -> None:
    recorded = (Path(__file__).parent / file).read_text("utf-8")
    assert (await world.pages())[file] == recorded
