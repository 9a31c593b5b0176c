from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from strategies.contract import CandleNeed, StartsFromCandles
from strategies.grid.atr import average_true_range
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy


class Bar(NamedTuple):
    high: Decimal
    low: Decimal
    close: Decimal


def bars(text: str) -> list[Bar]:
    return [Bar(*map(Decimal, line.split("/"))) for line in text.split()]


def test_it_is_the_reference_sheet_of_stockcharts(fixtures_dir: Path) -> None:
    with (fixtures_dir / "ta_stockcharts_vectors" / "cs-atr.csv").open() as file:
        rows = list(csv.DictReader(file))
    candles = [Bar(Decimal(row["High"]), Decimal(row["Low"]), Decimal(row["Close"])) for row in rows]
    for last in range(14, len(rows) + 1):
        expected = Decimal(rows[last - 1]["ATR"])
        assert abs(average_true_range(candles[:last], 14) - expected) < Decimal("1e-9")


def test_a_gap_counts_into_the_range() -> None:
    # Ranges 2; max(15, 11) - min(14, 11) = 4; mean 3; then max(16, 14) - 13 = 3, smoothed (3 × 1 + 3) / 2 = 3.
    assert average_true_range(bars("12/10/11 15/14/14 16/13/15"), 2) == 3


def test_too_few_candles_are_refused() -> None:
    with pytest.raises(ValueError, match="over 14 candles needs at least as many; there are 1"):
        average_true_range(bars("12/10/11"), 14)


def test_a_grid_says_which_candles_it_needs_and_resolves_its_range_from_them() -> None:
    strategy = GridStrategy()
    assert isinstance(strategy, StartsFromCandles)
    chosen = {"range_atr_multiple": 2, "atr_period": 2, "atr_timeframe": "4h", "grids": 4, "investment": 100}
    config = GridConfig.model_validate(chosen)
    assert strategy.candles_needed(config) == CandleNeed("4h", 21)
    found = strategy.resolve(config, Decimal(15), bars("12/10/11 15/14/14 16/13/15"))
    assert (found.lower, found.upper) == (Decimal(9), Decimal(21))
    assert strategy.candles_needed(found) is None
