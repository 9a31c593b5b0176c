"""Reading order requests: what Bybit requires of each field, answered with Bybit's codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from exchange.simulator.errors import Refusal, bad_parameter
from exchange.simulator.instruments import CATEGORIES, Instrument
from exchange.simulator.orders import ZERO, text

TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "PostOnly")
# Attached take profits and stop losses, trailing stops and price bands are other endpoints' business.
NOT_SIMULATED = ("takeProfit", "stopLoss", "tpslMode", "slLimitPrice", "tpLimitPrice", "bboSideType", "orderIv")
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A well-formed request. ``qty`` is in quote when ``market_unit`` says so; 0 stands for a price not given."""

    category: str
    symbol: str
    is_buy: bool
    is_market: bool
    qty: Decimal
    price: Decimal
    time_in_force: str
    link_id: str
    reduce_only: bool
    close_on_trigger: bool
    market_unit: str
    trigger_price: Decimal
    trigger_rising: bool | None
    trigger_by: str

    @property
    def in_quote(self) -> bool:
        return self.market_unit == "quoteCoin"


def read_text(body: Body, name: str) -> str:
    value = body.get(name)
    return "" if value is None else str(value)


def read_decimal(body: Body, name: str) -> Decimal:
    """0 when absent or empty; 10001 when it is no number."""
    written = read_text(body, name)
    if not written:
        return ZERO
    try:
        number = Decimal(written)
    except InvalidOperation as error:
        raise bad_parameter(f"{name} [{written}] is not a number") from error
    if not number.is_finite() or number < 0:
        raise bad_parameter(f"{name} [{written}] must not be negative")
    return number


def read_flag(body: Body, name: str) -> bool:
    value = body.get(name, False)
    return value is True or value == "true"


def read_category(body: Body) -> str:
    category = read_text(body, "category")
    if category not in CATEGORIES:
        raise Refusal(10001, f"Illegal category [{category}]: spot and linear are simulated")
    return category


def read_order(body: Body) -> NewOrder:
    """The fields of ``/v5/order/create``. What it means for the market is checked by :func:`check_order`."""
    category = read_category(body)
    side = read_text(body, "side")
    if side not in ("Buy", "Sell"):
        raise bad_parameter(f"Side invalid [{side}]")
    order_type = read_text(body, "orderType")
    if order_type not in ("Limit", "Market"):
        raise bad_parameter(f"OrderType invalid [{order_type}]")
    is_market = order_type == "Market"
    time_in_force = read_text(body, "timeInForce") or "GTC"
    if time_in_force not in TIMES_IN_FORCE:
        raise bad_parameter(f"TimeInForce invalid [{time_in_force}]")
    link_id = read_text(body, "orderLinkId")
    if link_id and not _LINK_ID.fullmatch(link_id):
        raise bad_parameter("orderLinkId takes at most 36 letters, digits, dashes and underscores")
    if read_text(body, "positionIdx") not in ("", "0"):
        raise Refusal(10001, "position idx not match position mode")
    for name in NOT_SIMULATED:
        if read_text(body, name) not in ("", "0"):
            raise bad_parameter(f"{name} is not simulated")
    qty = read_decimal(body, "qty")
    if not qty:
        raise bad_parameter("Qty invalid")
    price = ZERO if is_market else read_decimal(body, "price")
    if not is_market and not price:
        raise bad_parameter("Price invalid")
    trigger_price = read_decimal(body, "triggerPrice")
    direction = read_text(body, "triggerDirection")
    if trigger_price and category == "linear" and direction not in ("1", "2"):
        raise bad_parameter("TriggerDirection invalid: 1 waits for a rise, 2 for a fall")
    market_unit = ""
    if category == "spot" and is_market:
        market_unit = read_text(body, "marketUnit") or ("quoteCoin" if side == "Buy" else "baseCoin")
        if market_unit not in ("baseCoin", "quoteCoin"):
            raise bad_parameter(f"MarketUnit invalid [{market_unit}]")
    return NewOrder(
        category=category,
        symbol=read_text(body, "symbol"),
        is_buy=side == "Buy",
        is_market=is_market,
        qty=qty,
        price=price,
        time_in_force="IOC" if is_market else time_in_force,
        link_id=link_id,
        reduce_only=read_flag(body, "reduceOnly") and category == "linear",
        close_on_trigger=read_flag(body, "closeOnTrigger"),
        market_unit=market_unit,
        trigger_price=trigger_price,
        trigger_rising={"1": True, "2": False}.get(direction) if trigger_price else None,
        trigger_by=(read_text(body, "triggerBy") or "LastPrice") if trigger_price else "",
    )


def check_price(instrument: Instrument, price: Decimal) -> None:
    if price % instrument.tick:
        if instrument.is_spot:
            raise Refusal(170134, "Order price has too many decimals.")
        raise bad_parameter(f"Price invalid: {text(price)} is not a multiple of {text(instrument.tick)}")


def check_amount(instrument: Instrument, qty: Decimal, price: Decimal, *, is_market: bool, reduce_only: bool) -> None:
    """Lot size and least value of ``qty`` in base at ``price``."""
    largest = instrument.max_market_qty if is_market else instrument.max_qty
    if instrument.is_spot:
        if qty % instrument.step:
            raise Refusal(170137, "Order quantity has too many decimals.")
        if qty < instrument.min_qty:
            raise Refusal(170136, f"Order quantity exceeded lower limit: {text(instrument.min_qty)}.")
        if qty > largest:
            raise Refusal(170135, f"Order quantity exceeded upper limit: {text(largest)}.")
        if qty * price < instrument.min_notional:
            raise Refusal(170140, "Order value exceeded lower limit.")
        return
    if qty % instrument.step:
        raise bad_parameter(f"Qty invalid: {text(qty)} is not a multiple of {text(instrument.step)}")
    if qty < instrument.min_qty:
        raise Refusal(10001, "The number of contracts exceeds minimum limit allowed")
    if qty > largest:
        raise Refusal(10001, "The number of contracts exceeds maximum limit allowed: too large")
    if qty * price < instrument.min_notional and not reduce_only:
        raise Refusal(110094, f"Order does not meet minimum order value {text(instrument.min_notional)}USDT")


def check_quote_amount(instrument: Instrument, amount: Decimal) -> None:
    """A spot market order's amount in quote."""
    if amount % instrument.quote_precision:
        raise Refusal(170148, "Market order amount decimal too long.")
    if amount < instrument.min_notional:
        raise Refusal(170140, "Order value exceeded lower limit.")


def unknown_order(category: str) -> Refusal:
    if category == "spot":
        return Refusal(170213, "Order does not exist.")
    return Refusal(110001, "order not exists or too late to cancel")


def duplicate_link_id(category: str) -> Refusal:
    if category == "spot":
        return Refusal(170141, "Duplicate clientOrderId")
    return Refusal(110072, "OrderLinkedID is duplicate")


def closed_symbol(category: str) -> Refusal:
    if category == "spot":
        return Refusal(170157, "The trading pair is not available for api trading.")
    return Refusal(110074, "This contract is not live")


def too_poor(category: str) -> Refusal:
    if category == "spot":
        return Refusal(170131, "Insufficient balance.")
    return Refusal(110007, "ab not enough for new order")


def unknown_symbol(category: str, symbol: str) -> Refusal:
    if category == "spot":
        return Refusal(170121, "Invalid symbol.")
    return bad_parameter(f"symbol invalid {symbol}")
