"""The orders that should stand, made from the state alone."""

from __future__ import annotations

from collections.abc import Iterator

from strategies.contract import MarketKind, MarketSpec, OrderType, Reason, Side, WantedOrder
from strategies.dca.config import DcaConfig
from strategies.dca.ladder import opening_side
from strategies.dca.state import CLOSING, OPEN, STARTING, DcaState

BASE_SLOT = "base"
CLOSE_SLOT = "close"
STOP_SLOT = "stop"
_SAFETY = "safety:"
_PROFIT = "take_profit:"


def safety_of(slot: str) -> int:
    """The position of a safety order, from 0, or -1 when the slot is another."""
    return int(slot.removeprefix(_SAFETY)) - 1 if slot.startswith(_SAFETY) else -1


def profit_step_of(slot: str) -> int:
    """The position of a take profit's step, from 0, or -1 when the slot is another."""
    return int(slot.removeprefix(_PROFIT)) - 1 if slot.startswith(_PROFIT) else -1


def wanted_orders(config: DcaConfig, market: MarketSpec, state: DcaState) -> tuple[WantedOrder, ...]:
    if state.wanted is None:
        state.wanted = tuple(_orders(config, market, state))
    return state.wanted


def _orders(config: DcaConfig, market: MarketSpec, state: DcaState) -> Iterator[WantedOrder]:
    side = opening_side(config)
    if state.phase == STARTING:
        yield _base(state, side)
    elif state.phase == OPEN:
        yield from _safety_orders(config, state, side)
        yield from _take_profits(config, market, state, side.opposite)
        if state.stop_amount:
            yield _stop(state, side.opposite)
    elif state.phase == CLOSING and state.close_amount:
        yield _close(market, state, side.opposite)


def _trade(state: DcaState) -> str:
    return f"deal:{state.deal}"


def _base(state: DcaState, side: Side) -> WantedOrder:
    return WantedOrder(
        BASE_SLOT,
        state.deal,
        side,
        OrderType.MARKET,
        state.base_amount,
        Reason("dca.base", {"deal": state.deal, "amount": state.base_amount, "side": side.value}),
        trade=_trade(state),
    )


def _safety_orders(config: DcaConfig, state: DcaState, side: Side) -> Iterator[WantedOrder]:
    resting = 0
    for place, done in enumerate(state.safety_done):
        if done:
            continue
        price, amount = state.safety_prices[place], state.safety_amounts[place]
        away = abs(price - state.base_price) / state.base_price * 100.0
        numbers = {"number": place + 1, "price": price, "amount": amount, "away": away, "base": state.base_price}
        yield WantedOrder(
            f"{_SAFETY}{place + 1}",
            state.deal,
            side,
            OrderType.LIMIT,
            amount,
            Reason("dca.safety", numbers),
            price,
            trade=_trade(state),
        )
        resting += 1
        if resting == config.active_safety_orders:
            return


def _take_profits(config: DcaConfig, market: MarketSpec, state: DcaState, side: Side) -> Iterator[WantedOrder]:
    trails = len(state.profit_done) - 1 if config.trailing_take_profit is not None else -1
    for step, amount in enumerate(state.profit_amounts):
        if state.profit_done[step] or not amount or step == trails:
            continue
        price = state.profit_prices[step]
        numbers = {"price": price, "amount": amount, "average": state.average, "step": step + 1}
        yield WantedOrder(
            f"{_PROFIT}{step + 1}",
            state.profit_sequences[step],
            side,
            OrderType.LIMIT,
            amount,
            Reason("dca.take_profit", numbers),
            price,
            reduce_only=market.kind is MarketKind.LINEAR,
            trade=_trade(state),
        )


def _stop(state: DcaState, side: Side) -> WantedOrder:
    return WantedOrder(
        STOP_SLOT,
        state.stop_sequence,
        side,
        OrderType.STOP,
        state.stop_amount,
        Reason("dca.stop", {"amount": state.stop_amount, "price": state.stop_price}),
        trigger_price=state.stop_price,
        reduce_only=True,
        trade=_trade(state),
        protective=True,
    )


def _close(market: MarketSpec, state: DcaState, side: Side) -> WantedOrder:
    return WantedOrder(
        CLOSE_SLOT,
        state.close_sequence,
        side,
        OrderType.MARKET,
        state.close_amount,
        Reason("dca.close", {"amount": state.close_amount, "cause": state.close_code.removeprefix("dca.")}),
        reduce_only=market.kind is MarketKind.LINEAR,
        trade=_trade(state),
    )
