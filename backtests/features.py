"""The features of a whole history, computed once from the candles that a back-test runs on."""

from __future__ import annotations

from typing import Any

import numpy as np

from exchange.candles.files import Candles
from exchange.candles.merging import taken
from exchange.candles.resampling import resample
from exchange.candles.series import SeriesKey, as_series
from strategies.candles import timeframe_ms
from strategies.contract import CandleSeries, Strategy, UsesFeatures
from strategies.feature_rows import FeatureTable, feature_table


def history_features(
    strategy: Strategy[Any, Any], config: Any, candles: Candles, timeframe: str
) -> FeatureTable | None:
    """``None`` for a strategy or a configuration that looks at no candles. ``timeframe`` is that of ``candles``.

    Raises ``ValueError`` when a timeframe that the strategy needs cannot be made of these candles.
    """
    if not isinstance(strategy, UsesFeatures) or not strategy.timeframes(config):
        return None
    needed = [need.timeframe for need in strategy.timeframes(config)]
    return feature_table(strategy, config, {each: longer(candles, timeframe, each) for each in needed})


def longer(candles: Candles, timeframe: str, target: str) -> CandleSeries:
    """Closed candles of ``target``, made of shorter ones.

    The first and the last are left out when the shorter ones do not cover them to the edge: their open or their close
    would be another candle's. A gap inside leaves a candle of what there is, as the exchange itself would list it.
    Raises ``ValueError`` for timeframes that do not fit.
    """
    if target == timeframe:
        return as_series(candles, timeframe)
    step, key = timeframe_ms(timeframe), SeriesKey("any", "spot", "ANY", target)
    if key.step < step or key.step % step:
        raise ValueError(f"{target} candles cannot be made of {timeframe} candles")
    made, _ = resample(candles, key)
    if not len(made):
        return as_series(made, target)
    begins_whole = made.timestamp >= candles.timestamp[0]
    ends_whole = made.timestamp + key.step <= candles.timestamp[-1] + step
    return as_series(taken(made, np.flatnonzero(begins_whole & ends_whole)), target)
