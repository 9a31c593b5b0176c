"""A grid's configuration on a market as plain numbers."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from strategies.contract import Direction, MarketSpec
from strategies.fields import Number
from strategies.grid.config import AmountMode, GridConfig, OnRangeLeft, OnStop, ProfitIn, Spacing
from strategies.lattice import Rules, rules_of

_SIGNS = {Direction.LONG: 1, Direction.SHORT: -1, Direction.NEUTRAL: 0}


class GridParameters(NamedTuple):
    """Prices and amounts that are not set are 0; limits of trailing that are not set do not limit."""

    rules: Rules
    direction: int  # +1 long, -1 short, 0 neutral
    grids: int
    is_geometric: bool
    range_percent: float
    investment: float
    notional: float  # investment × leverage
    in_equal_base: bool
    profit_in_base: bool
    trigger: float
    stop: float
    stop_upper: float
    stop_percent: float
    take_profit: float
    take_profit_percent: float
    closes_on_stop: bool
    trailing_up: bool
    trailing_up_limit: float
    trailing_down: bool
    trailing_down_limit: float
    stop_trails: bool
    recentres: bool
    recentre_after: int  # milliseconds
    post_only: bool


@lru_cache(maxsize=512)
def parameters_of(config: GridConfig, market: MarketSpec) -> GridParameters:
    alone_up = config.direction is Direction.LONG and config.trailing_up and not config.trailing_down
    alone_down = config.direction is Direction.SHORT and config.trailing_down and not config.trailing_up
    top = config.trailing_up_limit
    return GridParameters(
        rules=rules_of(market),
        direction=_SIGNS[config.direction],
        grids=config.grids,
        is_geometric=config.spacing is Spacing.GEOMETRIC,
        range_percent=_or_zero(config.range_percent),
        investment=float(config.investment),
        notional=float(config.investment * config.leverage),
        in_equal_base=config.amount_mode is AmountMode.BASE,
        profit_in_base=config.profit_in is ProfitIn.BASE,
        trigger=_or_zero(config.trigger_price),
        stop=_or_zero(config.stop_loss_price),
        stop_upper=_or_zero(config.stop_loss_price_upper),
        stop_percent=_or_zero(config.stop_loss_percent),
        take_profit=_or_zero(config.take_profit_price),
        take_profit_percent=_or_zero(config.take_profit_percent),
        closes_on_stop=config.on_stop is OnStop.CLOSE,
        trailing_up=config.trailing_up,
        trailing_up_limit=math.inf if top is None else float(top),
        trailing_down=config.trailing_down,
        trailing_down_limit=_or_zero(config.trailing_down_limit),
        stop_trails=config.trail_stop_loss and (alone_up or alone_down),
        recentres=config.on_range_left is OnRangeLeft.RECENTRE,
        recentre_after=config.recentre_after * 1000,
        post_only=config.post_only,
    )


def _or_zero(value: Number | None) -> float:
    return 0.0 if value is None else float(value)
