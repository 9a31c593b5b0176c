from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for one home. Not below pytest's own, which every new session closes to the user PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="traderagent-test-"))
    yield folder
    shutil.rmtree(folder)
    folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)
