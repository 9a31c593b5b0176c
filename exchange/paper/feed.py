"""The prices that a paper book follows: the shared ones, and closed candles where nobody looked for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exchange.fresh_price import PriceLimits, fresh_ticker
from exchange.matching import four_points
from exchange.paper.orders import PricePoint
from exchange.port import Candle, ExchangeGateway

MINUTE_MS = 60_000
CANDLES_A_PAGE = 500


class PriceFeed:
    """``public`` answers for the market; its account, if it has one, is never asked. ``now_ms`` is the wall clock."""

    def __init__(self, public: ExchangeGateway, venue: str, limits: PriceLimits, now_ms: Callable[[], int]) -> None:
        self._public = public
        self._venue = venue
        self._limits = limits
        self._now_ms = now_ms

    def now(self, symbol: str) -> PricePoint:
        """Raises ``StalePrice``: nothing is matched on an old price."""
        ticker = fresh_ticker(self._venue, symbol, gateway=self._public, now_ms=self._now_ms(), limits=self._limits)
        return PricePoint(ticker.timestamp, ticker.last)

    def path(self, symbol: str, seen: PricePoint, now: PricePoint) -> Iterator[list[PricePoint]]:
        """How the price came from ``seen`` to ``now``, in parts that are to be followed one after the other.

        After at most a minute it is taken to have come straight. After longer it went through the four points of each
        one-minute candle that opened after ``seen``; of the one that is still forming, through those that it has. Of the
        candle in which ``seen`` lies only the close counts: its extremes may have been before, and would fill orders that
        had not been placed yet.
        """
        start = seen.at // MINUTE_MS * MINUTE_MS
        while start < now.at and now.at - seen.at > MINUTE_MS:
            candles = self._public.candles(symbol, "1m", since=start, limit=CANDLES_A_PAGE)
            found = [one for one in candles if start <= one.timestamp <= now.at]
            if not found:
                break  # nothing was traded, or the exchange keeps no candles of so long ago
            yield [point for candle in found for point in _points(candle, now) if _counts(point, candle, seen)]
            start = found[-1].timestamp + MINUTE_MS
        yield [now]


def _points(candle: Candle, now: PricePoint) -> list[PricePoint]:
    """At its open, after a third and two thirds, and in its last millisecond, which a forming one has not reached."""
    prices = four_points(candle.open, candle.high, candle.low, candle.close)
    times = [candle.timestamp + offset for offset in (0, MINUTE_MS // 3, 2 * MINUTE_MS // 3, MINUTE_MS - 1)]
    points = [PricePoint(min(at, now.at), price) for at, price in zip(times, prices, strict=True)]
    return points if times[-1] < now.at else points[:-1]


def _counts(point: PricePoint, candle: Candle, seen: PricePoint) -> bool:
    if candle.timestamp >= seen.at:
        return True
    return point.at > seen.at and point.at == candle.timestamp + MINUTE_MS - 1
