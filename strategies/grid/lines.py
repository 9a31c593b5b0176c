"""Where the lines of a grid are and how much each interval trades. Exact: ``Decimal`` in, multiples of the tick out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from strategies.contract import MarketSpec
from strategies.grid.config import AmountMode, GridConfig, Spacing

_PRECISE = Context(prec=40)
# To which a result is rounded before it is put on a tick: a quotient of 40 digits that should be a half is one again.
_SETTLED = Context(prec=30, rounding=ROUND_HALF_EVEN)


class RangeUnknown(ValueError):
    """The configuration names no two prices, and what they would be derived from is missing or makes no range."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The lines of a grid, and their continuation beyond it.

    Line 0 is ``lower`` and line ``grids`` is ``upper``; any other whole number continues the same spacing, which is
    how a trailing grid moves without drifting.
    """

    lower: Decimal
    upper: Decimal
    grids: int
    spacing: Spacing
    market: MarketSpec

    def line(self, index: int) -> Decimal:
        """The price of a line: a multiple of the tick, the nearest one, half to even."""
        with localcontext(_PRECISE):
            if self.spacing is Spacing.ARITHMETIC:
                price = self.lower + (self.upper - self.lower) * index / self.grids
            else:
                price = self.lower * (self.upper / self.lower) ** (Decimal(index) / self.grids)
            return self.market.quantise_price(_SETTLED.plus(price))

    def lines(self, first: int = 0) -> list[Decimal]:
        """The ``grids + 1`` lines from line ``first`` up."""
        return [self.line(first + index) for index in range(self.grids + 1)]


def resolve_range(config: GridConfig, price: Decimal, atr: Decimal | None = None) -> GridConfig:
    """The same grid with its range as two prices.

    A range in percent or ATRs is laid around the trigger price when there is one, else around ``price`` (quote).
    ``atr`` is the average true range in quote. Raises :class:`RangeUnknown`.
    """
    if config.lower is not None and config.upper is not None:
        return config
    centre = config.trigger_price if config.trigger_price is not None else price
    if config.range_percent is not None:
        reach = centre * config.range_percent / 100
    elif config.range_atr_multiple is not None:
        if atr is None:
            raise RangeUnknown(
                f"range_atr_multiple is {config.range_atr_multiple}, but the average true range of "
                f"{config.atr_period} candles of {config.atr_timeframe} is not known yet: load these candles first."
            )
        reach = config.range_atr_multiple * atr
    else:
        raise RangeUnknown("The grid has no range: give lower and upper.")
    if reach <= 0 or reach >= centre:
        raise RangeUnknown(
            f"A range of {reach} on both sides of {centre} leaves no positive lower price: choose a smaller range."
        )
    fields = config.model_dump()
    fields.update(lower=centre - reach, upper=centre + reach, range_percent=None, range_atr_multiple=None)
    return GridConfig.model_validate(fields)


def ladder_of(config: GridConfig, market: MarketSpec) -> Ladder:
    """The lines of a configuration whose range is two prices. Raises :class:`RangeUnknown`."""
    if config.lower is None or config.upper is None:
        raise RangeUnknown("The grid's range is not resolved to two prices yet.")
    lower, upper = market.quantise_price(config.lower), market.quantise_price(config.upper)
    return Ladder(lower, upper, config.grids, config.spacing, market)


def interval_amount(config: GridConfig, market: MarketSpec, grids: int, line: Decimal) -> Decimal:
    """Equal quote: what the interval above ``line`` trades, ``investment × leverage / grids / line`` in base."""
    with localcontext(_PRECISE):
        return market.quantise_amount(config.investment * config.leverage / grids / line)


def interval_amounts(config: GridConfig, market: MarketSpec, lines: list[Decimal]) -> list[Decimal]:
    """What each interval trades, in base and rounded down to the step, from the lowest interval up.

    Equal base: every interval trades ``investment × leverage / (line 0 + … + line grids-1)``.
    """
    openings = lines[:-1]
    if config.amount_mode is AmountMode.QUOTE:
        return [interval_amount(config, market, len(openings), line) for line in openings]
    with localcontext(_PRECISE):
        amount = market.quantise_amount(config.investment * config.leverage / sum(openings, Decimal(0)))
    return [amount] * len(openings)
