"""What the form of a new back-test or study begins with."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import dropwhile
from pathlib import Path
from typing import Final

from django.conf import settings

_CONFIGS: Final = Path(settings.BASE_DIR) / "configs"
PRESETS: Final = _CONFIGS / "presets"
SOURCE: Final = "synthetic:mean-reverting,days=30,price=2000"
COINS: Final = "\n".join(f"{SOURCE},seed={seed}" for seed in range(1, 5))
# For the symbols of the portfolio that comes with the project; its trend follower looks back over 34 days.
PORTFOLIO_SOURCES: Final = "\n".join(
    (
        "ETHUSDT=synthetic:mean-reverting,days=60,price=2000",
        "SOLUSDT=synthetic:mean-reverting,days=60,price=150,seed=1",
        "BTCUSDT=synthetic:regimes,days=60,price=60000,tick=0.1,seed=2",
    )
)
# Two parameters of each strategy that come with the project, near what its preset says.
_PARAMETERS: Final[Mapping[str, str]] = {
    "grid": "  config.grids: {from: 10, to: 40, step: 10}\n  config.range_percent: [5, 10, 15]\n",
    "dca": "  config.take_profit: [0.5, 1, 1.5]\n  config.price_deviation: [0.5, 1, 2]\n",
    "trend": "  config.ema_fast: [10, 20, 30]\n  config.adx_min: {from: 15, to: 30, step: 5}\n",
    "smc": "  config.swing_length: [5, 8, 12]\n  config.memory: [4, 8]\n",
    "hybrid": "  config.grid_intervals: [8, 12, 16]\n  config.grid_range: [2, 3, 5]\n",
}


def preset_example(strategy: str) -> str:
    """The preset that comes with the project; for a strategy of one's own a beginning."""
    path = PRESETS / f"{strategy}.yaml"
    if path.is_file():
        return _without_head(path)
    return (
        f"symbol: ETH/USDT\nmarket: spot\ntimeframe: 1m\nstrategy: {strategy}\nconfig: {{}}\n"
        "initial_balance: 10000\nfees: {maker: 0.0002, taker: 0.0005}\n"
    )


def portfolio_example() -> str:
    return _without_head(_CONFIGS / "portfolios" / "three-coins.yaml")


def _without_head(path: Path) -> str:
    """What stands above it is for the command line."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("#"), lines))


def search_example(strategy: str) -> str:
    inside = "".join(f"  {line}" for line in preset_example(strategy).splitlines(keepends=True))
    parameters = _PARAMETERS.get(strategy, "  config.NAME: [1, 2, 3]\n")
    return (
        f"parameters:\n{parameters}objectives: [roi]\nconstraints: [max_drawdown <= 0.5]\n"
        f"method: grid # or tpe, with trials: 200\npreset:\n{inside}"
    )
