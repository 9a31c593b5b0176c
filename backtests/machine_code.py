"""Machine code made ahead of its first use: it is kept on disk, and every later process loads it in a second."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
from numba.core import event

from backtests.engine_terms import market_spec
from backtests.features import history_features
from backtests.outcome import Outcome
from backtests.preset import Preset, load_preset
from backtests.simulation import simulate
from exchange.candles.files import Candles
from strategies.candles import timeframe_ms
from strategies.contract import Strategy
from strategies.kernel import KernelStrategy
from strategies.registry import get_strategy

log = logging.getLogger(__name__)

# One for each built-in strategy.
PRESETS: Final = Path(__file__).resolve().parents[1] / "configs" / "presets"
# Told to the process that goes on where another one has compiled.
COMPILED_BEFORE: Final = "TRADERAGENT_COMPILED_BEFORE"
_CANDLES: Final = 300
_PRICE: Final = 100.0


def compile_ahead(names: Sequence[str] = ()) -> Iterator[tuple[str, float]]:
    """Compiles the named strategies, or all that can be, one after the other; gives each with its seconds of processor
    time. Machine code depends on no configuration, so that of one preset is that of all."""
    for path in sorted(PRESETS.glob("*.yaml")):
        preset = load_preset(path)
        strategy = get_strategy(preset.strategy)
        if not isinstance(strategy, KernelStrategy) or (names and strategy.name not in names):
            continue
        began = process_time()
        _make(preset)
        yield strategy.name, process_time() - began


def compile_apart(presets: Sequence[Preset]) -> None:
    """Compiles what back-tests of the presets run and is not kept yet. Where that is anything, the program begins anew, with
    the command that it was started with.

    The compiler holds 200 MB until its process ends, and so it does not stand beside candles and results. A process that
    began anew goes on, whether what was compiled could be written or not.
    """
    if os.environ.pop(COMPILED_BEFORE, None) is not None:
        return
    told = _Compilation()
    with event.install_listener("numba:compile", told):
        for preset in presets:
            try:
                _make(preset)
            except Exception:  # whatever a strategy of one's own may raise
                # Its own run, on its candles, tells the user what is wrong with it.
                log.debug("%s was not compiled ahead", preset.strategy, exc_info=True)
    if told.is_kept:
        sys.stdout.flush()
        sys.stderr.flush()
        os.environ[COMPILED_BEFORE] = "1"
        os.execv(sys.executable, sys.orig_argv)


def _make(preset: Preset) -> None:
    """All that a back-test of it runs as machine code: the features of a few candles, the loop over none, the round trips
    of no fills."""
    strategy: Strategy[Any, Any] = get_strategy(preset.strategy)
    config, market = preset.strategy_config, market_spec(preset, price=_PRICE)
    opens = np.arange(_CANDLES) * timeframe_ms(preset.timeframe)
    candles = Candles(opens, *(np.full(_CANDLES, _PRICE) for _ in range(5)))
    features = history_features(strategy, config, candles, preset.timeframe)
    money, none = float(preset.initial_balance), candles.between(0, 0)
    simulation = simulate(strategy, config, market, none, preset.timeframe, quote=money, features=features)
    _ = Outcome(preset, market, candles, none, simulation).round_trips


class _Compilation(event.Listener):
    """Whether anything is compiled that is kept. It is said before the first of it."""

    is_kept = False

    def on_start(self, event: Any) -> None:
        if not self.is_kept and event.data["dispatcher"].stats.cache_path is not None:
            self.is_kept = True
            sys.stderr.write("Compiling, once for this version …\n")

    def on_end(self, event: Any) -> None:
        pass
