"""The example of the recipe, as a file of one's own."""

from __future__ import annotations

import re
from pathlib import Path

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "recipes" / "adding-a-strategy.md"


def write_example(folder: Path) -> Path:
    """The recipe's only block of Python, letter by letter."""
    (example,) = re.findall(r"```python\n(.*?)```", RECIPE.read_text(), re.DOTALL)
    path = folder / "ema_cross.py"
    path.write_text(example)
    return path
