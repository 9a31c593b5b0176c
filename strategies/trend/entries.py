"""When a trade is entered, how much, and where its stop and targets are to stand."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.contract import Direction, MarketSpec, Point, PositionView, Reason, Signal
from strategies.sizing import Limits, capped, risk_percent
from strategies.trend.analysis import Market, Phase, confidence_of
from strategies.trend.config import TrendConfig, targets_of
from strategies.trend.orders import closable
from strategies.trend.state import ENTERING, TrendState

PULLBACK = "pullback"
BREAKOUT = "breakout"


def entry_kind(config: TrendConfig, row: Mapping[str, float], market: Market) -> str:
    """What the newest candle gives a reason to enter for; an empty string for nothing."""
    side, close = market.side, row["close"]
    if market.phase is not Phase.ADVANCE or not _may_trade(config, side):
        return ""
    beyond = close > row["highest"] if side > 0 else close < row["lowest"]
    if config.breakout_entry and beyond and row["volume_ratio"] >= float(config.breakout_volume):
        return BREAKOUT
    if config.pullback_entry and row["volume_ratio"] >= float(config.pullback_volume):
        touched = row["zone_low"] <= 0.0 if side > 0 else row["zone_high"] >= 0.0
        if touched and side * (close - row["ema_fast"]) > 0.0 and side * (close - row["open"]) > 0.0:
            return PULLBACK
    return ""


def enter(
    state: TrendState,
    config: TrendConfig,
    spec: MarketSpec,
    point: Point,
    position: PositionView,
    market: Market,
    kind: str,
    notes: list[Reason],
) -> Signal | None:
    """Decides a trade at the point's price; ``None`` where it is too uncertain or too small."""
    row, side = point.features, market.side
    confidence = confidence_of(config, row, side)
    if confidence * 100.0 < float(config.min_confidence):
        return None
    # In decimals: a target at half a tick is to be rounded as one would on paper.
    at = spec.quantise_price(point.price)
    price = float(at)
    stop_at = spec.quantise_price(price - side * float(config.stop_atr) * row["atr"])
    stop, distance = float(stop_at), side * (at - stop_at)
    risk = float(distance)
    equity = equity_of(state, config, position)
    amount = _size(config, spec, equity, price, stop) if risk > 0.0 and stop > 0.0 else 0.0
    if amount == 0.0:
        notes.append(Reason("trend.too_small", {"kind": kind, "price": price, "stop": stop, "equity": equity}))
        return None
    state.phase, state.side, state.kind = ENTERING, side, kind
    state.trade += 1
    state.pnl_before = position.realised_pnl
    state.entry_price, state.entry_amount, state.risk = price, amount, risk
    state.entry_filled = state.entry_spent = 0.0
    state.entry_age = 0
    state.stop, state.stop_amount, state.stop_filled = stop, 0.0, 0.0
    state.stopping = state.even = state.trailing = False
    targets = targets_of(config.targets)
    state.target_prices = [float(spec.quantise_price(at + side * target.multiple * distance)) for target in targets]
    state.target_amounts = [0.0] * len(targets)
    state.target_filled = [0.0] * len(targets)
    state.target_open = [False] * len(targets)
    return Signal(
        direction=Direction.LONG if side > 0 else Direction.SHORT,
        entry=price,
        confidence=confidence,
        timestamp=point.timestamp,
        strategy_type="trend",
        stop_loss=stop,
        take_profit=state.target_prices[-1] if targets else None,
        metadata={
            "kind": kind,
            "phase": market.phase.value,
            "amount": amount,
            "risk": risk * amount,
            "equity": equity,
            **{name: row[name] for name in _SHOWN},
        },
    )


# The figures a signal was given on.
_SHOWN = ("adx", "plus_di", "minus_di", "atr", "ema_fast", "ema_slow", "volume_ratio")


def equity_of(state: TrendState, config: TrendConfig, position: PositionView) -> float:
    """The investment with what has been earned since the start, in quote. Entries are decided without a position, so
    nothing is unrealised."""
    return float(config.investment) + position.realised_pnl - state.pnl_start


def _size(config: TrendConfig, spec: MarketSpec, equity: float, price: float, stop: float) -> float:
    """Base; 0 where it would be too little to be entered, or to be closed again at the stop."""
    cost = (price + stop) * float(spec.taker_fee)  # also of a limit order: it may cross
    wished = risk_percent(equity, float(config.risk_percent), abs(price - stop), cost)
    usable = equity * float(config.max_position) / 100.0
    size = capped(wished, price, usable, spec, Limits(leverage=float(config.leverage)))
    left = size * (1.0 - float(spec.taker_fee)) if spec.buy_fee_in_base else size
    return size if closable(left, stop, spec) else 0.0


def _may_trade(config: TrendConfig, side: int) -> bool:
    return side != 0 and config.direction in (Direction.NEUTRAL, Direction.LONG if side > 0 else Direction.SHORT)
