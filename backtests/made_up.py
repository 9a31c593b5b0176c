"""Made-up markets by name: ``synthetic:random-walk``, or with settings ``synthetic:sine,days=30,period=240``.

The markets are those of ``backtests/synthetic.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from backtests import synthetic
from backtests.synthetic import DEFAULT_START, Layout
from exchange.candles.files import CandleFileError, Candles
from strategies.candles import timeframe_ms

PREFIX: Final = "synthetic:"
DAYS: Final = 30.0
PRICE: Final = 100.0
# What a market can be told, with what it is where nothing is said. Volatility and drift are per candle.
SETTINGS: Final[dict[str, dict[str, float]]] = {
    "random-walk": {"volatility": 0.001},
    "trend": {"drift": 0.00001, "volatility": 0.001},
    "mean-reverting": {"pull": 0.01, "volatility": 0.001},
    "sine": {"period": 240.0, "amplitude": 5.0},
    "regimes": {},
}
COMMON: Final[dict[str, float]] = {"days": DAYS, "seed": 0.0, "price": PRICE, "tick": 0.01}
_MAKERS: Final[dict[str, Callable[..., Candles]]] = {
    "random-walk": synthetic.random_walk,
    "trend": synthetic.trend,
    "mean-reverting": synthetic.mean_reverting,
    "sine": synthetic.sine,
    "regimes": synthetic.regime_switching,
}


def made_up(source: str, timeframe: str) -> Candles:
    """Candles of ``timeframe`` from 2025 on. Raises ``CandleFileError`` naming what is not understood."""
    name, *given = source.removeprefix(PREFIX).split(",")
    if name not in SETTINGS:
        raise CandleFileError(f"{source}: there is no synthetic market {name!r}; known are {', '.join(SETTINGS)}")
    values = {**COMMON, **SETTINGS[name], **dict(_setting(each, name, source) for each in given)}
    step = timeframe_ms(timeframe)
    rows = round(values.pop("days") * 86_400_000 / step)
    seed, tick = int(values.pop("seed")), values.pop("tick")
    seeded: tuple[Any, ...] = () if name == "sine" else (seed,)
    try:
        return _MAKERS[name](Layout(rows, DEFAULT_START, step, tick), *seeded, **values)
    except ValueError as error:
        raise CandleFileError(f"{source}: {error}") from error


def _setting(text: str, market: str, source: str) -> tuple[str, float]:
    name, _, value = text.strip().partition("=")
    known = {**COMMON, **SETTINGS[market]}
    if name not in known:
        raise CandleFileError(f"{source}: {market} has no {name!r}; it has {', '.join(known)}")
    try:
        return name, float(value)
    except ValueError as error:
        raise CandleFileError(f"{source}: {name} is {value!r}, which is not a number") from error
