"""What a trend follower tells, as numbers in its steps and as the reasons and signals that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strategies.contract import Direction, Reason, Signal
from strategies.kernel import OrderRow
from strategies.trend.config import TrendConfig, targets_of
from strategies.trend.orders import ENTRY_SLOT, FIRST_TARGET_SLOT, STOP_SLOT
from strategies.trend.state import KINDS, MARKETS, TrendState

TOLD_MARKET: Final = 1
TOLD_TOO_SMALL: Final = 2
TOLD_ENTERED: Final = 3
TOLD_MISSED: Final = 4
TOLD_BREAK_EVEN: Final = 5
TOLD_TRAILED: Final = 6
TOLD_CLOSED: Final = 7
TOLD_PAUSED_LOSSES: Final = 8
TOLD_PAUSED_DAY: Final = 9
TOLD_SIGNAL: Final = 10

# The figures a signal was given on, after its time and its confidence.
_SHOWN: Final = ("adx", "plus_di", "minus_di", "atr", "ema_fast", "ema_slow", "volume_ratio")

# Code and names of the numbers of the notes that need no other words.
_PLAIN: Final = {
    TOLD_ENTERED: ("trend.entered", ("amount", "price", "wished", "stop")),
    TOLD_MISSED: ("trend.entry_missed", ("amount", "price", "wished")),
    TOLD_BREAK_EVEN: ("trend.break_even", ("price", "stop")),
    TOLD_TRAILED: ("trend.trailed", ("close", "stop")),
    TOLD_PAUSED_DAY: ("trend.paused_day", ("lost", "limit")),
}


def told(config: TrendConfig, state: TrendState, code: int, numbers: Sequence[float]) -> Reason | Signal:
    """``state`` is that after the step."""
    if code == TOLD_SIGNAL:
        return _signal(config, state, numbers)
    if code in _PLAIN:
        name, keys = _PLAIN[code]
        return Reason(name, dict(zip(keys, numbers, strict=False)))
    if code == TOLD_MARKET:
        phase, side = phase_and_side(int(numbers[0]))
        return Reason("trend.market", {"phase": phase, "side": side, "strength": numbers[1]})
    if code == TOLD_TOO_SMALL:
        kind, price, stop, equity = numbers[:4]
        return Reason("trend.too_small", {"kind": KINDS[int(kind)], "price": price, "stop": stop, "equity": equity})
    if code == TOLD_CLOSED:
        trade, profit, entry = numbers[:3]
        return Reason("trend.closed", {"trade": int(trade), "profit": profit, "entry": entry})
    if code == TOLD_PAUSED_LOSSES:
        return Reason("trend.paused_losses", {"losses": int(numbers[0]), "candles": config.loss_pause})
    raise ValueError(f"a trend follower tells nothing of the number {code}")


def phase_and_side(market: int) -> tuple[str, int]:
    """``("advance", 1)`` of a market's number; the side is 0 where there is no trend."""
    phase, _, side = MARKETS[market].partition(" ")
    return phase, int(side)


def reason_of(config: TrendConfig, state: TrendState, row: OrderRow) -> Reason:
    """Why an order should stand."""
    if row.slot == ENTRY_SLOT:
        first_stop = state.entry_price - state.side * state.risk
        return Reason(
            "trend.entry",
            {
                "kind": KINDS[state.kind],
                "amount": state.entry_amount,
                "price": state.entry_price,
                "stop": first_stop,
            },
        )
    if row.slot == STOP_SLOT:
        return Reason("trend.stop", {"amount": state.stop_amount, "price": state.stop})
    number = row.slot - FIRST_TARGET_SLOT
    targets = targets_of(config.targets)
    return Reason(
        "trend.target",
        {
            "amount": state.target_amounts[number],
            "price": state.target_prices[number],
            "multiple": float(targets[number].multiple) if number < len(targets) else 0.0,
        },
    )


def _signal(config: TrendConfig, state: TrendState, numbers: Sequence[float]) -> Signal:
    timestamp, confidence, *figures = numbers
    targets = len(targets_of(config.targets))
    return Signal(
        direction=Direction.LONG if state.side > 0 else Direction.SHORT,
        entry=state.entry_price,
        confidence=confidence,
        timestamp=int(timestamp),
        strategy_type="trend",
        stop_loss=state.stop,
        take_profit=state.target_prices[targets - 1] if targets else None,
        metadata={
            "kind": KINDS[state.kind],
            "phase": phase_and_side(state.market)[0],
            "amount": state.entry_amount,
            "risk": state.risk * state.entry_amount,
            "equity": float(config.investment) + state.pnl_before - state.pnl_start,
            **dict(zip(_SHOWN, figures, strict=True)),
        },
    )
