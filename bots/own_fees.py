"""The fees that a bot's own account pays, which its strategy decides by: asked when a run starts, kept until the next."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import structlog

from bots.lifecycle import BotStatus
from bots.models import Bot
from exchange.errors import ExchangeError, TemporaryError
from exchange.port import ExchangeGateway
from strategies.contract import MarketSpec

log = structlog.get_logger(__name__)


def market_of(bot: Bot, published: MarketSpec, gateway: ExchangeGateway) -> MarketSpec:
    """The bot's market as its strategy is to see it. The tick that starts a run asks; the caller saves ``fee_rates``.

    Raises ``TemporaryError`` when the exchange does not answer just now.
    """
    if bot.sends_orders and bot.status == BotStatus.STARTING:
        found = with_own_fees(published, gateway)
        bot.fee_rates = {"maker": str(found.maker_fee), "taker": str(found.taker_fee)}
    return as_of_start(bot, published)


def as_of_start(bot: Bot, published: MarketSpec) -> MarketSpec:
    """With the fees of the bot's present run; the published ones for a bot that sends nothing, or never started."""
    if not bot.sends_orders or not bot.fee_rates:
        return published
    maker, taker = (Decimal(bot.fee_rates[name]) for name in ("maker", "taker"))
    return replace(published, maker_fee=maker, taker_fee=taker)


def with_own_fees(published: MarketSpec, gateway: ExchangeGateway) -> MarketSpec:
    """As published where the exchange does not tell this account its own. Raises ``TemporaryError``."""
    try:
        return gateway.market(published.symbol)
    except TemporaryError:
        raise
    except ExchangeError as error:
        log.warning("reckoning with the published fees", symbol=published.symbol, reason=error.detail)
        return published
