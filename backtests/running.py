"""One back-test of a preset over candles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backtests.engine_terms import engine_options, market_spec
from backtests.features import history_features
from backtests.funding_due import funding_of
from backtests.loop.records import Funding
from backtests.outcome import Outcome
from backtests.preset import Preset
from backtests.simulation import Options, Simulation, simulate
from backtests.warm_up import check_warm_up, first_begin, resolved
from exchange.candles.files import CandleFileError, Candles
from exchange.candles.series import utc
from strategies.candles import timeframe_ms
from strategies.contract import MarketSpec, Strategy, StrategyConfig
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
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """``candles`` are of the preset's timeframe. Trading begins with the first that opens at ``begin`` (ms UTC) or later,
    and those before are warm-up; without ``begin``, as soon as the configuration can be resolved.

    ``features`` are those of all ``candles``, made here when there are none. ``compiled`` and ``progress`` are those of
    ``backtests.simulation.simulate``. Raises ``PresetInvalid`` for a configuration that the strategy refuses,
    ``ValueError`` for candles that do not suffice: none in the period, too few before it, a timeframe that the strategy
    needs and that cannot be made of them.
    """
    ready = prepared(preset, candles, begin=begin, features=features)
    simulation = simulate(
        ready.strategy,
        preset.strategy_config,
        ready.market,
        ready.candles,
        preset.timeframe,
        quote=float(preset.initial_balance),
        options=ready.options,
        features=ready.features,
        compiled=compiled,
        start=ready.start,
        progress=progress,
    )
    return ready.outcome(simulation, data_report)


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a simulation is given. ``candles`` are those that are traded on, ``history`` all; ``start`` is the
    configuration that the start plans with."""

    preset: Preset
    strategy: Strategy[Any, Any]
    history: Candles
    candles: Candles
    features: FeatureTable | None
    market: MarketSpec
    funding: Funding
    start: StrategyConfig
    known_from: int | None

    @property
    def options(self) -> Options:
        return engine_options(self.preset, self.funding)

    def outcome(self, simulation: Simulation[Any], data_report: DataReport | None) -> Outcome:
        return Outcome(
            self.preset, self.market, self.history, self.candles, simulation, self.funding, self.known_from, data_report
        )


def prepared(
    preset: Preset, candles: Candles, *, begin: int | None = None, features: FeatureTable | None = None
) -> Prepared:
    """Arguments and errors are those of :func:`back_test`."""
    strategy: Strategy[Any, Any] = get_strategy(preset.strategy)
    config, timeframe = preset.strategy_config, preset.timeframe
    if begin is None:
        begin = first_begin(strategy, config, candles, timeframe)
    run = candles.between(begin, int(candles.timestamp[-1]) + 1)
    if not len(run):
        last = utc(int(candles.timestamp[-1]))
        raise CandleFileError(
            f"no candle opens at {utc(begin)} or later, where trading is to begin: the last is of {last}"
        )
    begin, end = int(run.timestamp[0]), int(run.timestamp[-1]) + timeframe_ms(timeframe)
    if features is None:
        features = history_features(strategy, config, candles, timeframe)
    return Prepared(
        preset,
        strategy,
        candles,
        run,
        features,
        market_spec(preset, price=float(run.open[0])),
        funding_of(preset, begin, end),
        start=resolved(strategy, config, candles, timeframe, begin),
        known_from=check_warm_up(strategy, config, features, begin, end),
    )
