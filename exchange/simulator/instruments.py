"""What can be traded, by Bybit's own rules.

The figures for the well-known coins are those of Bybit's ``/v5/market/instruments-info`` (2025); others are derived
from the candles. A tick is never coarser than the candles, so that every replayed price can be ordered at.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
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
class _Rules:
    tick: str
    step: str
    min_qty: str
    max_qty: str
    max_market_qty: str


_SPOT = {
    "BTCUSDT": _Rules("0.01", "0.000001", "0.000011", "83", "41.5"),
    "ETHUSDT": _Rules("0.01", "0.00001", "0.00036", "2173", "1086"),
    "SOLUSDT": _Rules("0.01", "0.001", "0.001", "42553", "21276"),
    "XRPUSDT": _Rules("0.0001", "0.01", "0.1", "2290000", "1145000"),
    "DOGEUSDT": _Rules("0.00001", "0.1", "1", "27000000", "13500000"),
    "SHIBUSDT": _Rules("0.00000001", "0.1", "1", "400000000000", "200000000000"),
}
_LINEAR = {
    "BTCUSDT": _Rules("0.10", "0.001", "0.001", "1190", "119"),
    "ETHUSDT": _Rules("0.01", "0.01", "0.01", "7240", "724"),
    "SOLUSDT": _Rules("0.010", "0.1", "0.1", "79770", "15954"),
    "XRPUSDT": _Rules("0.0001", "0.1", "0.1", "3333320", "1111110"),
    "DOGEUSDT": _Rules("0.00001", "1", "1", "46480000", "6640000"),
    "SHIBUSDT": _Rules("0.00000001", "10", "10", "90000000000", "9000000000"),
}


def split_symbol(symbol: str) -> tuple[str, str]:
    """``ETHUSDT`` → (``ETH``, ``USDT``)."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    raise ValueError(f"symbol {symbol!r} does not end in a known quote coin ({', '.join(QUOTES)})")


def instruments_for(series: Series, fees: Fees) -> list[Instrument]:
    """The spot pair and the perpetual of one replayed symbol."""
    return [_instrument(series, "spot", fees), _instrument(series, "linear", fees)]


def _instrument(series: Series, category: str, fees: Fees) -> Instrument:
    known = (_SPOT if category == "spot" else _LINEAR).get(series.symbol)
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
        min_notional=Decimal(5),
        maker_fee=fees.spot_maker if spot else fees.linear_maker,
        taker_fee=fees.spot_taker if spot else fees.linear_taker,
        launched=series.start,
    )


def _derived(series: Series, category: str) -> _Rules:
    """Steps worth about a tenth of a cent (spot) or ten cents (linear) at the first price."""
    price = Decimal(int(series.ohlc[0, 0])) * series.unit
    worth = Decimal("0.001") if category == "spot" else Decimal("0.1")
    step = Decimal(1).scaleb(int((worth / price).log10().to_integral_value(rounding=ROUND_FLOOR)))
    largest = (Decimal(4_000_000) / price).to_integral_value(rounding=ROUND_FLOOR) + 1
    return _Rules(f"{series.unit:f}", f"{step:f}", f"{step:f}", f"{largest:f}", f"{largest / 2:f}")
