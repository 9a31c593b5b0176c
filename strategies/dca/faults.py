"""Which settings of a DCA bot do not make sense together, told without knowing any market."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from strategies.contract import Direction
from strategies.dca.ladder import HUNDRED, MOST_STEPS, base_size, deviations, profit_steps, safety_sizes
from strategies.fields import Fault
from strategies.preflight import plain

if TYPE_CHECKING:
    from strategies.dca.config import DcaConfig


def faults_of(config: DcaConfig) -> list[Fault]:
    return [
        *_size_faults(config),
        *_ladder_faults(config),
        *_profit_faults(config),
        *_stop_faults(config),
        *_start_faults(config),
    ]


def _size_faults(config: DcaConfig) -> Iterator[Fault]:
    if config.safety_orders and config.safety_order_size is None:
        yield (
            "safety_order_size",
            f"safety_order_size is missing: give one, or set safety_orders to 0 (it is {config.safety_orders}).",
        )
        return
    if config.allocation is None:
        if config.size_in == "percent":
            yield "allocation", "allocation is missing: sizes in percent are shares of it."
        return
    needed = (base_size(config) + sum(safety_sizes(config))) / config.leverage
    if needed > config.allocation:
        yield (
            "allocation",
            f"allocation is {plain(config.allocation)}, and the base order with all safety orders is {plain(needed)}: "
            "raise it, or use smaller or fewer orders.",
        )


def _ladder_faults(config: DcaConfig) -> Iterator[Fault]:
    if config.direction is Direction.NEUTRAL:
        yield "direction", "direction is neutral: a deal is long or short."
    reach = deviations(config)
    if config.direction is Direction.LONG and reach and reach[-1] >= HUNDRED:
        first = next(k for k, deviation in enumerate(reach, 1) if deviation >= HUNDRED)
        yield (
            "price_deviation",
            f"Safety order {first} would be {plain(reach[first - 1])} % below the base order, and 100 % is the limit: use "
            "fewer safety orders, a smaller price_deviation or a smaller step_scale.",
        )


def _profit_faults(config: DcaConfig) -> Iterator[Fault]:
    if bool(config.take_profit) == bool(config.take_profit_steps):
        if config.take_profit:
            yield "take_profit_steps", "The take profit is given twice: keep one of take_profit and take_profit_steps."
        else:
            yield "take_profit", "take_profit is missing: give it, or take_profit_steps."
        return
    try:
        steps = profit_steps(config)
    except ValueError as error:
        yield "take_profit_steps", str(error)
        return
    field = "take_profit_steps" if config.take_profit_steps else "take_profit"
    if len(steps) > MOST_STEPS:
        yield field, f"take_profit_steps has {len(steps)} steps: {MOST_STEPS} are the limit."
    if any(step.share <= 0 or step.percent <= 0 for step in steps):
        yield field, "Each step needs a percentage and a share above 0."
    elif any(after.percent <= before.percent for before, after in pairwise(steps)):
        yield field, "The steps must rise: each percentage has to be above the one before it."
    total = sum((step.share for step in steps), Decimal())
    if total != HUNDRED:
        yield field, f"The shares of the steps add up to {plain(total)} %: they must make 100 %."
    if config.direction is Direction.SHORT and steps[-1].percent >= HUNDRED:
        yield (
            field,
            f"{field} reaches {plain(steps[-1].percent)} %: a short deal cannot earn 100 %, so it must be below that.",
        )


def _stop_faults(config: DcaConfig) -> Iterator[Fault]:
    if config.stop_loss is None:
        if config.stop_loss_timeout:
            yield (
                "stop_loss_timeout",
                f"stop_loss_timeout is {config.stop_loss_timeout}, but there is no stop loss: set stop_loss or clear it.",
            )
        return
    if config.direction is Direction.LONG and config.stop_loss >= HUNDRED:
        yield (
            "stop_loss",
            f"stop_loss is {plain(config.stop_loss)} %: the price of a long deal cannot fall by 100 %, so it must be below.",
        )
    reach = deviations(config)
    if config.stop_loss_from == "base" and not config.stop_loss_timeout and reach and reach[-1] >= config.stop_loss:
        yield (
            "stop_loss",
            f"stop_loss is {plain(config.stop_loss)} % from the base order, and the last safety order "
            f"{plain(reach[-1])} %: raise stop_loss above that, or use fewer safety orders.",
        )


def _start_faults(config: DcaConfig) -> Iterator[Fault]:
    if config.start_on_ema_cross and config.ema_fast >= config.ema_slow:
        yield (
            "ema_fast",
            f"ema_fast is {config.ema_fast} and ema_slow is {config.ema_slow}: the fast average must be shorter.",
        )
    if config.min_price is not None and config.max_price is not None and config.min_price >= config.max_price:
        yield (
            "max_price",
            f"max_price is {plain(config.max_price)} and min_price is {plain(config.min_price)}: max_price must be above.",
        )
