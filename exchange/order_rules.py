"""Nothing is sent that the exchange must refuse: an order is held against its market's own rules first."""

from __future__ import annotations

from decimal import Decimal

from exchange.ccxt_parsing import plain
from exchange.errors import OrderRejected
from exchange.port import OrderRequest
from strategies.contract import MarketSpec, OrderType


def refuse_what_the_exchange_must_refuse(request: OrderRequest, spec: MarketSpec) -> None:
    """Raises ``OrderRejected`` with the field, its value and the limit."""
    own_id, type_ = request.client_order_id, request.type
    if type_ is OrderType.LIMIT and request.price is None:
        raise OrderRejected(f"{own_id}: a limit order needs a price. Nothing was sent.")
    if type_ is OrderType.STOP and request.trigger_price is None:
        raise OrderRejected(f"{own_id}: a stop order needs a trigger price. Nothing was sent.")
    refuse_what_does_not_fit(
        own_id, spec, amount=request.amount, price=request.price, trigger_price=request.trigger_price
    )
    # A stop becomes a market order when it is triggered.
    at_market = spec.max_market_amount if type_ is not OrderType.LIMIT else None
    most = min(filter(None, (spec.max_amount, at_market)), default=None)
    if most is not None and request.amount > most:
        _refuse(own_id, spec, "amount", request.amount, f"is above the market's maximum of {plain(most)}")
    notional = request.price * request.amount if request.price is not None else None
    if notional is not None and spec.max_notional is not None and notional > spec.max_notional:
        limit = f"is above the market's maximum of {plain(spec.max_notional)} {spec.quote}"
        _refuse(own_id, spec, "notional", notional, limit)
    if request.reduce_only:
        return  # what is left of a position may be closed however small it is
    if request.amount < spec.min_amount:
        _refuse(own_id, spec, "amount", request.amount, f"is below the market's minimum of {plain(spec.min_amount)}")
    if notional is not None and spec.min_notional is not None and notional < spec.min_notional:
        limit = f"is below the market's minimum of {plain(spec.min_notional)} {spec.quote}"
        _refuse(own_id, spec, "notional", notional, limit)


def refuse_what_does_not_fit(
    client_order_id: str,
    spec: MarketSpec,
    *,
    amount: Decimal,
    price: Decimal | None = None,
    trigger_price: Decimal | None = None,
) -> None:
    """Digits beyond the market's increments would be cut off silently, by ccxt or by the exchange."""
    if amount <= 0 or amount % spec.step:
        limit = f"has to be a positive multiple of {plain(spec.step)}"
        _refuse(client_order_id, spec, "amount", amount, limit)
    for field, number in (("price", price), ("trigger price", trigger_price)):
        if number is not None and (number <= 0 or number % spec.tick):
            limit = f"has to be a positive multiple of {plain(spec.tick)}"
            _refuse(client_order_id, spec, field, number, limit)
        if number is not None and spec.min_price is not None and number < spec.min_price:
            _refuse(client_order_id, spec, field, number, f"is below the market's minimum of {plain(spec.min_price)}")
        if number is not None and spec.max_price is not None and number > spec.max_price:
            _refuse(client_order_id, spec, field, number, f"is above the market's maximum of {plain(spec.max_price)}")


def _refuse(client_order_id: str, spec: MarketSpec, field: str, value: Decimal, limit: str) -> None:
    raise OrderRejected(f"{client_order_id}: {field} {plain(value)} of {spec.symbol} {limit}. Nothing was sent.")
