"""What would keep a deal from opening and closing each of its orders, told before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from strategies.contract import Direction, MarketKind, MarketSpec, Problem
from strategies.dca.config import DcaConfig, SizeIn
from strategies.dca.ladder import HUNDRED, base_entry, floor_to_step, profit_price, profit_steps
from strategies.dca.levels import Rung, rungs
from strategies.preflight import market_problems, plain


def problems(config: DcaConfig, market: MarketSpec, price: Decimal, quote_available: Decimal) -> list[Problem]:
    """``price`` and ``quote_available`` (free balance) in quote. At most one problem of a kind: the worst order's."""
    found = list(market_problems(market, config.direction, config.leverage))
    ladder = rungs(config, market, _start_price(config, price))
    opening = list(_opening_problems(config, market, price, ladder))
    found += opening
    if not ladder:
        return found
    found += _ladder_problems(config, market, ladder)
    if not any(problem.field == "base_order_size" for problem in opening):
        found += _closing_problems(config, market, ladder[0])
    found += _fee_problems(config, market, ladder[0])
    found += _money_problems(config, market, ladder, quote_available)
    return found


def _start_price(config: DcaConfig, price: Decimal) -> Decimal:
    """Where the first deal would start at the earliest: amounts are worth the most trouble there."""
    if config.min_price is not None and price < config.min_price:
        return config.min_price
    if config.max_price is not None and price > config.max_price:
        return config.max_price
    return price


def _opening_problems(config: DcaConfig, market: MarketSpec, price: Decimal, ladder: list[Rung]) -> Iterator[Problem]:
    least = max(market.min_amount, market.step)
    if not ladder:
        amount = base_entry(config, market, price).amount
        yield _too_small("base_order_size", "The base order", price, amount, least, market)
        return
    for field, several in (("base_order_size", ladder[:1]), ("safety_order_size", ladder[1:])):
        yield from _small_orders(field, several, market, least)
        yield from _large_orders(field, several, market)


def _small_orders(field: str, several: list[Rung], market: MarketSpec, least: Decimal) -> Iterator[Problem]:
    if not several:
        return
    smallest = min(several, key=lambda rung: rung.entry.amount)
    if smallest.entry.amount < least:
        yield _too_small(field, _of(smallest), smallest.entry.price, smallest.entry.amount, least, market)
        return
    poorest = min(several, key=lambda rung: rung.entry.amount * rung.entry.price)
    worth = poorest.entry.amount * poorest.entry.price
    if market.min_notional is not None and worth < market.min_notional:
        yield Problem(
            field,
            f"{_of(poorest)} at {plain(poorest.entry.price)} would be worth {plain(worth)} {market.quote}, below the "
            f"minimum of {plain(market.min_notional)} {market.quote}: raise {field}.",
            plain(worth),
            plain(market.min_notional),
        )


def _too_small(field: str, name: str, price: Decimal, amount: Decimal, least: Decimal, market: MarketSpec) -> Problem:
    return Problem(
        field,
        f"{name} at {plain(price)} would trade {plain(amount)} {market.base}, below the minimum of {plain(least)} "
        f"{market.base}: raise {field}.",
        plain(amount),
        plain(least),
    )


def _large_orders(field: str, several: list[Rung], market: MarketSpec) -> Iterator[Problem]:
    if not several:
        return
    largest = max(several, key=lambda rung: rung.entry.amount)
    limits = [market.max_amount, market.max_market_amount if largest.number == 0 else None]
    most = min((limit for limit in limits if limit is not None), default=None)
    if most is not None and largest.entry.amount > most:
        mend = f"lower {field}" if largest.number == 0 else f"lower {field} or volume_scale"
        yield Problem(
            field,
            f"{_of(largest)} at {plain(largest.entry.price)} would trade {plain(largest.entry.amount)} {market.base}, above "
            f"the maximum of {plain(most)} {market.base}: {mend}.",
            plain(largest.entry.amount),
            plain(most),
        )


def _ladder_problems(config: DcaConfig, market: MarketSpec, ladder: list[Rung]) -> Iterator[Problem]:
    if len(ladder) <= config.safety_orders:
        yield Problem(
            "price_deviation",
            f"Safety order {len(ladder)} would be below one tick of {market.symbol} ({plain(market.tick)}): use fewer safety "
            "orders or a smaller price_deviation.",
            "0",
            plain(market.tick),
        )
    for before, after in pairwise(ladder):
        if before.entry.price == after.entry.price:
            yield Problem(
                "price_deviation",
                f"Safety order {after.number} and the {before.name} fall on the same price "
                f"{plain(after.entry.price)}: raise price_deviation or step_scale, so that they are a tick "
                f"({plain(market.tick)}) apart.",
                plain(after.entry.price),
                plain(market.tick),
            )
            return
    if config.stop_loss_timeout:
        return
    short = config.direction is Direction.SHORT
    for before, after in pairwise(ladder):
        if before.stop is None:
            return
        if after.entry.price >= before.stop if short else after.entry.price <= before.stop:
            yield Problem(
                "stop_loss",
                f"Safety order {after.number} at {plain(after.entry.price)} is never reached: the stop loss after the "
                f"{before.name} is at {plain(before.stop)}. Raise stop_loss, or use fewer safety orders.",
                plain(after.entry.price),
                plain(before.stop),
            )
            return


def _closing_problems(config: DcaConfig, market: MarketSpec, first: Rung) -> Iterator[Problem]:
    """A deal holds the least after its base order: what can be closed then can be closed later too."""
    steps = profit_steps(config)
    least = max(market.min_amount, market.step)
    held = floor_to_step(market, first.held)
    for number, (step, price) in enumerate(zip(steps, first.profit_prices, strict=True), 1):
        if price < market.tick:
            yield Problem(
                "take_profit_steps" if config.take_profit_steps else "take_profit",
                f"The take profit would be below one tick of {market.symbol}: lower it.",
                plain(price),
                plain(market.tick),
            )
            return
        sold = floor_to_step(market, held * step.share / HUNDRED)
        name = "The take profit" if len(steps) == 1 else f"Take profit {number}"
        mend = "raise base_order_size" if len(steps) == 1 else "raise base_order_size or use fewer steps"
        if sold < least:
            yield Problem(
                "base_order_size",
                f"{name} after the base order alone would close {plain(sold)} {market.base}, below the minimum of "
                f"{plain(least)} {market.base}: {mend}.",
                plain(sold),
                plain(least),
            )
            return
        worth = sold * price
        if market.kind is MarketKind.SPOT and market.min_notional is not None and worth < market.min_notional:
            yield Problem(
                "base_order_size",
                f"{name} after the base order alone would be worth {plain(worth)} {market.quote} at {plain(price)}, below "
                f"the minimum of {plain(market.min_notional)} {market.quote}: {mend}.",
                plain(worth),
                plain(market.min_notional),
            )
            return


def _fee_problems(config: DcaConfig, market: MarketSpec, first: Rung) -> Iterator[Problem]:
    """The base order pays the taker's fee, and the take profit the maker's unless it trails."""
    steps = profit_steps(config)
    nearest = steps[0].percent
    trails = config.trailing_take_profit is not None and len(steps) == 1
    closing_fee = market.taker_fee if trails else market.maker_fee
    closed_at = profit_price(config, market, first.entry.price, nearest) / first.entry.price
    fees = (market.taker_fee + closing_fee * closed_at) * HUNDRED
    if nearest <= fees:
        field = "take_profit_steps" if config.take_profit_steps else "take_profit"
        yield Problem(
            field,
            f"{field} is {plain(nearest)} %, and the fees of opening and closing are {fees:.4f} %: raise it above that.",
            plain(nearest),
            f"{fees:.4f}",
        )


def _money_problems(config: DcaConfig, market: MarketSpec, ladder: list[Rung], available: Decimal) -> Iterator[Problem]:
    """The worst case: every safety order is filled."""
    spent = sum((rung.entry.price * rung.entry.amount for rung in ladder), Decimal(0))
    needed = spent / config.leverage
    if not market.buy_fee_in_base:
        base = ladder[0].entry
        needed += base.price * base.amount * market.taker_fee
        needed += (spent - base.price * base.amount) * market.maker_fee
    if needed > available:
        kind = "margin and fees" if market.kind is MarketKind.LINEAR else "the buys"
        mend = "allocation" if config.size_in is SizeIn.PERCENT else "base_order_size or safety_order_size"
        yield Problem(
            "allocation" if config.size_in is SizeIn.PERCENT else "base_order_size",
            f"The base order with all {len(ladder) - 1} safety orders needs {needed:.2f} {market.quote} for {kind}, and "
            f"{available:.2f} {market.quote} are free: lower {mend}, use fewer safety orders, or add funds.",
            f"{needed:.2f}",
            f"{available:.2f}",
        )


def _of(rung: Rung) -> str:
    return rung.name.capitalize() if rung.number else "The base order"
