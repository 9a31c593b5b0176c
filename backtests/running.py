"""One back-test of a preset over candles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtests.outcome import Outcome
from backtests.preset import Preset, engine_options, market_spec
from backtests.simulation import simulate
from exchange.candles.files import Candles
from strategies.registry import get_strategy

if TYPE_CHECKING:
    from backtests.data import DataReport
    from strategies.feature_rows import FeatureTable


def back_test(
    preset: Preset,
    candles: Candles,
    *,
    begin: int | None = None,
    features: FeatureTable | None = None,
    compiled: bool = True,
    data_report: DataReport | None = None,
) -> Outcome:
    """``candles`` are of the preset's timeframe; trading begins at ``begin`` (ms UTC), and those before are warm-up.

    Raises ``PresetInvalid`` for a configuration that the strategy refuses, ``ValueError`` for candles that do not suffice.
    """
    strategy, config = get_strategy(preset.strategy), preset.strategy_config
    run = candles if begin is None else candles.between(begin, int(candles.timestamp[-1]) + 1)
    market = market_spec(preset, price=float(run.open[0]))
    simulation = simulate(
        strategy,
        config,
        market,
        run,
        preset.timeframe,
        quote=float(preset.initial_balance),
        options=engine_options(preset),
        features=features,
        compiled=compiled,
    )
    return Outcome(preset, market, candles, run, simulation, [], data_report)
