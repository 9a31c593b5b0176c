"""From a bot to a back-test of it: the form's address, filled in with what the bot is and where it trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bots import market_data, selectors
from bots.errors import ExchangeUnavailable
from bots.forms import PREFIX
from bots.models import Bot
from bots.own_fees import as_of_start
from bots.views.bot import find_bot
from exchange.candles.series import SeriesKey
from exchange.tasks import fetch_candles
from strategies.contract import MarketSpec, StrategyConfig
from strategies.parsing import parse_config
from strategies.registry import UnknownStrategy, get_strategy
from web.pages import signed_in
from web.schema_forms import for_address, schema_fields, spread

# The shortest candles that exchanges have: any other timeframe is made of them.
TIMEFRAME: Final = "1m"
# Of candles, which are there within seconds.
DAYS: Final = 30
# Of an account that has not told what it holds.
BALANCE: Final = Decimal(10_000)


@signed_in
def bot_back_test(request: HttpRequest, name: str) -> HttpResponse:
    """The bot's own leverage is among its settings; fees are those of its last run, else what the exchange publishes."""
    bot = find_bot(name)
    try:
        strategy = get_strategy(bot.strategy)
    except UnknownStrategy as gone:
        messages.error(request, str(gone))
        return redirect("bot-detail", bot.name)
    filled: dict[str, Any] = {
        "strategy": bot.strategy,
        "symbol": bot.symbol,
        "timeframe": TIMEFRAME,
        **_settings(bot, strategy.Config),
        "initial_balance": _balance(bot),
        "source": _source(bot),
        **{f"fees.{role}": rate for role, rate in bot.fee_rates.items()},
    }
    try:
        market = market_data.market(bot.account, bot.symbol)
    except ExchangeUnavailable as unavailable:
        messages.error(request, f"The steps and limits of {bot.symbol} are not known: {unavailable.detail}")
    else:
        if market is not None:
            filled |= _rules(as_of_start(bot, market))
    fetch_candles.delay(bot.account_id, bot.symbol, TIMEFRAME, DAYS)
    messages.info(
        request, f"The candles of {bot.symbol} of the last {DAYS} days are being fetched into the candle store."
    )
    return redirect(
        f"{reverse('back-test-create')}?{urlencode({key: for_address(value) for key, value in filled.items()})}"
    )


def _settings(bot: Bot, model: type[StrategyConfig]) -> dict[str, Any]:
    """By the fields' names, those that differ from the strategy's defaults; of a configuration that is not valid (any more)
    all."""
    config, _ = parse_config(bot.strategy, bot.config)
    found = bot.config if config is None else config.model_dump(mode="json", exclude_defaults=True)
    return dict(spread({"config": found}, dict(schema_fields(model, PREFIX))))


def _balance(bot: Bot) -> Decimal:
    """What the account held of the quote coin when its first bot began."""
    held = bot.account.baseline.get("coins", {}) or bot.account.paper_balances
    return Decimal(held.get(selectors.quote_of(bot.symbol)) or BALANCE)


def _source(bot: Bot) -> str:
    """The series of the candle store, of whichever timeframe there is."""
    account = bot.account
    key = SeriesKey.of_market(account.exchange_id, account.price_environment, bot.symbol, TIMEFRAME)
    return str(key).rpartition("/")[0]


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
