"""A configuration on a market as the plain numbers that the compiled step works with, made in exact decimals."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from strategies.contract import MarketKind, MarketSpec
from strategies.dca.config import AfterStopLoss, Beyond, Combine, DcaConfig, Reference
from strategies.dca.ladder import (
    HUNDRED,
    MOST_SAFETY_ORDERS,
    MOST_STEPS,
    base_size,
    deviations,
    opening,
    profit_steps,
    safety_sizes,
)
from strategies.lattice import Rules, rules_of

# Fees in base have more digits than the step.
_FEE_DIGITS = 8
# Candles of earlier years may have prices between the ticks of today.
_PRICE_DIGITS = 3


class Budget(NamedTuple):
    """A sum in quote. ``high + low`` is the same in whole units of price × amount (``exact.steps_bought``)."""

    size: float
    high: float
    low: float


class Ladder(NamedTuple):
    """Of each safety order its price's factor and its budget, of each step of the take profit its price's factor and its
    share, the shares as whole numbers. All are as long as the longest ladder, so that one machine code serves them all."""

    safety_factors: tuple[float, ...]
    safety_sizes: tuple[float, ...]
    safety_high: tuple[float, ...]
    safety_low: tuple[float, ...]
    profit_factors: tuple[float, ...]
    shares: tuple[float, ...]


class DcaParameters(NamedTuple):
    """Factors are of a price: 0.98 is 2 % below it. Times in milliseconds; a time or a price of 0 is none."""

    rules: Rules
    sign: int  # +1 when a deal buys first, −1 when it sells first
    # What sums are rounded to, as units of 1: amounts with fees, money, and the base order's money, whose price may be
    # between two ticks; and what prices are counted in.
    amount_scale: float
    value_scale: float
    base_scale: float
    price_scale: float
    most_at_market: float
    # An order is worth too little that is at most this; below 0 where no worth is too little.
    too_little: Budget

    base: Budget
    safety_orders: int
    active: int
    steps: int
    ladder: Ladder
    profit_from_base: bool
    trails: bool
    trail_factor: float
    trail_percent: float

    stops: bool
    stop_rests: bool  # at the exchange
    stop_factor: float
    stop_from_base: bool
    stop_timeout: int
    stops_for_good: bool

    cool_down: int
    max_deals: int  # 0 for any number
    max_deal_time: int
    has_loss_limit: bool
    daily_loss_limit: float
    min_price: float
    max_price: float

    on_rsi: bool
    rsi_below: bool
    rsi_limit: float
    on_cross: bool
    on_bollinger: bool
    start_price: float
    start_below: bool
    on_signal: bool
    any_condition: bool


@lru_cache(maxsize=512)
def parameters_of(config: DcaConfig, market: MarketSpec) -> DcaParameters:
    sign = opening(config)
    rules = rules_of(market)
    price_scale = 10 ** (_digits(market.tick) + _PRICE_DIGITS)
    money_units = price_scale * rules.step_scale
    steps = profit_steps(config)
    limits = [most for most in (market.max_amount, market.max_market_amount) if most is not None]
    trail, stop = config.trailing_take_profit, config.stop_loss
    return DcaParameters(
        rules=rules,
        sign=sign,
        amount_scale=10.0 ** (_digits(market.step) + _FEE_DIGITS),
        value_scale=10.0 ** (_digits(market.tick) + _digits(market.step)),
        base_scale=10.0 ** (_digits(market.tick) + _PRICE_DIGITS + _digits(market.step)),
        price_scale=float(price_scale),
        most_at_market=float(min(limits)) if limits else math.inf,
        too_little=_too_little(market, money_units),
        base=_budget(base_size(config), money_units),
        safety_orders=config.safety_orders,
        active=config.active_safety_orders,
        steps=len(steps),
        ladder=_ladder(config, money_units),
        profit_from_base=config.take_profit_from is Reference.BASE,
        trails=trail is not None,
        trail_factor=float(1 - sign * (trail or 0) / HUNDRED),
        trail_percent=float(trail or 0),
        stops=stop is not None,
        stop_rests=market.kind is MarketKind.LINEAR and stop is not None and not config.stop_loss_timeout,
        stop_factor=float(1 - sign * (stop or 0) / HUNDRED),
        stop_from_base=config.stop_loss_from is Reference.BASE,
        stop_timeout=config.stop_loss_timeout * 1000,
        stops_for_good=config.after_stop_loss is AfterStopLoss.STOP,
        cool_down=config.cool_down * 1000,
        max_deals=config.max_deals or 0,
        max_deal_time=(config.max_deal_time or 0) * 1000,
        has_loss_limit=config.daily_loss_limit is not None,
        daily_loss_limit=float(config.daily_loss_limit or 0),
        min_price=float(config.min_price or 0),
        max_price=math.inf if config.max_price is None else float(config.max_price),
        on_rsi=config.start_on_rsi,
        rsi_below=config.rsi_is is Beyond.BELOW,
        rsi_limit=float(config.rsi_limit),
        on_cross=config.start_on_ema_cross,
        on_bollinger=config.start_on_bollinger,
        start_price=float(config.start_price or 0),
        start_below=config.start_price_is is Beyond.BELOW,
        on_signal=config.start_on_signal,
        any_condition=config.start_combine is Combine.ANY,
    )


def _ladder(config: DcaConfig, money_units: int) -> Ladder:
    sign, steps = opening(config), profit_steps(config)
    budgets = [_budget(size, money_units) for size in safety_sizes(config)]
    return Ladder(
        _padded([float(1 - sign * away / HUNDRED) for away in deviations(config)], MOST_SAFETY_ORDERS),
        _padded([budget.size for budget in budgets], MOST_SAFETY_ORDERS),
        _padded([budget.high for budget in budgets], MOST_SAFETY_ORDERS),
        _padded([budget.low for budget in budgets], MOST_SAFETY_ORDERS),
        _padded([float(1 + sign * step.percent / HUNDRED) for step in steps], MOST_STEPS),
        _padded(_whole_shares([step.share for step in steps]), MOST_STEPS),
    )


def _padded(values: list[float], length: int) -> tuple[float, ...]:
    return (*values, *[0.0] * (length - len(values)))


def _digits(increment: Decimal) -> int:
    exponent = increment.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _budget(size: Decimal, money_units: int) -> Budget:
    return Budget(float(size), *_in_two(math.floor(Fraction(size) * money_units)))


def _too_little(market: MarketSpec, money_units: int) -> Budget:
    """Orders that only reduce, as on linear markets, may be worth anything."""
    least = Decimal(0) if market.kind is MarketKind.LINEAR else market.min_notional or Decimal(0)
    return Budget(float(least), *_in_two(math.ceil(Fraction(least) * money_units) - 1))


def _in_two(value: int) -> tuple[float, float]:
    """A whole number as the float nearest to it and what is left."""
    high = float(value)
    return high, float(value - int(high))


def _whole_shares(shares: list[Decimal]) -> list[float]:
    """In the same ratios, as the smallest whole numbers."""
    fractions = [Fraction(share) for share in shares]
    common = math.lcm(*(each.denominator for each in fractions))
    whole = [int(each * common) for each in fractions]
    return [float(each // math.gcd(*whole)) for each in whole]
