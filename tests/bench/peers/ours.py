"""Our own part of the comparison: ``python -m tests.bench.peers.ours ROW CANDLES.npz REPEATS``."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from backtests.features import history_features, longer
from backtests.preset import preset_of
from backtests.search.evaluation import Asked, Work
from backtests.search.workers import Workers
from backtests.simulation import simulate
from exchange.candles.files import Candles
from strategies import indicators, registry
from strategies.contract import MarketSpec, Strategy
from strategies.registry import get_strategy
from strategies.smc.config import TIMEFRAMES, SmcConfig
from strategies.smc.features import columns as smc_columns
from tests.backtests.ema_cross import CrossConfig, CrossStrategy
from tests.bench.peers.scripts import work
from tests.bench.peers.scripts.work import Columns, Done
from tests.strategies.markets import LINEAR, SPOT
from traderagent.embedded.home import PROJECT

CROSS_FILE = PROJECT / "tests" / "backtests" / "ema_cross.py"
QUARTER = 900_000
TRIALS_A_JOB = 10
_running = ExitStack()
atexit.register(_running.close)

Prepared = Callable[[], Done]


def candles_of(columns: Columns) -> Candles:
    names = ("timestamp", "open", "high", "low", "close", "volume")
    return Candles(*(columns[name] for name in names))


def spot(fee: float) -> MarketSpec:
    rate = Decimal(str(fee))
    return replace(SPOT, maker_fee=rate, taker_fee=rate, max_amount=None, buyer_pays_in_quote=True)


def run(strategy: Strategy[Any, Any], config: Any, market: MarketSpec, candles: Candles) -> Done:
    """With the making of features; a trade is known by its fill, equity at every close."""
    features = history_features(strategy, config, candles, "1m")
    found = simulate(strategy, config, market, candles, "1m", quote=work.MONEY, features=features)
    return len(found.fills), float(found.equity[-1])


def cross(columns: Columns) -> Prepared:
    candles = candles_of(columns)
    config = CrossConfig(fast=work.FAST, slow=work.SLOW, share=work.SHARE)
    return lambda: run(CrossStrategy(work.MONEY), config, spot(work.CROSS_FEE), candles)


def plain(columns: Columns) -> Prepared:
    from tests.bench.own_cross import OwnConfig, OwnCross

    candles = candles_of(columns)
    config = OwnConfig(fast=work.FAST, slow=work.SLOW)
    return lambda: run(OwnCross(), config, spot(work.CROSS_FEE), candles)


def grid_config() -> dict[str, Any]:
    lines = work.grid_lines()
    return {
        "lower": work.GRID_LOWER,
        "upper": work.GRID_UPPER,
        "grids": work.GRID_INTERVALS,
        "amount_mode": "base",
        "investment": float(lines[:-1].sum()) * work.GRID_AMOUNT,
        "direction": "neutral",
    }


def grid(columns: Columns) -> Prepared:
    candles, strategy = candles_of(columns), get_strategy("grid")
    fee, one = Decimal(str(work.GRID_FEE)), Decimal(1)
    market = replace(LINEAR, step=one, min_amount=one, max_amount=None, maker_fee=fee, taker_fee=fee)
    config = strategy.Config.model_validate(grid_config())
    return lambda: run(strategy, config, market, candles)


def dca(columns: Columns) -> Prepared:
    candles, strategy = candles_of(columns), get_strategy("dca")
    config = strategy.Config.model_validate(
        {
            "base_order_size": work.DCA_BASE,
            "safety_order_size": work.DCA_SAFETY,
            "safety_orders": work.DCA_ORDERS,
            "active_safety_orders": work.DCA_ORDERS,
            "price_deviation": work.DCA_DEVIATION * 100,
            "step_scale": work.DCA_STEP_SCALE,
            "volume_scale": work.DCA_VOLUME_SCALE,
            "take_profit": work.DCA_PROFIT * 100,
        }
    )
    market = replace(spot(work.DCA_FEE), step=Decimal(1), min_amount=Decimal(1))
    return lambda: run(strategy, config, market, candles)


def indicator_set(columns: Columns) -> Prepared:
    high, low, close = columns["high"], columns["low"], columns["close"]

    def call() -> Done:
        indicators.directional_movement(high, low, close)
        indicators.atr(high, low, close)
        indicators.ema(close, work.FAST)
        indicators.ema(close, work.SLOW)
        indicators.bollinger(close)
        return 0, float(indicators.rsi(close)[-1])

    return call


def smc(columns: Columns) -> Prepared:
    """All of its features of 15m, 1h, 4h and 1d, both directions."""
    candles = replace(candles_of(columns), timestamp=columns["timestamp"][0] // QUARTER * QUARTER + _quarters(columns))
    config = SmcConfig.model_validate({"capital": 10_000, "direction": "neutral"})
    series = {timeframe: longer(candles, "15m", timeframe) for timeframe in TIMEFRAMES}

    def call() -> Done:
        smc_columns(config, series)
        return 0, 0.0

    return call


def _quarters(columns: Columns) -> Any:
    """The minutes are taken for quarters of an hour."""
    return (columns["timestamp"] - columns["timestamp"][0]) * 15


def sweep(columns: Columns) -> Prepared:
    """All combinations on two worker processes that run already and have loaded the strategy."""
    from tests.bench.peers.materials import cross_preset

    candles = candles_of(columns)
    folder = Path(tempfile.gettempdir()) / "traderagent-bench-strategies"
    folder.mkdir(exist_ok=True)
    shutil.copy(CROSS_FILE, folder / CROSS_FILE.name)
    registry.use_folder(folder)
    preset = preset_of(cross_preset())
    # Ended with the next ones or with this process: their times are asked for after the work.
    _running.close()
    workers = _running.enter_context(Workers(preset, candles, 2, folder))
    asked = Asked(("roi", "max_drawdown"))
    trials = [(n, {"config.fast": fast, "config.slow": slow}) for n, (fast, slow) in enumerate(work.SWEEP)]

    def jobs(wanted: list[Any]) -> list[Callable[..., Any]]:
        parts = range(0, len(wanted), TRIALS_A_JOB)
        return [Work(tuple(wanted[begin : begin + TRIALS_A_JOB]), asked).done_by for begin in parts]

    list(workers.run(jobs(trials[: 4 * TRIALS_A_JOB])))

    def call() -> Done:
        found = [trial for part, _ in workers.run(jobs(trials)) for trial in part]
        best = max(float((trial.measures or {})["roi"]) for trial in found)
        return len(found), best

    return call


def processor_time() -> float:
    """Seconds of this process and of its workers, to a hundredth."""
    workers = (each.cpu_times() for each in psutil.Process().children(recursive=True))
    return time.process_time() + float(sum(each.user + each.system for each in workers))


ROWS = {
    "cross": cross,
    "grid": grid,
    "dca": dca,
    "plain": plain,
    "indicators": indicator_set,
    "smc": smc,
    "sweep": sweep,
}
if __name__ == "__main__":
    work.report(ROWS, processor_time=processor_time)
