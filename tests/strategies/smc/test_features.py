"""What the steps see: nothing from the future, the same from a window as from the whole history, and fast."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategies.candles import closed_by, closes_of, rows_of
from strategies.contract import CandleSeries
from strategies.feature_rows import feature_table
from strategies.smc.config import TIMEFRAMES, SmcConfig
from strategies.smc.features import columns, needs, warm_up
from strategies.smc.logic import SmcStrategy
from tests.properties import examples
from tests.strategies.smc.real import FILES, all_timeframes, last_candles

STRATEGY = SmcStrategy()
QUICK = SmcConfig.model_validate({"capital": 10_000, "swing_length": 5, "memory": 6, "direction": "neutral"})
USUAL = SmcConfig.model_validate({"capital": 10_000, "direction": "neutral"})
DAY_MS = 86_400_000


def recent(name: str, config: SmcConfig, days: int) -> dict[str, CandleSeries]:
    """The last ``days`` of base candles with all that is known of the longer timeframes by then."""
    candles = all_timeframes(name)
    start = int(closes_of(candles["15m"])[-1]) - days * DAY_MS
    first = int(candles["15m"].timestamp.searchsorted(start))
    return {**candles, "15m": rows_of(candles["15m"], first, len(candles["15m"].timestamp))}


def made_up(seed: int, days: int) -> dict[str, CandleSeries]:
    """A walk of 15m candles with holes and candles that do not move, and what longer candles it makes."""
    chance = np.random.default_rng(seed)
    count = days * 96
    close = 100.0 * np.exp(np.cumsum(chance.normal(0, 0.004, count) * (chance.uniform(size=count) > 0.1)))
    close = np.round(close, 1)
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.round(np.maximum(open_, close) + chance.exponential(0.2, count), 1)
    low = np.round(np.minimum(open_, close) - chance.exponential(0.2, count), 1)
    times = np.arange(count, dtype=np.int64) * 900_000
    volume = chance.uniform(0, 10, count)

    def longer(timeframe: str, size: int) -> CandleSeries:
        return CandleSeries(
            timeframe,
            times[::size].copy(),
            open_[::size].copy(),
            high.reshape(-1, size).max(axis=1),
            low.reshape(-1, size).min(axis=1),
            close[size - 1 :: size].copy(),
            volume.reshape(-1, size).sum(axis=1),
        )

    made = {timeframe: longer(timeframe, size) for timeframe, size in zip(TIMEFRAMES, (1, 4, 16, 96), strict=True)}
    kept = np.flatnonzero(chance.uniform(size=count) > 0.02)
    base = made["15m"]
    made["15m"] = CandleSeries(
        "15m", *(getattr(base, name)[kept] for name in ("timestamp", "open", "high", "low", "close", "volume"))
    )
    return made


@given(seed=st.integers(0, 2**32 - 1), cut=st.floats(0, 1))
@examples(60)
def test_cut_or_changed_candles_change_no_row_before(seed: int, cut: float) -> None:
    candles = made_up(seed, 8)
    full = columns(QUICK, candles)
    base = candles["15m"]
    rows = 1 + int(cut * (len(base.timestamp) - 1))
    now = int(closes_of(base)[rows - 1])
    known = {timeframe: closed_by(series, now) for timeframe, series in candles.items()}
    shaken = {timeframe: _turned_around(series, now) for timeframe, series in candles.items()}
    for other in (columns(QUICK, known), columns(QUICK, shaken)):
        for column, values in full.items():
            np.testing.assert_array_equal(values[:rows], other[column][:rows], err_msg=column)


def _turned_around(series: CandleSeries, now: int) -> CandleSeries:
    """What closes after ``now`` in the opposite order and at a tenth."""
    start = int(closes_of(series).searchsorted(now, side="right"))
    changed = [getattr(series, name).copy() for name in ("open", "high", "low", "close", "volume")]
    for column in changed:
        column[start:] = column[start:][::-1] / 10.0
    return CandleSeries(series.timeframe, series.timestamp, *changed)


@given(seed=st.integers(0, 2**32 - 1), place=st.floats(0, 1))
@examples(40)
def test_what_a_window_shows_of_the_structure_is_exact_to_the_last_bit(seed: int, place: float) -> None:
    candles = made_up(seed, 80)
    full = feature_table(STRATEGY, QUICK, candles)
    known = np.flatnonzero(full.known)
    row = int(known[int(place * (known.size - 1))])
    now = int(full.closes[row])
    window = {
        need.timeframe: last_candles(closed_by(candles[need.timeframe], now), need.count) for need in needs(QUICK)
    }
    live = columns(QUICK, window)
    for name, column in live.items():
        if name in ("atr", "volume_ratio"):  # means: their last bit depends on where the series begins
            np.testing.assert_allclose(column[-1], full.columns[name][row], rtol=1e-14, err_msg=name)
        else:
            np.testing.assert_array_equal(column[-1], full.columns[name][row], err_msg=name)


def test_the_swing_length_adapts_to_the_timeframe() -> None:
    assert [USUAL.length(timeframe) for timeframe in TIMEFRAMES] == [20, 20, 10, 4]
    assert [USUAL.candles_remembered(timeframe) for timeframe in TIMEFRAMES] == [300, 300, 150, 60]
    assert [QUICK.length(timeframe) for timeframe in TIMEFRAMES] == [5, 5, 2, 1]


def test_the_warm_up_reaches_back_over_the_open_day() -> None:
    assert warm_up(QUICK, "15m") >= 97
    assert [need.timeframe for need in STRATEGY.timeframes(USUAL)] == list(TIMEFRAMES)


def test_a_year_of_candles_takes_less_than_a_second() -> None:
    candles = recent(FILES[0], USUAL, 365)
    assert len(candles["15m"].timestamp) == 365 * 96
    columns(USUAL, candles)  # compiles
    began = perf_counter()
    columns(USUAL, candles)
    assert perf_counter() - began < 1.0
