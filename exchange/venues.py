"""What all gateways of one venue share in a process: its markets and the difference between the clocks.

A ccxt exchange is not thread-safe (one HTTP session, one throttle, one set of last headers), so every thread has its
own; but 3,000 parsed markets are 28 MB and a few seconds of loading, so those exist once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange.ccxt_client import build_client
from exchange.ccxt_parsing import Fees, market_spec
from exchange.errors import ExchangeError
from exchange.gateway_config import GatewayConfig
from exchange.resilience.clock_skew import VenueClock
from exchange.translation import Intent, translate
from exchange.venue_table import buyer_pays_in_quote, kinds_of
from strategies.contract import MarketKind, MarketSpec

MAX_AGE_S = 6 * 3600.0  # new listings, changed ticks and limits

# https://www.bybit.com/en/help-center/article/Trading-Fee-Structure (lowest tier): ccxt's own are of 2022.
_PUBLISHED_FEES: Mapping[str, Mapping[str, Fees]] = {
    "bybit": {MarketKind.LINEAR: (Decimal("0.0002"), Decimal("0.00055"))},
}


@dataclass(frozen=True)
class Markets:
    """``source`` is the ccxt exchange that holds the parsed markets; it is never called again, only copied from."""

    source: Any
    specs: Mapping[str, MarketSpec]
    loaded_at: float


class Venue:
    """One place where prices come from. ``monotonic`` is the clock that the age of the markets is told by."""

    def __init__(self, config: GatewayConfig, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._monotonic = monotonic
        self.clock = VenueClock(config.venue)
        self._lock = threading.Lock()
        self._markets: Markets | None = None
        self._attempts = 0
        self._failure: ExchangeError | None = None

    def markets(self, *, max_age: float = MAX_AGE_S) -> Markets:
        """Loads them when nobody has yet or they are old. Raises what the loading raised.

        Threads that queued up behind a failed attempt take its error instead of knocking on a dead exchange one
        after the other, ten seconds each.
        """
        known = self._markets
        if known is not None and self._monotonic() - known.loaded_at <= max_age:
            return known
        seen = self._attempts
        with self._lock:
            known = self._markets
            if known is not None and self._monotonic() - known.loaded_at <= max_age:
                return known
            if self._attempts != seen and self._failure is not None:
                raise self._failure.with_traceback(None)
            try:
                self._markets = self._load()
                self._failure = None
            except ExchangeError as error:
                self._failure = error
                # Old markets are better than none: the exchange refuses what no longer fits.
                if known is None:
                    raise
                self._markets = Markets(known.source, known.specs, self._monotonic())
            finally:
                self._attempts += 1
            return self._markets

    def _load(self) -> Markets:
        client = build_client(self._config, with_keys=False)
        try:
            client.load_markets()
            if client.has.get("fetchTime"):
                self.clock.measure(client)
        except ExchangeError:
            raise
        except Exception as error:
            raise translate(
                error, exchange=self._config.exchange_id, intent=Intent.READ, doing="loading the markets"
            ) from error
        fees = _PUBLISHED_FEES.get(self._config.exchange_id)
        kinds = kinds_of(self._config.exchange_id)
        in_quote = buyer_pays_in_quote(self._config.exchange_id)
        found = (market_spec(market, fees, in_quote) for market in client.markets.values())
        specs = {spec.symbol: spec for spec in found if spec is not None and spec.kind in kinds}
        return Markets(client, specs, self._monotonic())


_venues: dict[tuple[str, str], Venue] = {}
_venues_lock = threading.Lock()


def venue_of(config: GatewayConfig) -> Venue:
    """The process's one venue for this configuration. Options may change what is loaded, so they are in the key."""
    key = (config.venue, config.options)
    with _venues_lock:
        if key not in _venues:
            _venues[key] = Venue(config)
        return _venues[key]
