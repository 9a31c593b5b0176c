"""A window of the declared length gives what the full history gives, to 1e-9."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from strategies import indicators
from strategies.indicators import Array
from strategies.indicators.warmup import REST, settling
from tests.strategies.indicators.catalogue import Entry, Size, each_indicator
from tests.strategies.indicators.series import REAL, Columns, real_columns

ENDS = 200


def movement(columns: Columns, period: int) -> Array:
    """How much the close moves from candle to candle, as an index over ``period`` candles remembers it."""
    changes = pd.Series(columns.close).diff().abs().fillna(0.0)
    return np.asarray(changes.ewm(alpha=1 / period, adjust=False).mean())


@each_indicator
@pytest.mark.parametrize("name", REAL[:-1])
def test_a_live_window_gives_the_values_of_the_full_history(candles_dir: Path, name: str, entry: Entry) -> None:
    """An index is a ratio of what moved. Where next to nothing moved in the whole window, what moved before it is still
    the larger part of that ratio; so it is promised to windows that begin at most a thousand times as lively as they
    end."""
    columns = real_columns(candles_dir, name)
    full = entry.compute(columns)
    moving = movement(columns, entry.memory) if entry.size is Size.INDEX else np.ones(len(columns))
    checked = 0
    for end in np.random.default_rng(6).integers(entry.warmup + 1, len(columns), ENDS).tolist():
        if moving[end - entry.warmup] > 1000 * moving[end - 1]:
            continue
        checked += 1
        window = entry.compute(columns.rows(end - entry.warmup, end))
        for whole, part in zip(full, window, strict=True):
            scale = {Size.OWN: 0.0, Size.INDEX: 1.0, Size.PRICE: columns.close[end - 1]}[entry.size]
            assert abs(part[-1] - whole[end - 1]) <= 1e-9 * max(scale, abs(whole[end - 1])) or (
                np.isnan(part[-1]) and np.isnan(whole[end - 1])
            ), end
    assert checked >= 0.85 * ENDS


@each_indicator
def test_the_warm_up_covers_the_rows_that_are_not_known(entry: Entry) -> None:
    assert entry.warmup > max(entry.first_known)


@pytest.mark.parametrize("period", [1, 2, 14, 50, 200])
def test_one_average_settles_by_its_closed_formula(period: int) -> None:
    """(1 − alpha)ⁿ⁺¹ is what is left of the first value after n candles and the one that took its weight."""
    rest = 1 - 1 / period
    candles = settling(1 / period)
    assert rest**candles < REST
    assert candles == 1 or rest ** (candles - 1) >= REST * (1 - 1e-12)


@pytest.mark.parametrize("period", [2, 14, 50])
def test_two_equal_averages_settle_by_their_closed_formula(period: int) -> None:
    """A double pole: after n candles (1 + n × alpha) × (1 − alpha)ⁿ of the first value is left."""
    rest, alpha = 1 - 1 / period, 1 / period
    candles = settling(alpha, alpha)
    assert (1 + candles * alpha) * rest**candles < REST
    assert (1 + (candles - 1) * alpha) * rest ** (candles - 1) >= REST * (1 - 1e-9)


@pytest.mark.parametrize("alphas", [(), (0.0,), (1.5,), (0.5, -0.1), (float("nan"),)])
def test_no_smoothing_settles_with_an_impossible_factor(alphas: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="Smoothing factors"):
        settling(*alphas)


def test_a_shorter_window_would_not_do(candles_dir: Path) -> None:
    """What the warm-up is for: the RSI that everybody shows after 15 candles is another one."""
    closes = real_columns(candles_dir, REAL[0]).close
    full = indicators.rsi(closes)
    differences = [abs(indicators.rsi(closes[end - 28 : end])[-1] - full[end - 1]) for end in range(1000, 1100)]
    assert max(differences) > 1.0


def test_the_documentation_names_the_numbers() -> None:
    page = (Path(__file__).parents[3] / "docs" / "strategies" / "indicators.md").read_text()
    rows = dict(re.findall(r"^\| (`[^|]+) \| ([\d,]+(?: / [\d,]+)*) \|$", page, re.MULTILINE))
    assert rows == {
        "`ema` 20 / 50 / 200": " / ".join(f"{indicators.ema_warmup(period):,}" for period in (20, 50, 200)),
        "`rsi` 14": str(indicators.rsi_warmup()),
        "`atr`, `atr_percent` 14": str(indicators.atr_warmup()),
        "`directional_movement` 14": str(indicators.directional_warmup()),
        "`macd` 12 26 9": str(indicators.macd_warmup()),
    }
