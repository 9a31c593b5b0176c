"""What the pages show of an exchange: symbols, candles, the worth of an account. Cached for all web processes.

A page must come up whatever an exchange does. Calls run in a few threads of their own, which keep their gateways (and
so their connections) between requests, and are waited for only so long; a failure is remembered for a while, so that
one dead exchange costs one slow page and not all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote_plus

import structlog
from django.core.cache import cache

from bots.errors import ExchangeUnavailable
from exchange.errors import ExchangeError
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from exchange.port import Candle, ExchangeGateway
from strategies.contract import MarketSpec

log = structlog.get_logger(__name__)

TIMEFRAMES: Mapping[str, int] = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}

_PATIENCE_SECONDS = 6.0
_FAILURE_SECONDS = 15
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="market-data")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Failed:
    detail: str


def _ask(account: ExchangeAccount, key: str, seconds: float, question: Callable[[ExchangeGateway], T]) -> T:
    """The cached answer, or the exchange's. Raises ``ExchangeUnavailable``."""
    return _answered(account, f"account:{account.pk}:{key}", seconds, question)


def _ask_venue(account: ExchangeAccount, key: str, seconds: float, question: Callable[[ExchangeGateway], T]) -> T:
    """The same for what is public: one answer for all accounts of a venue."""
    return _answered(account, f"venue:{_fit(account.venue)}:{key}", seconds, question)


def _answered(account: ExchangeAccount, key: str, seconds: float, question: Callable[[ExchangeGateway], T]) -> T:
    name = f"market:{key}"
    known: T | _Failed | None = cache.get(name)
    if known is None:
        known = _answer_of(account, key, question)
        cache.set(name, known, _FAILURE_SECONDS if isinstance(known, _Failed) else seconds)
    if isinstance(known, _Failed):
        raise ExchangeUnavailable(known.detail)
    return known


def _answer_of(account: ExchangeAccount, key: str, question: Callable[[ExchangeGateway], T]) -> T | _Failed:
    try:
        config = account.gateway_config()
        return _threads.submit(lambda: question(gateway_for(config))).result(timeout=_PATIENCE_SECONDS)
    except TimeoutError:
        failed = _Failed(
            f"{account.exchange_id} did not answer within {_PATIENCE_SECONDS:.0f} s (account {account.name})."
        )
    except ExchangeError as error:
        failed = _Failed(error.detail)
    log.warning("no market data for a page", account=account.name, question=key, error=failed.detail)
    return failed


def symbols(account: ExchangeAccount) -> list[str]:
    """Everything that can be traded on the account. Raises ``ExchangeUnavailable``."""
    return _ask_venue(account, "symbols", 600, lambda gateway: sorted(gateway.markets()))


def market(account: ExchangeAccount, symbol: str) -> MarketSpec | None:
    """``None`` when the exchange has no such market. Raises ``ExchangeUnavailable``."""
    found = _ask_venue(account, f"spec:{_fit(symbol)}", 600, lambda gateway: [gateway.markets().get(symbol)])
    return found[0]


def candles(account: ExchangeAccount, symbol: str, timeframe: str, *, limit: int = 500) -> list[Candle]:
    """Oldest first; the last one is still forming. Raises ``ExchangeUnavailable``."""
    return _ask_venue(
        account,
        f"candles:{_fit(symbol)}:{timeframe}:{limit}",
        1,
        lambda gateway: gateway.candles(symbol, timeframe, limit=limit),
    )


@dataclass(frozen=True, slots=True)
class AccountWorth:
    """All coins and open positions of an account in ``quote``; ``unvalued`` coins have no market against it."""

    quote: str
    equity: Decimal
    unvalued: tuple[str, ...]


def account_worth(account: ExchangeAccount, quote: str) -> AccountWorth:
    """Raises ``ExchangeUnavailable``."""
    return _ask(account, f"worth:{quote}", 5, lambda gateway: _worth(gateway, quote))


def _worth(gateway: ExchangeGateway, quote: str) -> AccountWorth:
    markets = gateway.markets()
    equity, unvalued = Decimal(0), []
    for coin, balance in sorted(gateway.balances().items()):
        pair = f"{coin}/{quote}"
        if not balance.total or coin == quote:
            equity += balance.total
        elif pair in markets:
            equity += balance.total * gateway.ticker(pair).last
        else:
            unvalued.append(coin)
    equity += sum((item.unrealised_pnl for item in gateway.positions() if f":{quote}" in item.symbol), Decimal(0))
    return AccountWorth(quote, equity, tuple(unvalued))


def _fit(symbol: str) -> str:
    """A symbol as typed by a person, made fit for a cache key."""
    return quote_plus(symbol[:64])
