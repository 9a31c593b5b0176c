"""Before a start: is the configuration sound, and can every order of it be opened *and closed* on this market?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import structlog

from bots.errors import ExchangeUnavailable
from bots.history import resolve_config
from bots.own_fees import with_own_fees
from exchange.connection import withdrawal_refusal
from exchange.errors import ExchangeError
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from strategies.contract import Level, MarketSpec, Problem, Strategy
from strategies.parsing import parse_config
from strategies.registry import get_strategy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a start would do now: the orders at ``price``, and everything that stands in its way."""

    price: Decimal | None
    levels: list[Level]
    problems: list[Problem]
    market: MarketSpec | None = None


# What a bot may spend that spends nothing.
_ENOUGH = Decimal(10) ** 15


def check_config(
    *, account: ExchangeAccount, symbol: str, strategy: str, config: Mapping[str, Any], sends_orders: bool = True
) -> list[Problem]:
    """All that is wrong, each problem with its field dotted from the bot (``symbol``, ``config.lower``).

    Raises ``ExchangeUnavailable`` when the market could not be asked.
    """
    found = preview(account=account, symbol=symbol, strategy=strategy, config=config, sends_orders=sends_orders)
    if sends_orders and account.plays_with_real_money:
        return [*_key_problems(account), *found.problems]
    return found.problems


def _key_problems(account: ExchangeAccount) -> list[Problem]:
    try:
        refusal = withdrawal_refusal(account.gateway_config())
    except ExchangeError as error:
        raise ExchangeUnavailable(f"{account.name}: {error.detail}") from error
    return [Problem("account", refusal)] if refusal else []


def preview(
    *, account: ExchangeAccount, symbol: str, strategy: str, config: Mapping[str, Any], sends_orders: bool = True
) -> Preview:
    """A bot that sends no orders needs no funds, and perhaps has no keys to ask for them with.

    Raises ``ExchangeUnavailable`` when the market could not be asked.
    """
    parsed, problems = parse_config(strategy, config)
    try:
        gateway = gateway_for(account.gateway_config())
        markets = gateway.markets()
        market = markets.get(symbol)
        if market is None:
            problems.append(_unknown_symbol(account, symbol, markets))
            return Preview(None, [], problems)
        ticker = gateway.ticker(symbol)
        price = ticker.last
        if parsed is None:
            return Preview(price, [], problems, market)
        chosen: Strategy[Any, Any] = get_strategy(strategy)
        free = {market.quote: _ENOUGH, market.base: _ENOUGH}
        if sends_orders:
            market = with_own_fees(market, gateway)
            free = {coin: balance.free for coin, balance in gateway.balances().items()}
        try:
            parsed = resolve_config(chosen, parsed, account=account, gateway=gateway, ticker=ticker)
        except ValueError as error:
            return Preview(price, [], [Problem("config", str(error))], market)
    except ExchangeError as error:
        raise ExchangeUnavailable(f"{account.name}: {error.detail}") from error
    found = chosen.preflight(
        parsed, market, price, free.get(market.quote, Decimal(0)), free.get(market.base, Decimal(0))
    )
    problems += [replace(problem, field=f"config.{problem.field}" if problem.field else "config") for problem in found]
    return Preview(price, chosen.levels(parsed, market, price), problems, market)


def symbol_problem(*, account: ExchangeAccount, symbol: str) -> Problem | None:
    """What is wrong with the symbol on the account's exchange. An exchange that cannot be asked now has no objection:
    the start asks again."""
    try:
        markets = gateway_for(account.gateway_config()).markets()
    except ExchangeError as error:
        log.warning("symbol not checked", account=account.name, symbol=symbol, reason=error.detail)
        return None
    return None if symbol in markets else _unknown_symbol(account, symbol, markets)


def _unknown_symbol(account: ExchangeAccount, symbol: str, markets: Mapping[str, MarketSpec]) -> Problem:
    near = [known for known in markets if known.split("/")[0] == symbol.split("/")[0]][:4]
    mend = f" Did you mean {', '.join(near)}?" if near else ""
    return Problem("symbol", f"{account.exchange_id} has no market {symbol}.{mend}", value=symbol)
