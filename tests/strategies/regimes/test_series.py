"""A whole history at once gives what stepping through it gives, and nothing of it looks ahead."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.regimes import rules
from strategies.regimes.classification import RegimeInputs, RegimeState, step
from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import NONE, REGIMES, Regime, code_of, regime_of
from strategies.regimes.series import InputColumns, classify_series, input_columns, input_warmup
from tests.strategies.indicators.series import Columns, random_columns, real_columns
from tests.strategies.regimes.drawn import CONFIG
from tests.strategies.regimes.test_step import candles, states

HOURS = (
    "bybit_BTCUSDT_linear_1h.csv.gz",
    "bybit_SOLUSDT_linear_1h.csv.gz",
    "bybit_WIFUSDT_linear_1h.csv.gz",
)

QUARTERS_WITH_GAPS = "bybit_BTCUSDT_spot_15m.csv.gz"


def inputs_of(columns: Columns, config: RegimeConfig = CONFIG) -> InputColumns:
    return input_columns(config, columns.high, columns.low, columns.close, columns.volume)


def assert_stepping_gives_the_series(config: RegimeConfig, inputs: InputColumns, begun: RegimeState) -> None:
    series = classify_series(config, inputs, begun)
    state = begun
    for row in range(inputs.adx.size):
        state, verdict = step(config, state, inputs.row(row))
        if verdict is None:
            assert regime_of(int(series.regimes[row])) is None
            assert math.isnan(series.confidence[row])
        else:
            assert regime_of(int(series.regimes[row])) is verdict.regime
            assert series.confidence[row] == verdict.confidence
    assert series.state == state


@given(begun=states, rows=candles, confirmation=st.integers(1, 4))
def test_drawn_inputs_step_by_step(begun: RegimeState, rows: list[RegimeInputs], confirmation: int) -> None:
    columns = InputColumns(
        *(
            np.array([getattr(row, name) for row in rows], np.float64)
            for name in ("adx", "ema_fast", "ema_slow", "atr_percent", "volume_ratio")
        )
    )
    assert_stepping_gives_the_series(RegimeConfig(confirmation=confirmation), columns, begun)


@pytest.mark.parametrize("name", [*HOURS, QUARTERS_WITH_GAPS])
def test_a_real_history_step_by_step(candles_dir: Path, name: str) -> None:
    assert_stepping_gives_the_series(CONFIG, inputs_of(real_columns(candles_dir, name, 3000)), RegimeState())


@pytest.mark.parametrize("name", HOURS)
def test_stepping_goes_on_from_where_a_series_ended(candles_dir: Path, name: str) -> None:
    inputs = inputs_of(real_columns(candles_dir, name))
    whole = classify_series(CONFIG, inputs)
    for cut in np.random.default_rng(2).integers(0, inputs.adx.size, 50).tolist():
        before = classify_series(CONFIG, InputColumns(*(column[:cut] for column in inputs)))
        after = classify_series(CONFIG, InputColumns(*(column[cut:] for column in inputs)), before.state)
        np.testing.assert_array_equal(np.concatenate([before.regimes, after.regimes]), whole.regimes)
        assert after.state == whole.state


@pytest.mark.parametrize("name", [*HOURS, QUARTERS_WITH_GAPS])
def test_nothing_changes_when_the_future_does(candles_dir: Path, name: str) -> None:
    columns = real_columns(candles_dir, name, 3000)
    whole = classify_series(CONFIG, inputs_of(columns))
    for cut in np.random.default_rng(3).integers(1, len(columns), 300).tolist():
        past = classify_series(CONFIG, inputs_of(columns.rows(0, cut)))
        future = random_columns(cut, len(columns) - cut)
        other = classify_series(CONFIG, inputs_of(columns.rows(0, cut).joined(future)))
        for found in (past, other):
            np.testing.assert_array_equal(found.regimes[:cut], whole.regimes[:cut])
            np.testing.assert_array_equal(found.confidence[:cut], whole.confidence[:cut])


def test_a_live_window_has_the_inputs_of_the_full_history(candles_dir: Path) -> None:
    columns = real_columns(candles_dir, HOURS[2])
    full, warmup = inputs_of(columns), input_warmup(CONFIG)
    for end in np.random.default_rng(7).integers(warmup, len(columns), 200).tolist():
        window = inputs_of(columns.rows(end - warmup, end))
        np.testing.assert_allclose([part[-1] for part in window], [c[end - 1] for c in full], rtol=1e-9)


def test_two_years_of_bitcoin_know_all_six_regimes_and_change_seldom(candles_dir: Path) -> None:
    """Without confirmation the trends are exactly where the specification's conditions hold."""
    inputs = inputs_of(real_columns(candles_dir, HOURS[0]))
    series = classify_series(CONFIG, inputs)
    known = series.regimes[49:]
    assert (series.regimes[:49] == -1).all()
    assert set(known.tolist()) == set(range(len(REGIMES)))
    at_once = classify_series(RegimeConfig(confirmation=1), inputs).regimes[49:]
    assert np.count_nonzero(np.diff(known)) < np.count_nonzero(np.diff(at_once))
    clear = inputs.adx[49:] > 32
    up = inputs.ema_fast[49:] > inputs.ema_slow[49:]
    np.testing.assert_array_equal(at_once == 4, clear & up)
    np.testing.assert_array_equal(at_once == 5, clear & ~up)


def test_the_numbers_of_the_compiled_rules_are_those_of_the_names() -> None:
    assert [getattr(rules, name) for name in Regime.__members__] == [code_of(regime) for regime in Regime]
    assert rules.NONE == NONE
    assert len(rules.FAMILIES) == len(REGIMES)


def test_an_empty_history_has_no_regime() -> None:
    nothing = classify_series(CONFIG, inputs_of(Columns(*(np.empty(0) for _ in range(4)))))
    assert nothing.regimes.size == nothing.confidence.size == 0
    assert nothing.state == RegimeState()
