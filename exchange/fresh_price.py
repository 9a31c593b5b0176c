"""The price that a decision may be made on: the shared one while it is fresh, else the exchange's own answer."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.errors import AuthenticationFailed, ExchangeError, NeedsOperator, StalePrice
from exchange.port import ExchangeGateway, Ticker
from exchange.prices import CachedPrice, read_price


@dataclass(frozen=True, slots=True)
class PriceLimits:
    """Milliseconds. ``age`` since a price was received (zero: always ask the exchange); ``lag`` that it may have had by
    then: a market in which nothing happens gives its last price a time that is not new."""

    age: int
    lag: int


def fresh_ticker(venue: str, symbol: str, *, gateway: ExchangeGateway, now_ms: int, limits: PriceLimits) -> Ticker:
    """Raises ``StalePrice`` when neither the stream nor the exchange has a price within the limits."""
    shared = read_price(venue, symbol) if limits.age else None
    if shared is not None and shared.is_fresh(now_ms, limits.age, limits.lag):
        return Ticker(symbol, shared.last, shared.timestamp, shared.bid, shared.ask, shared.lag)
    try:
        ticker = gateway.ticker(symbol)
    except (AuthenticationFailed, NeedsOperator):
        raise
    except ExchangeError as error:
        raise _stale(symbol, shared, now_ms, error.detail) from error
    if ticker.lag is not None and ticker.lag > limits.lag:
        raise StalePrice(
            f"The price of {symbol} is stale: the exchange's own answer is {ticker.lag / 1000:.1f} s old.", ticker.lag
        )
    return ticker


def _stale(symbol: str, shared: CachedPrice | None, now_ms: int, reason: str) -> StalePrice:
    if shared is None:
        return StalePrice(f"There is no price of {symbol}: {reason}")
    age = shared.age(now_ms)
    return StalePrice(f"The price of {symbol} is stale: the last one is {age / 1000:.1f} s old, and {reason}", age)
