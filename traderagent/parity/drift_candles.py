"""The candles of a bot's run: from a source that is named, or asked of the bot's own exchange."""

from __future__ import annotations

from backtests.data import load_candles
from backtests.warm_up import warm_up_ms
from bots.models import Bot
from exchange.candles.files import CandleFileError, Candles
from exchange.candles.store import from_port_candles
from exchange.errors import ExchangeError
from exchange.gateways import gateway_for
from exchange.port import Candle
from strategies.candles import timeframe_ms
from strategies.registry import get_strategy
from traderagent.parity.drift import period_of
from traderagent.parity.errors import ParityError

PAGE = 1000


def candles_for(bot: Bot, timeframe: str, source: str | None) -> Candles:
    """Of the bot's run, and of the time before it that its strategy looks back at.

    ``source`` as for a back-test; without one the bot's exchange is asked. Raises :class:`ParityError`.
    """
    since, until = period_of(bot)
    strategy = get_strategy(bot.strategy)
    step = timeframe_ms(timeframe)
    begin = since - warm_up_ms(strategy, strategy.Config.model_validate(bot.config)) - step
    if source is not None:
        try:
            return load_candles(source, timeframe=timeframe, until=until + step, gaps="fill")[0]
        except CandleFileError as error:
            raise ParityError(str(error)) from error
    try:
        return _asked(bot, timeframe, begin - begin % step, until)
    except ExchangeError as error:
        raise ParityError(f"{bot.account.exchange_id} does not tell its candles: {error.detail}") from error


def _asked(bot: Bot, timeframe: str, begin: int, until: int) -> Candles:
    gateway, step = gateway_for(bot.account.gateway_config()), timeframe_ms(timeframe)
    known: dict[int, Candle] = {}
    start = begin
    while start <= until:
        page = gateway.candles(bot.symbol, timeframe, since=start, limit=PAGE)
        known |= {candle.timestamp: candle for candle in page if start <= candle.timestamp <= until}
        start += PAGE * step
    if not known:
        raise ParityError(f"{bot.account.exchange_id} has no {timeframe} candles of {bot.symbol} of that time.")
    return from_port_candles([known[timestamp] for timestamp in sorted(known)])
