"""Public market data: time, instruments, tickers, candles, a thin order book, the last trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchange.simulator.accounts import Market
from exchange.simulator.engine import Engine
from exchange.simulator.errors import Refusal, bad_parameter
from exchange.simulator.http import Asked
from exchange.simulator.instruments import CATEGORIES, EMPTY_CATEGORIES, Instrument
from exchange.simulator.orders import text
from exchange.simulator.replay import Kline

INTERVALS_MS = {
    **{str(minutes): minutes * 60_000 for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": 86_400_000,
    "W": 604_800_000,
}
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
BOOK_LEVELS = 50
DEFAULT_KLINES = 200
MAX_KLINES = 1000


def server_time(asked: Asked) -> dict[str, Any]:
    now = asked.engine.server_ms()
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


def system_status(asked: Asked) -> dict[str, Any]:
    """Empty while all is well; while a fault of maintenance stands, the entry that Bybit announces it by."""
    fault = asked.engine.faults.active("maintenance")
    if fault is None:
        return {"list": []}
    ongoing = {
        "id": f"maintenance-{fault.number}",
        "title": "System maintenance",
        "state": "ongoing",
        "begin": str(asked.engine.server_ms()),
        "end": "0",
        "href": "",
        "serviceTypes": [1, 2, 3, 4, 5],
        "product": [1, 2],
        "uidSuffix": [],
        "maintainType": 3,
        "env": 1,
    }
    return {"list": [ongoing]}


def category_of(asked: Asked) -> str:
    category = asked.text("category")
    if category not in CATEGORIES + EMPTY_CATEGORIES:
        raise Refusal(10001, f"Illegal category [{category}]")
    return category


def selected(asked: Asked, category: str) -> list[Market]:
    """The markets that ``symbol`` or ``baseCoin`` ask for; none of the categories that are not simulated."""
    if category in EMPTY_CATEGORIES:
        return []
    markets = asked.engine.markets[category]
    symbol = asked.text("symbol")
    if symbol:
        if symbol not in markets:
            raise Refusal(10001, "Not supported symbols")
        return [markets[symbol]]
    base = asked.text("baseCoin")
    return [market for market in markets.values() if not base or market.instrument.base == base]


def instruments_info(asked: Asked) -> dict[str, Any]:
    """Closed symbols are told of only to who asks for them, by name or by status."""
    category = category_of(asked)
    status = asked.text("status") or ("" if asked.text("symbol") else "Trading")
    found = []
    for market in selected(asked, category):
        described = market.instrument.describe()
        if asked.engine.is_closed(category, market.instrument.symbol):
            described["status"] = "Closed"
        if status in ("", described["status"]):
            found.append(described)
    return {"category": category, "list": found, "nextPageCursor": ""}


def tickers(asked: Asked) -> dict[str, Any]:
    category = category_of(asked)
    traded = [
        market for market in selected(asked, category) if not asked.engine.is_closed(category, market.instrument.symbol)
    ]
    if asked.text("symbol") and category not in EMPTY_CATEGORIES and not traded:
        raise Refusal(10001, "Not supported symbols")
    return {"category": category, "list": [ticker(asked.engine, market) for market in traded]}


def ticker(engine: Engine, market: Market) -> dict[str, Any]:
    """The day's figures and the best prices, one tick off the last one on either side.

    ``time``, which Bybit does not send, is the market's: without it ccxt's ticker has no timestamp.
    """
    instrument = market.instrument
    point = engine.shown_point("tickers", market)
    time = engine.replay.time_of(point)
    last = market.last if point == engine.replay.point else engine.floor.price_at(instrument.symbol, point)
    figures = day_figures(engine, instrument, point)
    described: dict[str, Any] = {
        "symbol": instrument.symbol,
        "bid1Price": _price(instrument, last - instrument.tick),
        "bid1Size": "1000",
        "ask1Price": _price(instrument, last + instrument.tick),
        "ask1Size": "1000",
        "lastPrice": _price(instrument, last),
        **figures,
        "time": str(time),
    }
    if instrument.is_spot:
        described["usdIndexPrice"] = described["lastPrice"]
        return described
    next_funding = (time // (8 * HOUR_MS) + 1) * 8 * HOUR_MS
    described.update(
        {
            "prevPrice1h": figures["prevPrice24h"],
            "indexPrice": described["lastPrice"],
            "markPrice": described["lastPrice"],
            "openInterest": "0",
            "openInterestValue": "0",
            "fundingRate": "0",
            "nextFundingTime": str(next_funding),
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
            "basis": "",
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
            "fundingIntervalHour": "8",
        }
    )
    return described


def day_figures(engine: Engine, instrument: Instrument, point: int) -> dict[str, str]:
    """What happened in the 24 hours before ``point`` on the market's clock."""
    track = engine.replay.tracks[instrument.symbol]
    day = track.last_day(point)
    unit = track.series.unit
    return {
        "prevPrice24h": _price(instrument, day.open * unit),
        "price24hPcnt": f"{day.close / day.open - 1:.6f}",
        "highPrice24h": _price(instrument, day.high * unit),
        "lowPrice24h": _price(instrument, day.low * unit),
        "turnover24h": f"{day.turnover:.4f}",
        "volume24h": f"{day.volume:.6f}",
    }


def _price(instrument: Instrument, price: Decimal) -> str:
    return f"{price.quantize(instrument.tick):f}"


def interval_of(written: str) -> int:
    interval = INTERVALS_MS.get(written)
    if interval is None:
        raise Refusal(10001, f"Invalid period! [{written}]: {', '.join(INTERVALS_MS)} are simulated")
    return interval


def kline(asked: Asked) -> dict[str, Any]:
    """Newest first, as Bybit answers."""
    category = category_of(asked)
    symbol = asked.text("symbol")
    market = asked.engine.floor.market(category, symbol)
    limit = min(asked.number("limit") or DEFAULT_KLINES, MAX_KLINES)
    interval = interval_of(asked.text("interval"))
    found = klines(asked.engine, market, interval, asked.number("start"), asked.number("end"), limit)
    rows = [kline_row(asked.engine, market, one) for one in reversed(found)]
    return {"category": category, "symbol": symbol, "list": rows}


def klines(
    engine: Engine, market: Market, interval_ms: int, since: int | None, until: int | None, limit: int
) -> list[Kline]:
    point = engine.shown_point("klines", market)
    try:
        return engine.replay.tracks[market.instrument.symbol].klines(point, interval_ms, since, until, limit)
    except ValueError as error:
        raise bad_parameter(str(error)) from error


def kline_row(engine: Engine, market: Market, one: Kline) -> list[str]:
    """start, open, high, low, close, volume, turnover."""
    instrument = market.instrument
    unit = engine.replay.tracks[instrument.symbol].series.unit
    prices = [_price(instrument, value * unit) for value in (one.open, one.high, one.low, one.close)]
    return [str(one.start), *prices, f"{one.volume:.6f}", f"{one.turnover:.4f}"]


def book(engine: Engine, market: Market, levels: int) -> dict[str, Any]:
    """A synthetic book: one tick between levels, around the last price, the same amount everywhere."""
    instrument = market.instrument
    tick = instrument.tick
    steps = range(1, min(levels, BOOK_LEVELS) + 1)
    return {
        "s": instrument.symbol,
        "b": [[_price(instrument, market.last - tick * n), "1000"] for n in steps if market.last > tick * n],
        "a": [[_price(instrument, market.last + tick * n), "1000"] for n in steps],
        "ts": engine.replay.time,
        "u": engine.replay.point + 1,
        "seq": engine.replay.point + 1,
        "cts": engine.replay.time,
    }


def orderbook(asked: Asked) -> dict[str, Any]:
    market = asked.engine.floor.market(category_of(asked), asked.text("symbol"))
    return book(asked.engine, market, asked.number("limit") or 1)


def last_trade(engine: Engine, market: Market) -> dict[str, Any]:
    """The market's own trade at the current point; who traded is not told."""
    return {
        "execId": f"{market.instrument.symbol}-{engine.replay.point}",
        "symbol": market.instrument.symbol,
        "price": _price(market.instrument, market.last),
        "size": text(market.instrument.min_qty),
        "side": "Buy",
        "time": str(engine.replay.time),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(engine.replay.point),
    }


def recent_trade(asked: Asked) -> dict[str, Any]:
    category = category_of(asked)
    market = asked.engine.floor.market(category, asked.text("symbol"))
    return {"category": category, "list": [last_trade(asked.engine, market)]}
