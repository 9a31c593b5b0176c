"""One account's conversation with an exchange through ccxt: markets, clock, errors, retries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import InvalidOperation
from typing import Any, TypeVar

import ccxt
import structlog

from exchange.ccxt_client import build_client
from exchange.errors import ExchangeError, NeedsOperator, OrderRejected, RateLimited, TemporaryError
from exchange.gateway_config import GatewayConfig
from exchange.resilience.retry import Retrier
from exchange.translation import Intent, translate
from exchange.venues import Venue, venue_of
from strategies.contract import MarketSpec

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A clock that was re-measured and moved by less than this is not why the exchange called our time wrong.
_CLOCK_MOVED_MS = 250


class CcxtSession:
    """Must not be shared between threads. Every error that leaves it is one of :mod:`exchange.errors`."""

    def __init__(self, config: GatewayConfig, venue: Venue | None = None) -> None:
        self.config = config
        self.venue = venue or venue_of(config)
        self.client = build_client(config)
        self._taken_from: Any = None
        self._retrier = Retrier()

    def _markets(self) -> Mapping[str, MarketSpec]:
        """The venue's markets, which this thread's client is made to use if it does not yet."""
        markets = self.venue.markets()
        if self._taken_from is not markets.source:
            self.client.set_markets_from_exchange(markets.source)
            self.venue.clock.correct(self.client)
            self._taken_from = markets.source
        return markets.specs

    def _spec(self, symbol: str, *, intent: Intent = Intent.READ) -> MarketSpec:
        spec = self._markets().get(symbol)
        if spec is None:
            sentence = (
                f"{symbol!r} cannot be traded at {self.config.exchange_id} ({self.config.environment}). "
                "Symbols are written ETH/USDT (spot) or ETH/USDT:USDT (linear)."
            )
            raise OrderRejected(sentence) if intent is Intent.PLACE else NeedsOperator(sentence)
        return spec

    def _read(self, doing: str, ask: Callable[[], T]) -> T:
        """Asks, and asks again for a moment when that may help."""
        self._keep_clock()
        return self._retrier.call(lambda: self._once(Intent.READ, doing, ask))

    def _once(self, intent: Intent, doing: str, ask: Callable[[], T]) -> T:
        """Once, and a second time if the exchange called our clock wrong and it was. Not for what must be sent once."""
        try:
            with self._talking(intent, doing):
                return ask()
        except _ClockWasWrong:
            with self._talking(intent, doing, clock_was_set=True):
                return ask()

    @contextmanager
    def _talking(self, intent: Intent, doing: str, *, clock_was_set: bool = False) -> Iterator[None]:
        """Around every call to ccxt, and around the reading of its answer."""
        self.client.last_response_headers = None
        try:
            with self.client.guard.meaning(intent):
                yield
        except ExchangeError:
            raise
        except ccxt.InvalidNonce as error:
            if not clock_was_set and self._set_clock():
                raise _ClockWasWrong(
                    f"{self.config.exchange_id} ({doing}): the clocks had drifted apart and have been set again. "
                    "Nothing was done; it can be tried again."
                ) from error
            raise self._translated(error, intent, doing) from error
        except (ccxt.BaseError, KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
            raise self._translated(error, intent, doing) from error

    def _translated(self, error: Exception, intent: Intent, doing: str) -> ExchangeError:
        translated = translate(
            error,
            exchange=self.config.exchange_id,
            intent=intent,
            doing=doing,
            headers=self.client.last_response_headers,
            now_ms=self._now(),
        )
        if isinstance(translated, RateLimited) and translated.retry_after is None:
            translated.retry_after = self.client.guard.told_to_wait
        self.client.guard.count_error(translated)
        return translated

    def _now(self) -> int:
        """The exchange's clock, as well as this machine knows it."""
        return int(self.client.milliseconds() - self.client.options.get("timeDifference", 0))

    def _set_clock(self) -> bool:
        """Measures the difference of the clocks anew. True when it had moved, so that trying again may help."""
        before = self.client.options.get("timeDifference", 0)
        try:
            return abs(self.venue.clock.measure(self.client).offset - int(before)) >= _CLOCK_MOVED_MS
        except (ccxt.BaseError, ExchangeError, TypeError):
            return False  # the call's own error says more

    def _keep_clock(self) -> None:
        if self._taken_from is None or not self.client.has.get("fetchTime"):
            return
        try:
            self.venue.clock.keep(self.client)
        except (ccxt.BaseError, ExchangeError, TypeError) as error:
            log.info("clock not measured", venue=self.config.venue, error=str(error))


class _ClockWasWrong(TemporaryError):
    """The exchange refused a call for its time stamp, and the clock has been set since."""
