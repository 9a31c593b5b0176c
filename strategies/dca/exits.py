"""When an open deal is closed at market: stop loss, trailing take profit, and its age."""

from __future__ import annotations

from strategies.contract import Direction, MarketSpec, Point, Reason
from strategies.dca.config import DcaConfig
from strategies.dca.deal import close_all, exact
from strategies.dca.ladder import HUNDRED, opening
from strategies.dca.state import DcaState


def watch(state: DcaState, config: DcaConfig, market: MarketSpec, point: Point, notes: list[Reason]) -> None:
    """Looks at an open deal's exits in this order: stop loss, trailing take profit, age."""
    if _stop_loss(state, config, point, notes) or _trailed(state, config, market, point.price, notes):
        return
    if _too_old(state, config, point.timestamp):
        age = (point.timestamp - state.started_at) // 1000
        notes.append(Reason("dca.deal_time", {"seconds": age, "limit": config.max_deal_time or 0}))
        close_all(state, "dca.deal_time")


def nothing_to_watch(state: DcaState, config: DcaConfig, point: Point) -> bool:
    """Whether an open deal without fills has nothing to decide."""
    return not (
        state.best
        or state.beyond_since
        or _beyond_stop(state, config, point.price)
        or _trail_begins(state, config, point.price)
        or _too_old(state, config, point.timestamp)
    )


def _stop_loss(state: DcaState, config: DcaConfig, point: Point, notes: list[Reason]) -> bool:
    numbers = {"price": point.price, "limit": state.stop_price}
    if not _beyond_stop(state, config, point.price):
        if state.beyond_since:
            state.beyond_since = 0
            notes.append(Reason("dca.stop_loss_recovered", numbers))
        return False
    if config.stop_loss_timeout and not state.beyond_since:
        state.beyond_since = point.timestamp
        notes.append(Reason("dca.stop_loss_waits", numbers | {"seconds": config.stop_loss_timeout}))
        return False
    if config.stop_loss_timeout and point.timestamp - state.beyond_since < config.stop_loss_timeout * 1000:
        return False
    notes.append(Reason("dca.stop_loss", numbers))
    close_all(state, "dca.stop_loss")
    return True


def _trailed(state: DcaState, config: DcaConfig, market: MarketSpec, price: float, notes: list[Reason]) -> bool:
    if config.trailing_take_profit is None:
        return False
    if _trail_begins(state, config, price):
        state.best = price
        notes.append(Reason("dca.trailing", {"price": price, "back": float(config.trailing_take_profit)}))
        return False
    if not state.best:
        return False
    sign = opening(config)
    if sign * price > sign * state.best:
        state.best = price
        return False
    back = exact(state.best) * (1 - sign * config.trailing_take_profit / HUNDRED)
    limit = float(market.quantise_price(back))
    if sign * price > sign * limit:
        return False
    notes.append(Reason("dca.trailed", {"price": price, "limit": limit, "best": state.best}))
    close_all(state, "dca.trailed")
    return True


def _beyond_stop(state: DcaState, config: DcaConfig, price: float) -> bool:
    if not state.stop_price:
        return False
    return price >= state.stop_price if config.direction is Direction.SHORT else price <= state.stop_price


def _trail_begins(state: DcaState, config: DcaConfig, price: float) -> bool:
    """Whether the price reaches the last step of the take profit, the one that is not resting."""
    if config.trailing_take_profit is None or state.best or not state.profit_prices:
        return False
    reached = state.profit_prices[-1]
    return price <= reached if config.direction is Direction.SHORT else price >= reached


def _too_old(state: DcaState, config: DcaConfig, timestamp: int) -> bool:
    return config.max_deal_time is not None and timestamp - state.started_at >= config.max_deal_time * 1000
