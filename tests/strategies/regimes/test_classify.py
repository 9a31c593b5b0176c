"""Which regime a candle names: every edge by hand, and no input without an answer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.regimes.classification import RegimeInputs, classify
from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import Regime
from tests.strategies.regimes.drawn import CONFIG, candle, inputs, regimes

TIGHT, WIDE = Regime.TIGHT_RANGE, Regime.WIDE_RANGE
QUIET, VOLATILE = Regime.QUIET_TRANSITION, Regime.VOLATILE_TRANSITION
BULL, BEAR = Regime.BULL_TREND, Regime.BEAR_TREND
RANGES, TRANSITIONS, TRENDS = (TIGHT, WIDE), (QUIET, VOLATILE), (BULL, BEAR)
EVERY = (None, *Regime)


@pytest.mark.parametrize(
    ("adx", "atr", "averages", "regime"),
    [
        (0.0, 0.0, "=", TIGHT),
        (10.0, 0.99, ">", TIGHT),
        (10.0, 1.0, ">", WIDE),
        (17.99, 0.5, "<", TIGHT),
        (17.99, 5.0, "<", WIDE),
        (22.0, 0.0, ">", QUIET),
        (22.0, 1.99, "<", QUIET),
        (22.0, 2.0, "<", VOLATILE),
        (27.0, 1.5, ">", QUIET),
        (32.0, 1.99, ">", QUIET),
        (32.0, 2.0, "<", VOLATILE),
        (32.01, 0.1, ">", BULL),
        (32.01, 9.0, "<", BEAR),
        (100.0, 9.0, ">", BULL),
    ],
)
@pytest.mark.parametrize("previous", EVERY)
def test_outside_the_hysteresis_band_the_regime_before_does_not_matter(
    adx: float, atr: float, averages: str, regime: Regime, previous: Regime | None
) -> None:
    assert classify(CONFIG, candle(adx, atr, averages), previous) is regime


@pytest.mark.parametrize("adx", [18.0, 19.99, 20.0, 21.99])
@pytest.mark.parametrize("averages", ["<", "=", ">"])
@pytest.mark.parametrize(
    ("previous", "calm", "lively"),
    [
        *((each, TIGHT, WIDE) for each in RANGES),
        *((each, QUIET, VOLATILE) for each in TRANSITIONS),
        *((each, QUIET, VOLATILE) for each in TRENDS),
    ],
)
def test_in_the_hysteresis_band_a_range_stays_one_and_all_else_is_a_transition(
    adx: float, averages: str, previous: Regime, calm: Regime, lively: Regime
) -> None:
    assert classify(CONFIG, candle(adx, 0.99, averages), previous) is calm
    assert classify(CONFIG, candle(adx, 2.0, averages), previous) is lively


@pytest.mark.parametrize(("adx", "regime"), [(18.0, TIGHT), (19.99, TIGHT), (20.0, QUIET), (21.99, QUIET)])
def test_in_the_hysteresis_band_without_a_regime_before_its_middle_decides(adx: float, regime: Regime) -> None:
    assert classify(CONFIG, candle(adx)) is regime


@pytest.mark.parametrize(
    ("previous", "regime"),
    [(BULL, BULL), (BEAR, BEAR), (None, QUIET), (TIGHT, QUIET), (WIDE, QUIET), (QUIET, QUIET), (VOLATILE, QUIET)],
)
def test_a_strong_trend_with_equal_averages_keeps_its_direction_or_has_none(
    previous: Regime | None, regime: Regime
) -> None:
    assert classify(CONFIG, candle(40.0, 1.0, "="), previous) is regime


@given(given_inputs=inputs, previous=st.none() | regimes)
def test_every_known_input_names_the_regime_of_the_specification(
    given_inputs: RegimeInputs, previous: Regime | None
) -> None:
    """Written from the table of the specification: its conditions exclude each other, and what none of them covers is
    only the hysteresis band and equal averages."""
    adx, atr = given_inputs.adx, given_inputs.atr_percent
    fast, slow = given_inputs.ema_fast, given_inputs.ema_slow
    conditions = {
        TIGHT: adx < 18 and atr < 1,
        WIDE: adx < 18 and atr >= 1,
        QUIET: 22 <= adx <= 32 and atr < 2,
        VOLATILE: 22 <= adx <= 32 and atr >= 2,
        BULL: adx > 32 and fast > slow,
        BEAR: adx > 32 and fast < slow,
    }
    named = [regime for regime, holds in conditions.items() if holds]
    regime = classify(CONFIG, given_inputs, previous)
    assert isinstance(regime, Regime)
    if named:
        assert [regime] == named
    else:
        assert 18 <= adx < 22 or (adx > 32 and fast == slow)


@given(given_inputs=inputs, previous=regimes, adxs=st.lists(st.floats(18, 22, exclude_max=True), min_size=1))
def test_inside_the_band_the_adx_alone_never_changes_anything(
    given_inputs: RegimeInputs, previous: Regime, adxs: list[float]
) -> None:
    first = classify(CONFIG, replace(given_inputs, adx=adxs[0]), previous)
    for adx in adxs:
        assert classify(CONFIG, replace(given_inputs, adx=adx), previous) is first
        assert classify(CONFIG, replace(given_inputs, adx=adx), first) is first


def test_the_thresholds_are_those_of_the_configuration() -> None:
    config = RegimeConfig.model_validate(
        {"range_below": 10, "transition_from": 12, "trend_above": 50, "tight_below": 3, "quiet_below": 4}
    )
    assert classify(config, candle(9.9, 2.9)) is TIGHT
    assert classify(config, candle(10.9, 3.0)) is WIDE
    assert classify(config, candle(11.0, 3.9)) is QUIET
    assert classify(config, candle(50.0, 4.0, ">")) is VOLATILE
    assert classify(config, candle(50.1, 4.0, ">")) is BULL


@pytest.mark.parametrize("field", ["adx", "ema_fast", "ema_slow", "atr_percent", "volume_ratio"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_known_is_not_classified(field: str, value: float) -> None:
    with pytest.raises(ValueError, match="wait until every indicator is known"):
        classify(CONFIG, replace(candle(10.0), **{field: value}))
