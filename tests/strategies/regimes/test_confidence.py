"""Confidence, worked out by hand: 0.5 × strength + 0.3 × margin + 0.2 × volume, each from 0 to 1."""

from __future__ import annotations

import pytest
from hypothesis import given

from strategies.regimes.classification import RegimeInputs, RegimeState, step
from strategies.regimes.regime import Regime
from tests.strategies.regimes.drawn import CONFIG, candle, inputs, regimes


@pytest.mark.parametrize(
    ("regime", "told_from", "strength", "margin", "volume"),
    [
        # Range: (22 − ADX) / 8; how far the ATR is from 1 %; quiet volume for a tight one, volume for a wide one.
        (Regime.TIGHT_RANGE, candle(14.0, 0.25, volume=1.0), 1.0, 0.75, 1.0),
        (Regime.TIGHT_RANGE, candle(10.0, 0.0, volume=0.2), 1.0, 1.0, 1.0),
        (Regime.TIGHT_RANGE, candle(20.0, 0.5, volume=1.6), 0.25, 0.5, 0.4),
        (Regime.TIGHT_RANGE, candle(18.0, 0.9, volume=3.0), 0.5, 0.1, 0.0),
        (Regime.WIDE_RANGE, candle(18.0, 1.5, volume=0.5), 0.5, 0.5, 0.5),
        (Regime.WIDE_RANGE, candle(12.0, 4.0, volume=2.0), 1.0, 1.0, 1.0),
        # Transition: the nearer one of 18 and 32, over 7; how far the ATR is from 2 %.
        (Regime.QUIET_TRANSITION, candle(25.0, 1.0, volume=1.0), 1.0, 0.5, 1.0),
        (Regime.QUIET_TRANSITION, candle(32.0, 2.0, volume=2.0), 0.0, 0.0, 0.0),
        (Regime.VOLATILE_TRANSITION, candle(21.5, 3.0, volume=0.25), 0.5, 0.5, 0.25),
        # Trend: (ADX − 32) / 10; the distance of the averages, 1 %, in ATRs.
        (Regime.BULL_TREND, candle(37.0, 2.0, ">", volume=0.5), 0.5, 0.5, 0.5),
        (Regime.BULL_TREND, candle(50.0, 0.5, ">", volume=9.0), 1.0, 1.0, 1.0),
        (Regime.BULL_TREND, candle(50.0, 0.0, ">", volume=1.0), 1.0, 1.0, 1.0),
        (Regime.BULL_TREND, candle(50.0, 0.0, "=", volume=1.0), 1.0, 0.0, 1.0),
        (Regime.BEAR_TREND, candle(33.0, 4.0, "<", volume=1.0), 0.1, 0.25, 1.0),
        # What holds until another regime is confirmed may not fit at all.
        (Regime.BEAR_TREND, candle(31.0, 1.0, ">", volume=0.0), 0.0, 0.0, 0.0),
        (Regime.TIGHT_RANGE, candle(30.0, 5.0, volume=2.0), 0.0, 0.0, 0.0),
    ],
)
def test_by_hand(regime: Regime, told_from: RegimeInputs, strength: float, margin: float, volume: float) -> None:
    _, verdict = step(CONFIG, RegimeState(regime), told_from)
    assert verdict is not None
    assert verdict.regime is regime
    assert verdict.confidence == pytest.approx(0.5 * strength + 0.3 * margin + 0.2 * volume)


@given(told_from=inputs, regime=regimes)
def test_it_lies_between_0_and_1(told_from: RegimeInputs, regime: Regime) -> None:
    _, verdict = step(CONFIG, RegimeState(regime), told_from)
    assert verdict is not None
    assert 0.0 <= verdict.confidence <= 1.0
