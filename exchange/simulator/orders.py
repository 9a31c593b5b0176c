"""An order and an execution as the simulated exchange keeps and shows them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

import orjson

ZERO = Decimal(0)

# What of an order's life is still to come. ``Untriggered`` waits for its trigger price.
OPEN_STATUSES = frozenset({"New", "PartiallyFilled", "Untriggered"})

POST_ONLY_CROSSED = "EC_PostOnlyWillTakeLiquidity"
NOTHING_TO_FILL = "EC_NoImmediateQtyToFill"
SYMBOL_CLOSED = "EC_InvalidSymbolStatus"
NOT_ENOUGH_TO_FILL = "EC_NoEnoughQtyToFill"


def text(number: Decimal) -> str:
    """A decimal in plain notation without trailing zeros, as ccxt and Bybit write them."""
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


@dataclass(slots=True)
class Order:
    """Amounts in base, prices in quote, times in ms of the market's clock.

    ``qty`` of a spot market order with ``market_unit`` ``quoteCoin`` is in quote. ``sequence`` numbers orders as they
    came in; ``arrival`` is their place in the queue, renewed when an amendment gives the old place up.
    """

    order_id: str
    link_id: str
    account: str
    category: str
    symbol: str
    is_buy: bool
    is_market: bool
    qty: Decimal
    price: Decimal
    time_in_force: str
    status: str
    sequence: int
    arrival: int
    created: int
    updated: int
    price_on_created: Decimal
    reduce_only: bool = False
    close_on_trigger: bool = False
    market_unit: str = ""
    trigger_price: Decimal = ZERO
    trigger_rising: bool = False
    trigger_by: str = ""
    filled: Decimal = ZERO
    filled_value: Decimal = ZERO
    fee: Decimal = ZERO
    fee_coin: str = ""
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    rendered: bytes = field(default=b"", repr=False, compare=False)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def market(self) -> str:
        """``category/SYMBOL``, as rules of faults name it."""
        return f"{self.category}/{self.symbol}"

    @property
    def is_conditional(self) -> bool:
        return self.trigger_price > 0

    @property
    def in_quote(self) -> bool:
        return self.market_unit == "quoteCoin"

    @property
    def left(self) -> Decimal:
        """What can still be filled, in base; 0 for an amount given in quote, which fills at once or never."""
        return ZERO if self.in_quote else self.qty - self.filled

    def changed(self, now: int) -> None:
        self.updated = now
        self.rendered = b""

    def finish(self, status: str, now: int, *, cancel_type: str = "UNKNOWN", reason: str = "EC_NoError") -> None:
        self.status = status
        self.cancel_type = cancel_type
        self.reject_reason = reason
        self.changed(now)

    def json(self) -> bytes:
        """The rendered order, kept until it changes: lists of open orders are asked for far more often."""
        if not self.rendered:
            self.rendered = orjson.dumps(self.describe())
        return self.rendered

    def describe(self) -> dict[str, Any]:
        """The entry of ``/v5/order/realtime``. Spot has no ``tpslMode``, by which ccxt tells the two apart."""
        left = self.left if self.is_open else ZERO
        spot = self.category == "spot"
        described: dict[str, Any] = {
            "orderId": self.order_id,
            "orderLinkId": self.link_id,
            "blockTradeId": "",
            "symbol": self.symbol,
            "price": text(self.price),
            "qty": text(self.qty),
            "side": "Buy" if self.is_buy else "Sell",
            "isLeverage": "0" if spot else "",
            "positionIdx": 0,
            "orderStatus": self.status,
            "createType": "CreateByUser",
            "cancelType": self.cancel_type,
            "rejectReason": self.reject_reason,
            "avgPrice": text(average(self.filled_value, self.filled)) if self.filled else "",
            "leavesQty": text(left),
            "leavesValue": text(left * self.price),
            "cumExecQty": text(self.filled),
            "cumExecValue": text(self.filled_value),
            "cumExecFee": text(self.fee),
            "cumFeeDetail": {self.fee_coin: text(self.fee)} if self.fee_coin else {},
            "timeInForce": self.time_in_force,
            "orderType": "Market" if self.is_market else "Limit",
            "stopOrderType": "Stop" if self.is_conditional else "",
            "orderIv": "",
            "marketUnit": self.market_unit,
            "triggerPrice": text(self.trigger_price) if self.is_conditional else "",
            "takeProfit": "",
            "stopLoss": "",
            "tpslMode": "",
            "ocoTriggerBy": "",
            "tpLimitPrice": "",
            "slLimitPrice": "",
            "tpTriggerBy": "",
            "slTriggerBy": "",
            "triggerDirection": (1 if self.trigger_rising else 2) if self.is_conditional and not spot else 0,
            "triggerBy": self.trigger_by,
            "lastPriceOnCreated": text(self.price_on_created),
            "reduceOnly": self.reduce_only,
            "closeOnTrigger": self.close_on_trigger,
            "placeType": "",
            "smpType": "None",
            "smpGroup": 0,
            "smpOrderId": "",
            "createdTime": str(self.created),
            "updatedTime": str(self.updated),
        }
        if spot:
            del described["tpslMode"]
        return described

    def dump(self) -> bytes:
        """Everything that :meth:`load` needs, as JSON."""
        return orjson.dumps([_plain(getattr(self, name)) for name in _STORED])

    @staticmethod
    def load(state: bytes) -> Order:
        values = orjson.loads(state)
        named = dict(zip(_STORED, values, strict=True))
        for name in _DECIMALS:
            named[name] = Decimal(named[name])
        return Order(**named)


_STORED = tuple(one.name for one in fields(Order) if one.name != "rendered")
_DECIMALS = ("qty", "price", "price_on_created", "trigger_price", "filled", "filled_value", "fee")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def average(value: Decimal, amount: Decimal) -> Decimal:
    """``value / amount``, rounded to 12 decimals when it does not come out even."""
    exact = value / amount
    return exact if len(exact.as_tuple().digits) < 20 else round(exact, 12)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. ``fee`` is in ``fee_coin``; ``closed`` is how much of it reduced a linear position."""

    exec_id: str
    sequence: int
    order: Order
    price: Decimal
    qty: Decimal
    value: Decimal
    fee: Decimal
    fee_rate: Decimal
    fee_coin: str
    is_maker: bool
    closed: Decimal
    left: Decimal
    time: int

    def describe(self) -> dict[str, Any]:
        """The entry of ``/v5/execution/list`` and of the ``execution`` topic. Spot has no ``createType``."""
        order = self.order
        described: dict[str, Any] = {
            "category": order.category,
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderLinkId": order.link_id,
            "side": "Buy" if order.is_buy else "Sell",
            "orderPrice": text(order.price),
            "orderQty": text(order.qty),
            "leavesQty": text(self.left),
            "createType": "CreateByUser",
            "orderType": "Market" if order.is_market else "Limit",
            "stopOrderType": "Stop" if order.is_conditional else "UNKNOWN",
            "execFee": text(self.fee),
            "execId": self.exec_id,
            "execPrice": text(self.price),
            "execQty": text(self.qty),
            "execType": "Trade",
            "execValue": text(self.value),
            "execTime": str(self.time),
            "feeCurrency": self.fee_coin,
            "isMaker": self.is_maker,
            "isLeverage": "0",
            "feeRate": text(self.fee_rate),
            "tradeIv": "",
            "markIv": "",
            "markPrice": text(self.price),
            "indexPrice": "",
            "underlyingPrice": "",
            "blockTradeId": "",
            "closedSize": text(self.closed),
            "extraFees": "",
            "seq": self.sequence,
        }
        if order.category == "spot":
            del described["createType"]
        return described
