"""A folder for strategies of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from strategies import registry


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """The registry looks into it for the length of a test."""
    folder = tmp_path / "own"
    folder.mkdir()
    registry.use_folder(folder)
    yield folder
    registry.use_folder(None)
