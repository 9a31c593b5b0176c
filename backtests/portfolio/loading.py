"""Which candles each bot of a portfolio runs on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from backtests.analysis.sources import named_sources
from backtests.data import DataReport, load_candles
from backtests.portfolio.preset import PortfolioPreset
from backtests.preset import Preset
from backtests.warm_up import warm_up_ms
from exchange.candles.files import CandleFileError, Candles
from strategies.registry import get_strategy

_EXCHANGE: Final = re.compile(r"[a-z0-9]+")


def sources_of(portfolio: PortfolioPreset, said: Sequence[str]) -> dict[str, str]:
    """A source (``backtests.data``) for each symbol: ``SYMBOL=SOURCE``; files or series whose names say the market, also as
    a pattern; or an exchange, whose series of the store serve all symbols that nothing else is said of.

    Raises ``ValueError`` naming the symbols without candles, and what names none of the portfolio.
    """
    found: dict[str, str] = {}
    exchange = ""
    for each in said:
        symbol, is_pair, source = each.partition("=")
        if is_pair and not each.startswith("synthetic:"):
            found[_symbol(portfolio, symbol)] = source
        elif _EXCHANGE.fullmatch(each) and not Path(each).exists():
            exchange = each
        else:
            found |= _named(portfolio, each)
    for symbol in portfolio.symbols:
        if exchange and symbol not in found:
            found[symbol] = f"{exchange}/{portfolio.market}/{compact(symbol)}"
    missing = [symbol for symbol in portfolio.symbols if symbol not in found]
    if missing:
        raise ValueError(
            f"--candles names none of {', '.join(missing)}: write {compact(missing[0])}=SOURCE for each, or an exchange of "
            "the candle store, as bybit"
        )
    return found


def written(sources: Mapping[str, str]) -> list[str]:
    """As :func:`sources_of` reads them: each symbol with its source."""
    return [f"{compact(symbol)}={source}" for symbol, source in sources.items()]


def compact(symbol: str) -> str:
    """``ETHUSDT`` of ``ETH/USDT:USDT``."""
    return symbol.partition(":")[0].replace("/", "")


def _symbol(portfolio: PortfolioPreset, said: str) -> str:
    for symbol in portfolio.symbols:
        if said.strip().upper() in (symbol, compact(symbol), symbol.partition(":")[0]):
            return symbol
    raise ValueError(f"--candles {said}=…: no bot trades {said}; the symbols are {', '.join(portfolio.symbols)}")


def _named(portfolio: PortfolioPreset, said: str) -> dict[str, str]:
    of_market = {each.symbol: each.source for each in named_sources([said]) if each.kind == portfolio.market}
    found = {symbol: of_market[compact(symbol)] for symbol in portfolio.symbols if compact(symbol) in of_market}
    if not found:
        raise ValueError(f"--candles {said}: names no {portfolio.market} market of {', '.join(portfolio.symbols)}")
    return found


def load_all(
    portfolio: PortfolioPreset,
    sources: Mapping[str, str],
    *,
    since: int | None,
    until: int | None,
    store: str | None,
) -> tuple[list[Candles], list[DataReport]]:
    """Each bot's candles, with what its strategy has to look back at before ``since`` (ms UTC), and what was found.

    Bots that need the same ones share them. Raises ``CandleFileError``.
    """
    loaded: dict[tuple[str, str, str, int | None], tuple[Candles, DataReport]] = {}
    chosen = []
    for bot in portfolio.bots:
        preset = bot.preset
        begin = None if since is None else since - _before(preset)
        key = (sources[preset.symbol], preset.timeframe, str(preset.gaps), begin)
        if key not in loaded:
            try:
                loaded[key] = load_candles(
                    key[0], timeframe=preset.timeframe, since=begin, until=until, gaps=preset.gaps, store=store
                )
            except CandleFileError as error:
                raise CandleFileError(f"{bot.name}: {error}") from error
        chosen.append(loaded[key])
    return [candles for candles, _ in chosen], [report for _, report in chosen]


def _before(preset: Preset) -> int:
    return warm_up_ms(get_strategy(preset.strategy), preset.strategy_config)
