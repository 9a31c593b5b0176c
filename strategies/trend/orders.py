"""The orders that should stand in a state."""

from __future__ import annotations

from strategies.contract import MarketKind, MarketSpec, OrderType, Reason, Side, WantedOrder
from strategies.trend.config import EntryOrder, TrendConfig, targets_of
from strategies.trend.state import ENTERING, TrendState

ENTRY_SLOT = "entry"
STOP_SLOT = "stop"


def target_slot(number: int) -> str:
    """``number`` counts from 0, the slots from 1."""
    return f"target:{number + 1}"


def closable(amount: float, price: float, market: MarketSpec) -> float:
    """What of ``amount`` (base, positive) can be closed at ``price``: rounded down to the step, 0 where it is too little.

    On linear markets closing orders reduce only, and may be worth less than the market's minimum.
    """
    size = market.quantise_amount(max(amount, 0.0))
    if size < market.min_amount or size <= 0:
        return 0.0
    if (
        market.kind is MarketKind.SPOT
        and market.min_notional is not None
        and float(size) * price < float(market.min_notional)
    ):
        return 0.0
    return float(size)


def wanted_orders(config: TrendConfig, market: MarketSpec, state: TrendState) -> tuple[WantedOrder, ...]:
    """The stop first: where it has to become smaller for a target on spot, that comes before the target's order."""
    if state.wanted is None:
        orders = [_stop(market, state)] if state.stop_amount else []
        orders += [_target(config, market, state, each) for each, wanted in enumerate(state.target_open) if wanted]
        if state.phase == ENTERING:
            orders.append(_entry(config, state))
        state.wanted = tuple(orders)
    return state.wanted


def _entry(config: TrendConfig, state: TrendState) -> WantedOrder:
    limit = config.entry_order is EntryOrder.LIMIT
    numbers: dict[str, float | int | str] = {
        "kind": state.kind,
        "amount": state.entry_amount,
        "price": state.entry_price,
        "stop": _first_stop(state),
    }
    return WantedOrder(
        ENTRY_SLOT,
        state.trade,
        Side.BUY if state.side > 0 else Side.SELL,
        OrderType.LIMIT if limit else OrderType.MARKET,
        state.entry_amount,
        Reason("trend.entry", numbers),
        price=state.entry_price if limit else None,
        trade=trade_key(state),
    )


def _stop(market: MarketSpec, state: TrendState) -> WantedOrder:
    return WantedOrder(
        STOP_SLOT,
        state.stop_sequence,
        Side.SELL if state.side > 0 else Side.BUY,
        OrderType.STOP,
        state.stop_amount,
        Reason("trend.stop", {"amount": state.stop_amount, "price": state.stop}),
        trigger_price=state.stop,
        reduce_only=market.kind is MarketKind.LINEAR,
        trade=trade_key(state),
        protective=True,
    )


def _target(config: TrendConfig, market: MarketSpec, state: TrendState, number: int) -> WantedOrder:
    rests = market.kind is MarketKind.LINEAR
    amount, price = state.target_amounts[number], state.target_prices[number]
    multiple = float(targets_of(config.targets)[number].multiple) if number < len(targets_of(config.targets)) else 0.0
    return WantedOrder(
        target_slot(number),
        state.trade,
        Side.SELL if state.side > 0 else Side.BUY,
        OrderType.LIMIT if rests else OrderType.MARKET,
        amount,
        Reason("trend.target", {"amount": amount, "price": price, "multiple": multiple}),
        price=price if rests else None,
        reduce_only=rests,
        trade=trade_key(state),
    )


def trade_key(state: TrendState) -> str:
    return f"trend:{state.trade}"


def _first_stop(state: TrendState) -> float:
    return state.entry_price - state.side * state.risk
