"""The configuration: one bad file per rule with its exact message, good files, and properties."""

from pathlib import Path
from typing import Final

BAD: Final = Path(__file__).parent / "bad"
"""`RULE.yaml` breaks the rule; `RULE.txt` is the complete error message."""

GOOD: Final = Path(__file__).parent / "good"

ROOT: Final = Path(__file__).parents[2]
"""The folder of the project."""
