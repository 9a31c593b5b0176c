"""Whether an account can afford an order, and whether the market can take it."""

from __future__ import annotations

from decimal import Decimal

from exchange.simulator.accounts import Account, Exposure, Market
from exchange.simulator.errors import Refusal
from exchange.simulator.instruments import Instrument
from exchange.simulator.requests import NewOrder, check_amount, check_price, check_quote_amount, too_poor

LinearMarkets = dict[str, Market]


def check_order(
    account: Account,
    request: NewOrder,
    instrument: Instrument,
    last: Decimal,
    taker_price: Decimal,
    linear: LinearMarkets,
) -> None:
    """Everything that can be wrong with a new order while the market stands at ``last``. Raises ``Refusal``."""
    if request.trigger_price:
        check_price(instrument, request.trigger_price)
        check_direction(request, last)
    if request.price:
        check_price(instrument, request.price)
    if request.in_quote:
        check_quote_amount(instrument, request.qty)
    else:
        reference = request.price or request.trigger_price or taker_price
        check_amount(instrument, request.qty, reference, is_market=request.is_market, reduce_only=request.reduce_only)
    if request.trigger_price:
        return  # a waiting order holds nothing; it is judged when it is triggered
    if request.reduce_only:
        check_reduces(account, request)
    if request.in_quote:
        check_funds_in_quote(account, instrument, request.is_buy, request.qty, taker_price, linear)
    else:
        price = request.price or taker_price
        check_funds(account, instrument, request.is_buy, request.qty, price, request.reduce_only, linear)


def check_direction(request: NewOrder, last: Decimal) -> None:
    if request.trigger_rising is True and request.trigger_price <= last:
        raise Refusal(
            110092, f"expect Rising, but trigger_price[{request.trigger_price}] <= current[{last}]??LastPrice"
        )
    if request.trigger_rising is False and request.trigger_price >= last:
        raise Refusal(
            110093, f"expect Falling, but trigger_price[{request.trigger_price}] >= current[{last}]??LastPrice"
        )


def check_reduces(account: Account, request: NewOrder) -> None:
    position = account.position(request.symbol)
    if position.size == 0:
        raise Refusal(110017, "current position is zero, cannot fix reduce-only order qty")
    if (position.size > 0) == request.is_buy:
        raise Refusal(110017, "The reduce-only order would open or add to the position")


def check_funds(
    account: Account,
    instrument: Instrument,
    is_buy: bool,
    qty: Decimal,
    price: Decimal,
    reduce_only: bool,
    linear: LinearMarkets,
) -> None:
    """Spot needs the coins; linear the margin of what would open a position, and the fee."""
    if instrument.is_spot:
        needed, coin = (qty * price, instrument.quote) if is_buy else (qty, instrument.base)
        enough = needed <= account.spendable(coin, linear)
    elif reduce_only:
        enough = True
    else:
        extra = Exposure()
        extra.add(is_buy, qty, qty * price)
        margin = account.order_margin(instrument.symbol, extra) - account.order_margin(instrument.symbol)
        fee = qty * price * instrument.taker_fee
        enough = margin <= 0 or margin + fee <= account.available(instrument.quote, linear)
    if not enough:
        raise too_poor(instrument.category)


def check_funds_in_quote(
    account: Account, instrument: Instrument, is_buy: bool, amount: Decimal, price: Decimal, linear: LinearMarkets
) -> None:
    qty = amount / price
    check_funds(account, instrument, is_buy, qty, price, False, linear)
    if qty < instrument.step:
        raise Refusal(170136, "Order quantity exceeded lower limit.")
