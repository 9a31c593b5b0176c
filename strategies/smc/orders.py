"""The orders that should stand for what the bot holds and is about to hold."""

from __future__ import annotations

from strategies.contract import MarketKind, MarketSpec, OrderType, Reason, Side, WantedOrder
from strategies.smc.book import CLOSE, ENTRY, PARTIAL, STOP, TARGET, TIDY, slot_name, tradable
from strategies.smc.config import SmcConfig
from strategies.smc.state import ENTERING, OPEN, SmcState, Trade


def wanted_orders(config: SmcConfig, market: MarketSpec, state: SmcState) -> tuple[WantedOrder, ...]:
    orders: list[WantedOrder] = []
    for trade in state.trades:
        if trade.phase == ENTERING:
            orders.append(_entry(trade))
        if trade.phase == OPEN:
            orders += _targets(config, market, trade)
        if market.kind is MarketKind.LINEAR:
            orders += _stop(market, trade)
        if trade.closing:
            orders.append(_close(market, trade))
    if state.tidy:
        orders.append(
            WantedOrder(
                TIDY,
                state.tidy_sequence,
                Side.BUY if state.tidy > 0.0 else Side.SELL,
                OrderType.MARKET,
                abs(state.tidy),
                Reason("smc.tidy", {"amount": abs(state.tidy)}),
                reduce_only=market.kind is MarketKind.LINEAR,
                trade=TIDY,
            )
        )
    return tuple(orders)


def _entry(trade: Trade) -> WantedOrder:
    numbers: dict[str, float | int | str] = {
        "side": "buy" if trade.side > 0 else "sell",
        "amount": trade.amount,
        "pattern": trade.pattern,
        "confidence": trade.confidence * 100.0,
        "stop": trade.stop,
        "target": trade.target,
    }
    return WantedOrder(
        slot_name(ENTRY, trade),
        trade.number,
        _opening(trade),
        OrderType.MARKET,
        trade.amount,
        Reason("smc.entry", numbers),
        trade=trade.tag,
    )


def _targets(config: SmcConfig, market: MarketSpec, trade: Trade) -> list[WantedOrder]:
    part_at = trade.entry + trade.side * float(config.partial_at) * trade.risk
    wishes = (
        (PARTIAL, trade.partial, trade.partial_done, part_at, "smc.partial"),
        (TARGET, trade.rest, trade.rest_done, trade.target, "smc.target"),
    )
    return [
        WantedOrder(
            slot_name(kind, trade),
            trade.number,
            _opening(trade).opposite,
            OrderType.LIMIT,
            amount,
            Reason(code, {"amount": amount, "price": price, "entry": trade.entry}),
            price,
            reduce_only=market.kind is MarketKind.LINEAR,
            trade=trade.tag,
        )
        for kind, amount, done, price, code in wishes
        if amount and not done
    ]


def _stop(market: MarketSpec, trade: Trade) -> list[WantedOrder]:
    """All that is held, and what the order has closed already: an order's amount is the whole order's."""
    held = tradable(market, trade.held, trade.stop, closing=True)
    if not held or trade.stop_done:
        return []
    amount = float(market.quantise_amount(held + trade.stopped))
    return [
        WantedOrder(
            slot_name(STOP, trade),
            trade.number,
            _opening(trade).opposite,
            OrderType.STOP,
            amount,
            Reason("smc.stop", {"amount": held, "price": trade.stop, "entry": trade.entry}),
            trigger_price=trade.stop,
            reduce_only=True,
            trade=trade.tag,
            protective=True,
        )
    ]


def _close(market: MarketSpec, trade: Trade) -> WantedOrder:
    return WantedOrder(
        slot_name(CLOSE, trade),
        trade.close_sequence,
        _opening(trade).opposite,
        OrderType.MARKET,
        trade.closing,
        Reason("smc.close", {"amount": trade.closing, "price": trade.stop}),
        reduce_only=market.kind is MarketKind.LINEAR,
        trade=trade.tag,
    )


def _opening(trade: Trade) -> Side:
    return Side.BUY if trade.side > 0 else Side.SELL
