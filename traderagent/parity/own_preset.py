"""The preset that a running bot is, for a back-test of the time it ran."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backtests.preset import Preset, PresetInvalid, preset_of
from bots.models import Bot
from bots.own_fees import as_of_start
from exchange.errors import ExchangeError
from exchange.gateways import gateway_for
from strategies.contract import MarketKind
from traderagent.parity.errors import ParityError

# What the account held is not known for one that existed before its first bot; more than enough, then.
ENOUGH = Decimal(1_000_000_000)


def preset_of_bot(bot: Bot, timeframe: str) -> Preset:
    """The bot's market as its exchange states it, with the fees of its run, its configuration, and the money that its
    account began with.

    Raises :class:`ParityError` when the exchange does not answer or has no such market.
    """
    try:
        market = gateway_for(bot.account.gateway_config()).markets().get(bot.symbol)
    except ExchangeError as error:
        raise ParityError(f"{bot.account.exchange_id} does not tell its markets: {error.detail}") from error
    if market is None:
        raise ParityError(f"{bot.account.exchange_id} has no market {bot.symbol} (any more).")
    market = as_of_start(bot, market)
    coins = bot.account.baseline.get("coins", {})
    described: dict[str, Any] = {
        "symbol": bot.symbol,
        "market": market.kind.value,
        "timeframe": timeframe,
        "strategy": bot.strategy,
        "config": bot.config,
        "initial_balance": str(coins.get(market.quote) or ENOUGH),
        "fees": {"maker": str(market.maker_fee), "taker": str(market.taker_fee)},
        "precision": {"price": str(market.tick), "amount": str(market.step)},
        "limits": {"amount": str(market.min_amount), "notional": str(market.min_notional or 0)},
    }
    if market.kind is MarketKind.SPOT and market.buyer_pays_in_quote:
        described["fees"]["buyer_pays_in"] = "quote"
    try:
        return preset_of(described)
    except PresetInvalid as error:
        raise ParityError(f"The bot makes no preset: {error}") from error
