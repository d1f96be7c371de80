"""Random HTTP responses: the client raises an ApiError or returns records, and then goes on."""

import pytest

from tests.fake_api.fuzz import fuzz
from tests.fake_api.responses import BATCH, Responses

SEEDS = (1, 2, 3, 4)
COUNT = 400


def test_a_seed_decides_all_responses() -> None:
    first, second, other = Responses(7), Responses(7), Responses(8)
    made = [[each.next(BATCH, page=True) for _ in range(50)] for each in (first, second, other)]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_response_raises_anything_but_an_api_error(seed: int) -> None:
    """After each, the next good response is taken. Some responses are taken, some refused."""
    ends = await fuzz(seed, COUNT)
    assert ends.total() == COUNT
    assert {"taken", "payload"} <= {*ends}
