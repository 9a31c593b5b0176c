"""From a bot to a back-test of it: the form's address, filled in with what the bot is and where it trades."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bots import market_data, selectors
from bots.errors import ExchangeUnavailable
from bots.models import Bot
from bots.own_fees import as_of_start
from bots.views.bot import find_bot
from exchange.candles.series import SeriesKey
from strategies.contract import MarketSpec
from strategies.parsing import parse_config
from web.pages import signed_in

# The shortest candles that exchanges have: any other timeframe is made of them.
TIMEFRAME: Final = "1m"
# Of an account that has not told what it holds.
BALANCE: Final = Decimal(10_000)


@signed_in
def bot_back_test(request: HttpRequest, name: str) -> HttpResponse:
    """The bot's own leverage is among its settings; fees are those of its last run, else what the exchange publishes."""
    bot = find_bot(name)
    filled: dict[str, Any] = {
        "strategy": bot.strategy,
        "symbol": bot.symbol,
        "timeframe": TIMEFRAME,
        **{f"config.{key}": value for key, value in _settings(bot).items()},
        "initial_balance": _balance(bot),
        "source": _source(bot),
    }
    try:
        market = market_data.market(bot.account, bot.symbol)
    except ExchangeUnavailable as unavailable:
        messages.error(request, f"Fees, steps and limits of {bot.symbol} are not known: {unavailable.detail}")
    else:
        if market is not None:
            filled |= _rules(as_of_start(bot, market))
    return redirect(f"{reverse('back-test-create')}?{urlencode({key: _text(value) for key, value in filled.items()})}")


def _text(value: Any) -> str:
    """None is an emptied field."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return "" if value is None else str(value)


def _settings(bot: Bot) -> dict[str, Any]:
    """Those that differ from the strategy's defaults; a configuration that is not valid (any more) as it is."""
    config, _ = parse_config(bot.strategy, bot.config)
    return bot.config if config is None else config.model_dump(mode="json", exclude_defaults=True)


def _balance(bot: Bot) -> Decimal:
    """What the account held of the quote coin when its first bot began."""
    held = bot.account.baseline.get("coins", {}) or bot.account.paper_balances
    return Decimal(held.get(selectors.quote_of(bot.symbol)) or BALANCE)


def _source(bot: Bot) -> str:
    """The series of the candle store, of whichever timeframe there is."""
    return str(SeriesKey.of_unified(bot.account.exchange_id, bot.symbol, TIMEFRAME)).rpartition("/")[0]


def _rules(market: MarketSpec) -> dict[str, Any]:
    return {
        "market": market.kind.value,
        "fees.maker": market.maker_fee,
        "fees.taker": market.taker_fee,
        **({"fees.buyer_pays_in": "quote"} if market.buyer_pays_in_quote else {}),
        "precision.price": market.tick,
        "precision.amount": market.step,
        "limits.amount.min": market.min_amount,
        **({} if market.max_amount is None else {"limits.amount.max": market.max_amount}),
        **({} if market.min_notional is None else {"limits.notional.min": market.min_notional}),
    }
