"""A deal as it would be if its base order filled at a given price and its safety orders one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from strategies.contract import Level, MarketSpec
from strategies.dca.config import DcaConfig, Reference
from strategies.dca.ladder import (
    Entry,
    base_entry,
    floor_to_step,
    opening_side,
    profit_price,
    profit_steps,
    safety_entries,
    stop_price,
)


@dataclass(frozen=True, slots=True)
class Rung:
    """The deal after ``number`` safety orders (0: after the base order alone). Prices in quote, amounts in base.

    ``held`` is what a buyer's fee in base leaves. ``stop`` is ``None`` without a stop loss.
    """

    number: int
    entry: Entry
    average: Decimal
    held: Decimal
    profit_prices: tuple[Decimal, ...]
    stop: Decimal | None

    @property
    def name(self) -> str:
        return f"safety order {self.number}" if self.number else "base order"


def rungs(config: DcaConfig, market: MarketSpec, price: Decimal) -> list[Rung]:
    """Empty when the base order would be nothing. The base order takes, the safety orders are made."""
    spent = amount = held = Decimal(0)
    found: list[Rung] = []
    base = base_entry(config, market, price)
    if not base.amount:
        return []
    for number, entry in enumerate([base, *safety_entries(config, market, price)]):
        spent += entry.price * entry.amount
        amount += entry.amount
        fee = (market.maker_fee if number else market.taker_fee) if market.buy_fee_in_base else Decimal(0)
        held += entry.amount * (1 - fee)
        average = spent / amount
        reference = price if config.take_profit_from is Reference.BASE else average
        guarded = price if config.stop_loss_from is Reference.BASE else average
        profits = tuple(profit_price(config, market, reference, step.percent) for step in profit_steps(config))
        stop = None if config.stop_loss is None else stop_price(config, market, guarded)
        found.append(Rung(number, entry, average, held, profits, stop))
    return found


def start_levels(config: DcaConfig, market: MarketSpec, price: Decimal) -> list[Level]:
    """For each rung its order, and the average and the take profit after it."""
    side = opening_side(config)
    levels: list[Level] = []
    for rung in rungs(config, market, price):
        held = floor_to_step(market, rung.held)
        levels.append(Level(rung.entry.price, side, rung.entry.amount, rung.name))
        levels.append(Level(market.quantise_price(rung.average), side, held, f"average after {rung.name}"))
        left = held
        steps = profit_steps(config)
        for place, (step, at) in enumerate(zip(steps, rung.profit_prices, strict=True)):
            last = place == len(steps) - 1
            part = left if last else min(left, floor_to_step(market, held * step.share / 100))
            left -= part
            label = "take profit" if len(steps) == 1 else f"take profit {place + 1}"
            levels.append(Level(at, side.opposite, part, f"{label} after {rung.name}"))
    return levels
