"""A market that only rises, and the strategy of ``hill.py`` in a folder of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backtests.preset import Preset, preset_of
from backtests.synthetic import Layout, trend
from exchange.candles.files import Candles
from strategies import registry

HILL = {
    "symbol": "BTC/USDT",
    "market": "spot",
    "timeframe": "1h",
    "strategy": "hill",
    "initial_balance": 1000,
    "fees": {"maker": 0, "taker": 0},
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Of strategies of one's own: the hill."""
    made = tmp_path / "strategies"
    made.mkdir()
    shutil.copy(Path(__file__).with_name("hill.py"), made)
    before = [each.path for each in registry._folders]
    registry.use_folder(made)
    yield made
    registry.use_folder(before[0] if before else None)


@pytest.fixture
def preset(folder: Path) -> Preset:
    return preset_of(HILL)


@pytest.fixture
def rising() -> Candles:
    return trend(Layout(72, timeframe=3_600_000), 0, drift=0.001)
