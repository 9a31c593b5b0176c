"""The candles of a job, as ``manage.py backtest`` loads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.conf import settings

from backtests.data import load_candles
from backtests.made_up import PREFIX
from backtests.preset import Preset
from backtests.warm_up import warm_up_ms
from strategies.contract import Problem
from strategies.registry import get_strategy

if TYPE_CHECKING:
    from backtests.data import DataReport
    from exchange.candles.files import Candles

_SERIES: Final = re.compile(r"[a-z0-9]+/(?:spot|linear)/[A-Z0-9][A-Z0-9.-]*(?:/\d+[mhdw])?\Z")
# What a page or the API may ask for: made-up markets are made in a worker's memory.
MOST_DAYS: Final = 3_660.0


def source_problems(source: str) -> list[Problem]:
    """Of what somebody asks for over the network: a series of the store or a made-up market, never a path."""
    if _SERIES.match(source):
        return []
    if source.startswith(PREFIX):
        days = re.search(r"days=([0-9.eE+]+)", source)
        if days is None or _number(days[1]) <= MOST_DAYS:
            return []
        return [Problem("source", f"{source}: a made-up market has {MOST_DAYS:g} days at most.", source)]
    mend = "write a series of the candle store as bybit/linear/ETHUSDT, or a made-up market as synthetic:random-walk."
    return [Problem("source", f"{source or 'Nothing'} is no source of candles: {mend}", source)]


def load(preset: Preset, source: str, since: int | None, until: int | None) -> tuple[Candles, DataReport]:
    """With the warm-up before ``since``. Raises ``CandleFileError``."""
    before = 0 if since is None else warm_up_ms(get_strategy(preset.strategy), preset.strategy_config)
    return load_candles(
        source,
        timeframe=preset.timeframe,
        since=None if since is None else since - before,
        until=until,
        gaps=preset.gaps,
        store=settings.CANDLE_STORE,
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # the market's maker says what is wrong with it
