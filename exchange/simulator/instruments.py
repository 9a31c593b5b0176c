"""What can be traded, by Bybit's own rules.

The figures for the well-known coins are those of Bybit's ``/v5/market/instruments-info`` (2025); others are derived
from the candles. A tick is never coarser than the candles, so that every replayed price can be ordered at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from exchange.simulator.replay import Series

CATEGORIES = ("spot", "linear")
# Bybit's other categories: they can be asked about, and hold nothing.
EMPTY_CATEGORIES = ("inverse", "option")
QUOTES = ("USDT", "USDC", "USD", "BTC", "ETH", "EUR")


@dataclass(frozen=True, slots=True)
class Fees:
    """Fractions of what is traded."""

    spot_maker: Decimal = Decimal("0.001")
    spot_taker: Decimal = Decimal("0.001")
    linear_maker: Decimal = Decimal("0.0002")
    linear_taker: Decimal = Decimal("0.00055")


@dataclass(frozen=True, slots=True)
class Instrument:
    """``step`` is spot's basePrecision or linear's qtyStep. ``quote_precision`` bounds spot amounts in quote."""

    category: str
    symbol: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    max_qty: Decimal
    max_market_qty: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    quote_precision: Decimal = Decimal("0.00000001")
    max_leverage: Decimal = Decimal(100)
    launched: int = 0

    @property
    def is_spot(self) -> bool:
        return self.category == "spot"

    def describe(self) -> dict[str, Any]:
        """The entry of ``instruments-info``."""
        return self._describe_spot() if self.is_spot else self._describe_linear()

    def _describe_spot(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "innovation": "0",
            "status": "Trading",
            "marginTrading": "none",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": f"{self.step:f}",
                "quotePrecision": f"{self.quote_precision:f}",
                "minOrderQty": f"{self.min_qty:f}",
                "maxOrderQty": f"{self.max_qty:f}",
                "minOrderAmt": f"{self.min_notional:f}",
                "maxOrderAmt": "4000000",
                "maxLimitOrderQty": f"{self.max_qty:f}",
                "maxMarketOrderQty": f"{self.max_market_qty:f}",
            },
            "priceFilter": {"tickSize": f"{self.tick:f}"},
            "riskParameters": {"priceLimitRatioX": "0.5", "priceLimitRatioY": "0.5"},
        }

    def _describe_linear(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "contractType": "LinearPerpetual",
            "status": "Trading",
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "launchTime": str(self.launched),
            "deliveryTime": "0",
            "deliveryFeeRate": "",
            "priceScale": str(-int(self.tick.as_tuple().exponent)),
            "leverageFilter": {
                "minLeverage": "1",
                "maxLeverage": f"{self.max_leverage:.2f}",
                "leverageStep": "0.01",
            },
            "priceFilter": {"minPrice": f"{self.tick:f}", "maxPrice": "1999999.80", "tickSize": f"{self.tick:f}"},
            "lotSizeFilter": {
                "maxOrderQty": f"{self.max_qty:f}",
                "minOrderQty": f"{self.min_qty:f}",
                "qtyStep": f"{self.step:f}",
                "postOnlyMaxOrderQty": f"{self.max_qty:f}",
                "maxMktOrderQty": f"{self.max_market_qty:f}",
                "minNotionalValue": f"{self.min_notional:f}",
            },
            "unifiedMarginTrade": True,
            "fundingInterval": 480,
            "settleCoin": self.quote,
            "copyTrading": "none",
            "upperFundingRate": "0.00375",
            "lowerFundingRate": "-0.00375",
            "isPreListing": False,
            "preListingInfo": None,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """What an instrument can be ordered in; ``min_notional`` is in quote. Numbers as the exchange writes them."""

    tick: str
    step: str
    min_qty: str
    max_qty: str
    max_market_qty: str
    min_notional: str = "5"


# By category and symbol, as ``linear/BTCUSDT``: they go before the rules that are known.
OwnRules = Mapping[str, Rules]


def read_rules(data: Any) -> OwnRules:
    """``{"linear/BTCUSDT": {"tick": "0.1", …}}`` as JSON gives it. Raises ``ValueError`` that names what is wrong."""
    if not isinstance(data, dict):
        raise ValueError('instruments are an object by market, as {"linear/BTCUSDT": {"tick": "0.1", …}}')
    return {str(name): _read_rules(str(name), stated) for name, stated in data.items()}


def _read_rules(name: str, stated: Any) -> Rules:
    category, _, symbol = name.partition("/")
    if category not in CATEGORIES or not symbol:
        raise ValueError(f"{name} is no market: write spot/ or linear/ and the symbol, as linear/BTCUSDT")
    known = {each.name for each in fields(Rules)}
    if not isinstance(stated, dict) or not known - {"min_notional"} <= set(stated) <= known:
        raise ValueError(f"{name} has to state {', '.join(sorted(known))}, min_notional if you like, and nothing else")
    for field, value in stated.items():
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError) as error:
            raise ValueError(f"{name}: {field} {value!r} is no number written as text") from error
        if not number.is_finite() or number < 0 or (not number and field != "min_notional"):
            raise ValueError(f"{name}: {field} {value} is no increment or limit that a market can have")
    return Rules(**stated)


_SPOT = {
    "BTCUSDT": Rules("0.01", "0.000001", "0.000011", "83", "41.5"),
    "ETHUSDT": Rules("0.01", "0.00001", "0.00036", "2173", "1086"),
    "SOLUSDT": Rules("0.01", "0.001", "0.001", "42553", "21276"),
    "XRPUSDT": Rules("0.0001", "0.01", "0.1", "2290000", "1145000"),
    "DOGEUSDT": Rules("0.00001", "0.1", "1", "27000000", "13500000"),
    "SHIBUSDT": Rules("0.00000001", "0.1", "1", "400000000000", "200000000000"),
}
_LINEAR = {
    "BTCUSDT": Rules("0.10", "0.001", "0.001", "1190", "119"),
    "ETHUSDT": Rules("0.01", "0.01", "0.01", "7240", "724"),
    "SOLUSDT": Rules("0.010", "0.1", "0.1", "79770", "15954"),
    "XRPUSDT": Rules("0.0001", "0.1", "0.1", "3333320", "1111110"),
    "DOGEUSDT": Rules("0.00001", "1", "1", "46480000", "6640000"),
    "SHIBUSDT": Rules("0.00000001", "10", "10", "90000000000", "9000000000"),
}


def split_symbol(symbol: str) -> tuple[str, str]:
    """``ETHUSDT`` → (``ETH``, ``USDT``)."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    raise ValueError(f"symbol {symbol!r} does not end in a known quote coin ({', '.join(QUOTES)})")


def instruments_for(series: Series, fees: Fees, own: OwnRules | None = None) -> list[Instrument]:
    """The spot pair and the perpetual of one replayed symbol."""
    return [_instrument(series, category, fees, own or {}) for category in CATEGORIES]


def _instrument(series: Series, category: str, fees: Fees, own: OwnRules) -> Instrument:
    known = own.get(f"{category}/{series.symbol}") or (_SPOT if category == "spot" else _LINEAR).get(series.symbol)
    rules = known or _derived(series, category)
    base, quote = split_symbol(series.symbol)
    spot = category == "spot"
    tick = Decimal(rules.tick)
    # Candles finer than Bybit's tick would otherwise give prices that nobody could order at.
    tick = tick if series.decimals <= -int(tick.normalize().as_tuple().exponent) else series.unit
    return Instrument(
        category=category,
        symbol=series.symbol,
        base=base,
        quote=quote,
        tick=tick,
        step=Decimal(rules.step),
        min_qty=Decimal(rules.min_qty),
        max_qty=Decimal(rules.max_qty),
        max_market_qty=Decimal(rules.max_market_qty),
        min_notional=Decimal(rules.min_notional),
        maker_fee=fees.spot_maker if spot else fees.linear_maker,
        taker_fee=fees.spot_taker if spot else fees.linear_taker,
        launched=series.start,
    )


def _derived(series: Series, category: str) -> Rules:
    """Steps worth about a tenth of a cent (spot) or ten cents (linear) at the first price."""
    price = Decimal(int(series.ohlc[0, 0])) * series.unit
    worth = Decimal("0.001") if category == "spot" else Decimal("0.1")
    step = Decimal(1).scaleb(int((worth / price).log10().to_integral_value(rounding=ROUND_FLOOR)))
    largest = (Decimal(4_000_000) / price).to_integral_value(rounding=ROUND_FLOOR) + 1
    return Rules(f"{series.unit:f}", f"{step:f}", f"{step:f}", f"{largest:f}", f"{largest / 2:f}")
