"""Machine code made ahead of its first use: it is kept on disk, and every later process loads it in a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np

from backtests.engine_terms import market_spec
from backtests.preset import load_preset
from backtests.simulation import simulate
from backtests.synthetic import Layout, random_walk
from strategies.candles import timeframe_ms
from strategies.kernel import KernelStrategy
from strategies.registry import get_strategy

# One for each built-in strategy.
PRESETS: Final = Path(__file__).resolve().parents[1] / "configs" / "presets"
_CANDLES: Final = 300


def compile_ahead(names: Sequence[str] = ()) -> Iterator[tuple[str, float]]:
    """Compiles the named strategies, or all that can be, one after the other; gives each with its seconds of processor
    time. Machine code depends on no configuration, so one back-test over a few candles makes all of it."""
    for path in sorted(PRESETS.glob("*.yaml")):
        preset = load_preset(path)
        strategy = get_strategy(preset.strategy)
        if not isinstance(strategy, KernelStrategy) or (names and strategy.name not in names):
            continue
        began = process_time()
        candles = random_walk(Layout(_CANDLES, timeframe=timeframe_ms(preset.timeframe)), seed=1)
        market = market_spec(preset, price=float(np.median(candles.close)))
        config = preset.strategy_config
        simulate(strategy, config, market, candles, preset.timeframe, quote=float(preset.initial_balance))
        yield strategy.name, process_time() - began
