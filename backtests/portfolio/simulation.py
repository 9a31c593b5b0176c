"""The bots of an account stepped in one order of time.

Each bot's own loop halts before the next point at which something may happen to it, and passes over all that lies before.
The bot whose point comes first is stepped next, bots with a point at the same instant in the order of the preset. Before a step it is told what
the account has (``account.lend``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from backtests.loop.fills import drop_reduce_only
from backtests.loop.prices import goes_high_first
from backtests.loop.records import FINISHED, LIQUIDATED
from backtests.portfolio.account import NONE, Pool, lend, moved, on_market, point_price, pool_of
from backtests.portfolio.start import start_problems
from backtests.simulation import NO_FUNDING, CompiledRun, PlainRun, Simulation, terms_of
from strategies.candles import timeframe_ms
from strategies.contract import MarketKind, Problem
from strategies.kernel import KernelStrategy

if TYPE_CHECKING:
    from backtests.running import Prepared

# What a bot is told of the account, and what the account is told of a bot whose record is an object.
_TOLD: Final = (
    "spare", "spare_base", "beside", "beside_buy_amount", "beside_buy_worth", "beside_sell_amount",
    "beside_sell_worth", "beyond",
)  # fmt: skip
_TELLS: Final = (
    "quote", "amount", "cost", "realised", "locked_quote", "locked_base", "buy_amount", "buy_worth", "sell_amount",
    "sell_worth",
)  # fmt: skip
# Steps after which a run tells how far it is.
TOLD_EVERY: Final = 1_000


@dataclass(slots=True)
class Member:
    """A bot in the run. ``record`` is its row of the account, ``money`` what its loop works on: the same, or an object."""

    number: int
    ready: Prepared
    run: CompiledRun | PlainRun
    record: Any
    length: int
    offsets: tuple[int, int, int, int]
    is_begun: bool = False
    is_over: bool = False
    liquidated: bool = False
    problems: Sequence[Problem] = ()
    next_at: int = 0
    stepped: int = -1  # the candle in which it was last

    @property
    def money(self) -> Any:
        return self.run.money

    def turn(self) -> int:
        """One point and all that is quiet after it."""
        if self.run.money is self.record:
            return self.run.step()
        for name in _TOLD:
            setattr(self.run.money, name, getattr(self.record, name))
        status = self.run.step()
        for name in _TELLS:
            setattr(self.record, name, getattr(self.run.money, name))
        return status

    def time_of_next(self) -> int:
        candle, quarter = self.run.place
        return int(self.ready.candles.timestamp[candle]) + self.offsets[quarter]

    def point_at(self, time: int, *, after: bool) -> int:
        """The number of the first point at a time or later; ``after`` it."""
        stamps = self.ready.candles.timestamp
        candle = max(int(stamps.searchsorted(time, side="right")) - 1, 0)
        for quarter, offset in enumerate(self.offsets):
            at = int(stamps[candle]) + offset
            if at > time or (at == time and not after):
                return 4 * candle + quarter
        return 4 * candle + 4


@dataclass(slots=True)
class PortfolioRun:
    """``members`` with what came of them. ``liquidated_at`` is when the account was, ms UTC.

    ``lend``, ``moved``, ``on_market`` and ``point_price`` are those of ``account``, found once for all steps.
    """

    pool: Pool
    members: list[Member]
    is_linear: bool
    lend: Callable[..., None]
    moved: Callable[..., int]
    on_market: Callable[..., tuple[float, ...]]
    point_price: Callable[..., float]
    waiting: list[tuple[int, int]] = field(default_factory=list)
    liquidated_at: int | None = None

    @property
    def is_shared(self) -> bool:
        return len(self.members) > 1


def simulate_portfolio(
    bots: Sequence[Prepared],
    *,
    balance: float,
    compiled: bool = True,
    progress: Callable[[int], None] | None = None,
) -> PortfolioRun:
    """All bots on ``balance`` (quote); they trade one kind of market. ``progress`` is told the time (ms UTC) reached.

    Raises ``ValueError`` when a timeframe that a strategy needs cannot be made of its candles.
    """
    pool = pool_of(bots, balance)
    run = PortfolioRun(
        pool,
        [_member(pool, number, each, balance, compiled=compiled) for number, each in enumerate(bots)],
        bots[0].market.kind is MarketKind.LINEAR,
        lend.entry(pool, 0, True),
        moved.entry(pool, 0, 0),
        on_market.entry(pool, 0, 0),
        point_price.entry(pool, 0, 0),
    )
    for member in run.members:
        member.next_at = int(member.ready.candles.timestamp[0])
    run.waiting = [(member.next_at, member.number) for member in run.members]
    heapify(run.waiting)
    steps = 0
    while run.waiting:
        time, number = heappop(run.waiting)
        if run.members[number].next_at != time:
            continue  # it was called to an earlier point meanwhile
        steps += 1
        if progress is not None and steps % TOLD_EVERY == 0:
            progress(time)
        if _moved_to_ruin(run, time, number) or _stepped_to_ruin(run, time, run.members[number]):
            return run
    _moved_to_ruin(run, max(_end(member) for member in run.members), len(run.members))
    return run


def _member(pool: Pool, number: int, ready: Prepared, balance: float, *, compiled: bool) -> Member:
    length = timeframe_ms(ready.preset.timeframe)
    terms = terms_of(ready.market, ready.options, length)
    funding = ready.funding if terms.rules.is_linear else NO_FUNDING
    initial = ready.strategy.initial_state(ready.start, ready.market)
    given = (
        ready.preset.strategy_config,
        ready.market,
        initial,
        ready.candles,
        terms,
        funding,
        ready.features,
        balance,
    )
    record = pool.bots[number]
    run: CompiledRun | PlainRun
    if compiled and isinstance(ready.strategy, KernelStrategy):
        run = CompiledRun(ready.strategy, *given, money=record)
    else:
        run = PlainRun(ready.strategy, *given)
        run.money.shared = bool(record.shared)
    return Member(number, ready, run, record, length, (0, length // 3, 2 * length // 3, length - 1))


def _end(member: Member) -> int:
    return int(member.ready.candles.timestamp[-1]) + member.length


def _moved_to_ruin(run: PortfolioRun, until: int, order: int) -> bool:
    """Whether the account is liquidated by what prices do before the next step."""
    if not run.is_linear or not run.is_shared:
        return False
    market = run.moved(run.pool, until, order)
    if market == NONE:
        return False
    _liquidate(run, int(run.pool.ruin[0]))
    return True


def _stepped_to_ruin(run: PortfolioRun, time: int, member: Member) -> bool:
    """Steps a bot through one point. Whether the account is liquidated there."""
    if run.is_shared:
        run.lend(run.pool, member.number, run.is_linear)
    if not member.is_begun:
        member.is_begun = True
        member.problems = start_problems(run.pool, member.number, member.ready)
        if member.problems:
            _sit_out(member)
            return False
    market = int(run.pool.market[member.number])
    held = _held(run, market) if run.is_linear and run.is_shared else 0.0
    member.stepped, quarter = member.run.place
    point = 4 * member.stepped + quarter
    status = member.turn()
    if run.is_linear and run.is_shared:
        if run.pool.leader[market] == member.number:
            run.pool.point[market] = point + 1
            run.pool.price[market] = run.point_price(run.pool, market, point)
        if status == LIQUIDATED:
            run.pool.price[market] = member.money.ruin_price
            _liquidate(run, time)
            return True
        now = _held(run, market)
        if held != 0.0 and held * now <= 0.0:
            _cancel_reducing(run, market, member, time)
    if status == LIQUIDATED:
        member.liquidated, run.liquidated_at = True, time
        return True
    member.is_over = status == FINISHED or member.run.place[0] >= len(member.run.equity)
    if not member.is_over:
        member.next_at = member.time_of_next()
        heappush(run.waiting, (member.next_at, member.number))
    return False


def _held(run: PortfolioRun, market: int) -> float:
    return run.on_market(run.pool, market, NONE)[0]


def _sit_out(member: Member) -> None:
    """A bot that does not start leaves the account as it was."""
    member.is_over = True
    member.run.equity[:] = member.money.quote
    member.money.candle = len(member.run.equity)


def _cancel_reducing(run: PortfolioRun, market: int, cause: Member, time: int) -> None:
    """The exchange cancels what was to reduce a position that is gone or has turned, whichever bot it is of."""
    for member in run.members:
        if member is cause or run.pool.market[member.number] != market or not member.is_begun or member.is_over:
            continue
        run.lend(run.pool, member.number, True)
        money = member.money
        money.beside = member.record.beside
        standing = money.active
        drop_reduce_only.plain(member.run.terms, member.run.table, money)
        if money.active == standing:
            continue
        money.refusing = True
        point = member.point_at(time, after=member.number < cause.number)
        if point >= 4 * len(member.run.equity) or point >= 4 * money.candle + money.quarter:
            continue
        # It has passed over candles as quiet which no longer are.
        money.candle, money.quarter = point // 4, point % 4
        candles = member.ready.candles
        opened, high, low, volume = (
            float(each[point // 4]) for each in (candles.open, candles.high, candles.low, candles.volume)
        )
        money.high_first, money.price = goes_high_first.plain(opened, high, low), float(run.pool.price[market])
        if point // 4 != member.stepped:
            money.taken, money.volume = 0.0, volume
        member.next_at = member.time_of_next()
        heappush(run.waiting, (member.next_at, member.number))


def _liquidate(run: PortfolioRun, time: int) -> None:
    """Every position is taken over: each market's at a price that is worse than its own by the one share which leaves
    nothing of the account. Of a single position that is its price of bankruptcy."""
    pool = run.pool
    held = [_held(run, market) for market in range(len(pool.price))]
    equity = pool.balance + sum(
        float(each.quote) - pool.balance + float(each.amount) * float(pool.price[pool.market[number]])
        for number, each in enumerate(pool.bots)
    )
    share = equity / sum(abs(each) * float(price) for each, price in zip(held, pool.price, strict=True))
    run.liquidated_at = time
    for member in run.members:
        market = int(pool.market[member.number])
        close = float(pool.price[market]) * (1.0 - float(np.sign(held[market])) * share)
        _close(member, time, close)


def _close(member: Member, time: int, price: float) -> None:
    money, equity, close = member.money, member.run.equity, member.ready.candles.close
    candle = min(max(member.point_at(time, after=False) // 4, 0), len(equity) - 1)
    if money.candle <= candle:  # it had finished before, and kept what it held
        passed = slice(int(money.candle), candle)
        equity[passed] = money.quote + money.amount * close[passed]
    money.ruin_point, money.ruin_time, money.ruin_price = member.point_at(time, after=False), time, price
    money.liquidated = member.liquidated = bool(money.amount != 0.0)
    member.is_over = True
    money.quote += money.amount * price
    money.amount = money.cost = 0.0
    money.candle, equity[candle] = candle + 1, money.quote


def outcome_of(member: Member) -> Simulation[Any]:
    return member.run.told(liquidated=member.liquidated)
