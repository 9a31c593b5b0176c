"""The candles of a job, as ``manage.py backtest`` loads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.conf import settings

from backtests.data import load_candles
from backtests.made_up import PREFIX
from backtests.preset import Preset
from backtests.warm_up import warm_up_ms
from exchange.candles.store import CandleStore
from strategies.contract import Problem
from strategies.registry import get_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backtests.data import DataReport
    from exchange.candles.files import Candles
    from exchange.candles.series import SeriesKey

_SERIES: Final = re.compile(r"[a-z0-9]+/(?:spot|linear)/[A-Z0-9][A-Z0-9.-]*(?:/\d+[mhdw])?\Z")
# What a page or the API may ask for: made-up markets are made in a worker's memory.
MOST_DAYS: Final = 3_660.0
MOST_TOLD: Final = 5
# Of a portfolio: SYMBOL=SOURCE, a series whose name says its symbol, or an exchange of the store.
_OF_SYMBOL: Final = re.compile(r"[A-Za-z0-9.:/-]+=(?P<source>\S+)")
_EXCHANGE: Final = re.compile(r"[a-z0-9]+")


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


def stored_series() -> list[SeriesKey] | None:
    """Of a candle store on a disk; ``None`` for one far away, which would keep a page waiting."""
    return None if "://" in settings.CANDLE_STORE else CandleStore(settings.CANDLE_STORE).series()


def absent(source: str) -> str:
    """What to do where a series is asked for that the store has not, or an empty string. What a store that is far away has,
    its worker will tell."""
    stored = stored_series() if _SERIES.match(source) else None
    if stored is None:
        return ""
    known = sorted({str(key).rpartition("/")[0] for key in stored})
    if "/".join(source.split("/")[:3]) in known:
        return ""
    there = f"it has {', '.join(known[:MOST_TOLD])}{' …' if len(known) > MOST_TOLD else ''}" if known else "it is empty"
    return (
        f"The candle store has no {source} ({there}): fetch its candles (manage.py candles download), or take a made-up "
        f"market such as {PREFIX}random-walk."
    )


def portfolio_source_problems(said: Sequence[str]) -> list[Problem]:
    """The same of each source that a portfolio names. Whether they serve its symbols, ``portfolio.loading`` tells."""
    problems: list[Problem] = []
    for each in said:
        of_symbol = None if each.startswith(PREFIX) else _OF_SYMBOL.fullmatch(each)
        if of_symbol is not None:
            problems += source_problems(of_symbol["source"])
        elif not _SERIES.match(each) and not _EXCHANGE.fullmatch(each):
            mend = (
                "write ETHUSDT=bybit/linear/ETHUSDT or ETHUSDT=synthetic:random-walk for each symbol, or bybit for all."
            )
            problems.append(Problem("source", f"{each} is no source of a portfolio's candles: {mend}", each))
    return problems


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
