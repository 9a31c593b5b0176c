"""The checks catch what they are for, and let an honest strategy pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from strategies.checks import Violation, check_features, check_warm_up
from strategies.checks.violations import Check
from strategies.contract import CandleNeed, CandleSeries, StrategyConfig
from strategies.indicators import ema, ema_warmup
from strategies.indicators.timeframes import at_rows, closed_rows
from tests.strategies.checks.candles import HOUR_MS, four_hours, walk

HOURS = walk(1200)
CANDLES = {"1h": HOURS, "4h": four_hours(HOURS)}
CONFIG = StrategyConfig()

Columns = Mapping[str, np.ndarray]
Features = Callable[[Mapping[str, CandleSeries]], Columns]


@dataclass(frozen=True)
class Featured:
    """A strategy as far as features are concerned."""

    compute: Features
    hours: int = ema_warmup(20)
    four_hours: int = ema_warmup(10)

    def timeframes(self, config: StrategyConfig) -> tuple[CandleNeed, ...]:
        return CandleNeed("1h", self.hours), CandleNeed("4h", self.four_hours)

    def features(self, config: StrategyConfig, candles: Mapping[str, CandleSeries]) -> Columns:
        return self.compute(candles)


def honest(candles: Mapping[str, CandleSeries]) -> Columns:
    hours, longer = candles["1h"], candles["4h"]
    rows = closed_rows(hours.timestamp, HOUR_MS, longer.timestamp, 4 * HOUR_MS)
    return {"ema": ema(hours.close, 20), "trend": at_rows(ema(longer.close, 10), rows)}


def next_close(candles: Mapping[str, CandleSeries]) -> Columns:
    close = candles["1h"].close
    return {**honest(candles), "next": np.append(close[1:], close[-1:])}


def whole_mean(candles: Mapping[str, CandleSeries]) -> Columns:
    close = candles["1h"].close
    return {**honest(candles), "score": close - (close.mean() if close.size else 0)}


def centred(candles: Mapping[str, CandleSeries]) -> Columns:
    """Extremes confirmed by the two candles after them, written into the row of the extreme itself."""
    high = candles["1h"].high
    peaks = np.full(high.size, np.nan)
    for row in range(2, high.size - 2):
        if high[row] == high[row - 2 : row + 3].max():
            peaks[row] = high[row]
    return {**honest(candles), "peak": peaks}


def forming_candle(candles: Mapping[str, CandleSeries]) -> Columns:
    """The four hours that a candle lies in, instead of the four hours that had closed."""
    hours, longer = candles["1h"], candles["4h"]
    rows = longer.timestamp.searchsorted(hours.timestamp, side="right") - 1
    return {**honest(candles), "forming": at_rows(longer.close, rows)}


def found_in(violations: list[Violation]) -> set[tuple[str, str]]:
    return {(violation.check.value, violation.column) for violation in violations}


def test_an_honest_strategy_passes() -> None:
    assert check_features(Featured(honest), CONFIG, CANDLES, cuts=300, seed=5) == []
    assert check_warm_up(Featured(honest), CONFIG, CANDLES, cuts=300, seed=5) == []


@pytest.mark.parametrize(
    ("cheat", "column"),
    [(next_close, "next"), (whole_mean, "score"), (centred, "peak"), (forming_candle, "forming")],
)
def test_a_row_that_knew_later_candles_is_caught_both_ways(cheat: Features, column: str) -> None:
    violations = check_features(Featured(cheat), CONFIG, CANDLES, cuts=200, seed=1)
    assert found_in(violations) >= {("look-ahead", column), ("future changed", column)}
    assert {violation.column for violation in violations} == {column}


def test_a_violation_names_column_row_candle_and_both_values() -> None:
    violations = check_features(Featured(next_close), CONFIG, CANDLES, cuts=1199, seed=1)
    caught = next(each for each in violations if each.check is Check.LOOK_AHEAD)
    # Cut before row 1, row 0 no longer has a next close and shows its own.
    close = HOURS.close
    assert (caught.column, caught.row, caught.expected, caught.found) == ("next", 0, close[1], close[0])
    when = "row 0, candle of 2025-05-04 00:00 UTC"
    shown = f"look-ahead: next, {when}: {close[1]} became {close[0]} (candles from row 1 on taken away)"
    assert str(caught) == shown


def test_the_same_seed_finds_the_same() -> None:
    first, again = (check_features(Featured(centred), CONFIG, CANDLES, cuts=20, seed=9) for _ in range(2))
    assert [str(each) for each in first] == [str(each) for each in again]
    assert first


def test_a_warm_up_that_is_too_short_is_caught() -> None:
    # After 60 candles an EMA of 20 still carries (19/21)^59 = 0.3 % of where it began.
    violations = check_warm_up(Featured(honest, hours=60), CONFIG, CANDLES, cuts=50, seed=2)
    assert found_in(violations) == {("warm-up", "ema")}
    too_short = Featured(honest, four_hours=20)
    assert found_in(check_warm_up(too_short, CONFIG, CANDLES, cuts=50, seed=2)) == {("warm-up", "trend")}


def test_too_few_candles_to_check_are_no_pass() -> None:
    (violation,) = check_warm_up(Featured(honest, hours=1201), CONFIG, CANDLES)
    assert "1201 of 1h" in str(violation)
    assert "1200 of 1h" in str(violation)


def test_chance_is_caught() -> None:
    chance = np.random.default_rng()

    def noisy(candles: Mapping[str, CandleSeries]) -> Columns:
        return {"noise": chance.normal(size=candles["1h"].close.size)}

    assert ("repeat", "noise") in found_in(check_features(Featured(noisy), CONFIG, CANDLES, cuts=3))


def test_features_that_write_into_the_candles_are_caught() -> None:
    def writing(candles: Mapping[str, CandleSeries]) -> Columns:
        close = candles["1h"].close
        close[:1] = 1.0
        return {"close": close}

    hours = walk(100)
    violations = check_features(Featured(writing), CONFIG, {"1h": hours, "4h": four_hours(hours)}, cuts=3)
    assert ("input", "1h close") in {(each.check.value, each.column) for each in violations}


def test_a_column_of_another_length_is_caught() -> None:
    def short(candles: Mapping[str, CandleSeries]) -> Columns:
        return {"change": np.diff(candles["1h"].close)}

    (violation,) = check_features(Featured(short), CONFIG, CANDLES)
    assert violation.check is Check.COLUMNS
    assert "(1199,)" in str(violation)


def test_a_strategy_that_fails_on_a_young_market_is_caught() -> None:
    def careless(candles: Mapping[str, CandleSeries]) -> Columns:
        close = candles["1h"].close
        return {"change": close - close[0]}

    violations = check_features(Featured(careless), CONFIG, CANDLES, cuts=3)
    assert ["IndexError" in str(each) for each in violations] == [True]


def test_noise_of_the_last_bit_is_no_look_ahead() -> None:
    def rounded(candles: Mapping[str, CandleSeries]) -> Columns:
        close = candles["1h"].close
        return {"close": close * (1 + 1e-16 * close.size % 1e-15)}

    assert check_features(Featured(rounded), CONFIG, CANDLES, cuts=50) == []
