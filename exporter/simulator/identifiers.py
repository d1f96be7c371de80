"""Random numbers that are the same for the same seed, and identifiers made of them."""

import random
import uuid


def dice(seed: int | str) -> random.Random:
    """Return a generator that depends on `seed` alone."""
    return random.Random(seed)  # noqa: S311 - reproducible by design, nothing secret comes of it


def new_id(rng: random.Random) -> str:
    """Return the next UUID (documented: `format: uuid`) of this generator."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
