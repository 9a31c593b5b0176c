"""What would keep a grid from opening and closing each of its orders, told before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from strategies.contract import Direction, Level, MarketKind, MarketSpec, Problem, Side
from strategies.grid.book import distribute
from strategies.grid.config import GridConfig, ProfitIn
from strategies.grid.core import AWAITING_ENTRY, WAITING
from strategies.grid.lines import Ladder, RangeUnknown, interval_amounts, ladder_of, resolve_range
from strategies.grid.parameters import parameters_of
from strategies.grid.shape import build
from strategies.grid.state import GridState
from strategies.kernel import SILENT
from strategies.preflight import market_problems, plain


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval as it would be at the start. ``amount`` in base; prices are its buy and its sell line."""

    number: int
    buy_at: Decimal
    sell_at: Decimal
    amount: Decimal


def problems(config: GridConfig, market: MarketSpec, price: Decimal, quote_available: Decimal) -> list[Problem]:
    """``price`` and ``quote_available`` (free balance) in quote. At most one problem of a kind: the worst level's."""
    found = list(_market_problems(config, market))
    try:
        resolved = resolve_range(config, price)
    except RangeUnknown as error:
        field = "range_percent" if config.range_percent is not None else "range_atr_multiple"
        return [*found, Problem(field, str(error))]
    lines = ladder_of(resolved, market).lines()
    found += _range_problems(config, market, price, lines)
    narrow = _narrow(market, lines)
    if narrow is not None:
        return [*found, narrow]
    amounts = interval_amounts(resolved, market, lines)
    intervals = [Interval(i, lines[i], lines[i + 1], amount) for i, amount in enumerate(amounts)]
    found += _amount_problems(config, market, intervals)
    found += _fee_problems(market, intervals)
    found += _money_problems(resolved, market, price, intervals, quote_available)
    return found


def start_levels(config: GridConfig, market: MarketSpec, price: Decimal) -> list[Level]:
    """The orders that rest after a start at ``price`` (quote) and the fill of its entry."""
    try:
        resolved = resolve_range(config, price)
    except RangeUnknown:
        return []
    ladder = ladder_of(resolved, market)
    if _narrow(market, ladder.lines()) is not None:
        return []
    start = resolved.trigger_price if resolved.trigger_price is not None else price
    state = _built(resolved, market, ladder, start)
    if state.entry_side:
        fee = float(market.taker_fee) if market.buy_fee_in_base and state.entry_side > 0 else 0.0
        state.dust = state.entry_side * state.entry_amount * (1 - fee)
        distribute.plain(parameters_of(resolved, market), state)
    levels = []
    for i, slot in enumerate(state.slots):
        buys = (state.openings[i] > 0) == (state.phases[i] == WAITING)
        line = state.lines[i] if buys else state.lines[i + 1]
        levels.append(
            Level(
                price=market.quantise_price(line),
                side=Side.BUY if buys else Side.SELL,
                amount=market.quantise_amount(state.amounts[i]),
                label=f"interval {slot}",
            )
        )
    return levels


def _built(config: GridConfig, market: MarketSpec, ladder: Ladder, start: Decimal) -> GridState:
    """The grid as it is laid out at ``start``, before its entry."""
    state = GridState().with_room_for(config.grids)
    parameters = parameters_of(config, market)
    build.plain(parameters, state, float(ladder.lower), float(ladder.upper), float(start), SILENT)
    return state


def _market_problems(config: GridConfig, market: MarketSpec) -> Iterator[Problem]:
    yield from market_problems(market, config.direction, config.leverage)
    if market.kind is not MarketKind.SPOT and config.profit_in is ProfitIn.BASE:
        yield Problem(
            "profit_in",
            f"{market.symbol} pays profit in {market.quote}: keeping it in base needs a spot market.",
            config.profit_in,
            ProfitIn.QUOTE,
        )


def _range_problems(config: GridConfig, market: MarketSpec, price: Decimal, lines: list[Decimal]) -> Iterator[Problem]:
    lower, upper = lines[0], lines[-1]
    start = config.trigger_price if config.trigger_price is not None else price
    name = "trigger price" if config.trigger_price is not None else "price"
    width = upper - lower
    if start > upper + width:
        yield Problem(
            "upper",
            f"The {name} {plain(start)} is above the grid by more than its whole width ({plain(lower)} to {plain(upper)}): "
            "move the range up or widen it.",
            plain(upper),
            plain(start - width),
        )
    elif start < lower - width:
        yield Problem(
            "lower",
            f"The {name} {plain(start)} is below the grid by more than its whole width ({plain(lower)} to {plain(upper)}): "
            "move the range down or widen it.",
            plain(lower),
            plain(start + width),
        )
    short = config.direction is Direction.SHORT
    for field, limit, met in (
        ("stop_loss_price", config.stop_loss_price, _reached(start, config.stop_loss_price, from_below=short)),
        ("stop_loss_price_upper", config.stop_loss_price_upper, _reached(start, config.stop_loss_price_upper, True)),
        ("take_profit_price", config.take_profit_price, _reached(start, config.take_profit_price, not short)),
    ):
        if limit is not None and met:
            yield Problem(
                field,
                f"{field} is {plain(limit)} and is met already at the {name} {plain(start)}: the grid would stop at once.",
                plain(limit),
                plain(start),
            )


def _reached(price: Decimal, limit: Decimal | None, from_below: bool) -> bool:
    return limit is not None and (price >= limit if from_below else price <= limit)


def _narrow(market: MarketSpec, lines: list[Decimal]) -> Problem | None:
    if lines[0] < market.tick:
        return Problem(
            "lower",
            f"The lower price is below one tick of {market.symbol} ({plain(market.tick)}).",
            "0",
            plain(market.tick),
        )
    gaps = [above - below for below, above in pairwise(lines)]
    least = min(range(len(gaps)), key=gaps.__getitem__)
    if gaps[least] >= market.tick:
        return None
    return Problem(
        "grids",
        f"Lines {least} and {least + 1} fall on the same price {plain(lines[least])}: {len(gaps)} intervals are too many for "
        f"this range at a tick of {plain(market.tick)}. Use fewer intervals or a wider range.",
        str(len(gaps)),
        plain(market.tick),
    )


def _amount_problems(config: GridConfig, market: MarketSpec, intervals: list[Interval]) -> Iterator[Problem]:
    more = "raise the investment or use fewer intervals"
    smallest = min(intervals, key=lambda each: each.amount)
    if smallest.amount < max(market.min_amount, market.step):
        least = max(market.min_amount, market.step)
        yield Problem(
            "investment",
            f"Level {smallest.number} at {plain(smallest.buy_at)} would trade {plain(smallest.amount)} {market.base}, below "
            f"the minimum of {plain(least)} {market.base}: {more}.",
            plain(smallest.amount),
            plain(least),
        )
        return
    largest = max(intervals, key=lambda each: each.amount)
    if market.max_amount is not None and largest.amount > market.max_amount:
        yield Problem(
            "investment",
            f"Level {largest.number} at {plain(largest.buy_at)} would trade {plain(largest.amount)} {market.base}, above the "
            f"maximum of {plain(market.max_amount)} {market.base}: lower the investment or use more intervals.",
            plain(largest.amount),
            plain(market.max_amount),
        )
    if market.min_notional is not None:
        poorest = min(intervals, key=lambda each: each.amount * each.buy_at)
        notional = poorest.amount * poorest.buy_at
        if notional < market.min_notional:
            yield Problem(
                "investment",
                f"The order of level {poorest.number} at {plain(poorest.buy_at)} would be worth {plain(notional)} "
                f"{market.quote}, below the minimum of {plain(market.min_notional)} {market.quote}: {more}.",
                plain(notional),
                plain(market.min_notional),
            )
            return
    yield from _closing_problems(config, market, intervals, more)


def _closing_problems(
    config: GridConfig, market: MarketSpec, intervals: list[Interval], more: str
) -> Iterator[Problem]:
    """Whether what is left after the fee can be sold at the line above."""
    if not market.buy_fee_in_base:
        return
    fee = max(market.maker_fee, market.taker_fee)
    for each in intervals:
        left = each.amount * (1 - fee)
        sold = market.quantise_amount(left)
        if config.profit_in is ProfitIn.BASE:
            back = each.amount * each.buy_at / (each.sell_at * (1 - market.maker_fee))
            sold = min(sold, market.quantise_amount(back + market.step))
        if sold < max(market.min_amount, market.step):
            yield Problem(
                "investment",
                f"Level {each.number} buys {plain(each.amount)} {market.base}; after the fee and rounding to "
                f"{plain(market.step)} only {plain(sold)} could be sold at {plain(each.sell_at)}, below the minimum of "
                f"{plain(max(market.min_amount, market.step))}: {more}.",
                plain(sold),
                plain(max(market.min_amount, market.step)),
            )
            return
        if market.min_notional is not None and sold * each.sell_at < market.min_notional:
            yield Problem(
                "investment",
                f"Level {each.number} buys {plain(each.amount)} {market.base}; what is left after the fee would be worth "
                f"{plain(sold * each.sell_at)} {market.quote} at {plain(each.sell_at)}, below the minimum of "
                f"{plain(market.min_notional)} {market.quote}: {more}.",
                plain(sold * each.sell_at),
                plain(market.min_notional),
            )
            return


def _fee_problems(market: MarketSpec, intervals: list[Interval]) -> Iterator[Problem]:
    """Both orders of a cycle rest, so both pay the maker's fee."""
    worst = min(intervals, key=lambda each: each.sell_at / each.buy_at)
    gain = (worst.sell_at - worst.buy_at) / worst.buy_at * 100
    fee = (worst.buy_at + worst.sell_at) * market.maker_fee / worst.buy_at * 100
    if gain <= fee:
        yield Problem(
            "grids",
            f"Level {worst.number} earns {gain:.4f} % from {plain(worst.buy_at)} to {plain(worst.sell_at)}, and the fees of the "
            f"cycle are {fee:.4f} %: use fewer intervals or a wider range.",
            f"{gain:.4f}",
            f"{fee:.4f}",
        )


def _money_problems(
    config: GridConfig, market: MarketSpec, price: Decimal, intervals: list[Interval], available: Decimal
) -> Iterator[Problem]:
    start = config.trigger_price if config.trigger_price is not None else price
    state = _built(config, market, ladder_of(config, market), start)
    entry = Decimal(0)
    resting = Decimal(0)
    for each, opening, phase in zip(intervals, state.openings, state.phases, strict=True):
        if phase == AWAITING_ENTRY:
            entry += each.amount
        else:
            resting += each.amount * (each.buy_at if opening > 0 else each.sell_at)
    if market.max_amount is not None and entry > market.max_amount:
        yield Problem(
            "investment",
            f"The entry at {plain(start)} would trade {plain(entry)} {market.base} in one order, above the maximum of "
            f"{plain(market.max_amount)} {market.base}: lower the investment or move the range.",
            plain(entry),
            plain(market.max_amount),
        )
    needed = (resting + entry * start) / config.leverage
    if not market.buy_fee_in_base:
        needed += entry * start * market.taker_fee + resting * market.maker_fee
    if needed > available:
        kind = "margin and fees" if market.kind is MarketKind.LINEAR else "the buys and the entry"
        yield Problem(
            "investment",
            f"The grid needs {needed:.2f} {market.quote} for {kind} and {available:.2f} {market.quote} are free: lower the "
            "investment or add funds.",
            f"{needed:.2f}",
            f"{available:.2f}",
        )
