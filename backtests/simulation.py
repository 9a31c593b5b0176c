"""One strategy on one market over a history: what it trades, and what that leaves of the money.

A strategy whose step can be compiled runs as machine code, any other one through the same loop as Python
(``backtests/loop``). The timing is that of a live bot that ticks at every point of a candle: docs/backtesting/engine.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic

import numpy as np

from backtests.features import history_features
from backtests.fill_names import NamedFills, closed, named
from backtests.loop.records import (
    FILL,
    FULL,
    LIQUIDATED,
    MOST_REFUSED,
    PAUSED,
    REFUSED,
    Funding,
    Path,
    Rows,
    Terms,
)
from backtests.loop.run import decide, loop_of, run
from backtests.loop.tables import account, memory_of, plain_account, plain_tables, record_type, tables, unnamed
from backtests.plain_run import Bridge, pass_over
from backtests.rows import rows_of
from strategies.candles import timeframe_ms
from strategies.compiled import Compiled
from strategies.contract import C, Finish, MarketSpec, Reason, S, Signal, Strategy
from strategies.kernel import KernelStrategy
from strategies.lattice import rules_of
from strategies.state import packed, packed_tuple, unpacked

if TYPE_CHECKING:
    from backtests.loop.records import Floats
    from exchange.candles.files import Candles
    from strategies.feature_rows import FeatureTable

NO_FUNDING: Final = Funding(np.zeros(0, np.int64), np.zeros(0))
# Candles after which a run as Python tells how far it is.
TOLD_EVERY: Final = 1_000


@dataclass(frozen=True, slots=True)
class Options:
    """What the market does with orders; everything off is the rule of docs/backtesting/engine.md.

    ``slippage``, ``spread`` and ``impact`` are fractions: of the price, that market and stop orders pay; between the best
    bid and ask; and the ``price_impact`` of zipline's volume share slippage. ``volume_share`` of a candle's volume is the
    most that fills in it (0: no limit). ``through`` asks the price to pass a limit by a tick. ``latency`` in ms is what a
    decision needs to the exchange. ``pessimistic`` takes the stop where a candle spans a position's stop and target.

    Of linear markets: ``leverage`` of the account, ``maintenance`` the share of a position's worth below which the account
    is liquidated (0: never), ``funding`` what positions pay. Raises ``ValueError`` for what is out of its range.
    """

    slippage: float = 0.0
    through: bool = False
    leverage: float = 10.0
    maintenance: float = 0.0
    funding: Funding = NO_FUNDING
    spread: float = 0.0
    impact: float = 0.0
    volume_share: float = 0.0
    latency: int = 0
    pessimistic: bool = False

    def __post_init__(self) -> None:
        for name in ("slippage", "maintenance", "spread", "impact", "volume_share"):
            value = getattr(self, name)
            if not 0.0 <= value < (math.inf if name == "impact" else 1.0 if name != "volume_share" else 1.0 + 1e-12):
                raise ValueError(f"{name} is {value}: it must be a fraction from 0 on, below 1")
        if not 0.0 < self.leverage < math.inf:
            raise ValueError(f"leverage is {self.leverage}: it must be above 0")
        if self.latency < 0:
            raise ValueError(f"latency is {self.latency} ms: it cannot be below 0")


@dataclass(frozen=True)
class Simulation(Generic[S]):
    """``fills`` and ``refused`` are numpy records with the fields of ``backtests.loop.records``; a fill's slot and trade
    are places in ``slots`` and ``trades``. ``refused`` are the first of ``refusals``. ``equity`` is quote at the close of
    each candle that was run.

    ``naming`` gives the fills their names when they are first asked for: a search looks at the money of most runs alone.

    A liquidation closes each trade by a fill in the slot ``liquidation``, without a fee, at the price of bankruptcy.
    A compiled run tells no notes and signals; ``finish`` is told by both.
    """

    state: S
    naming: Callable[[], NamedFills]
    refused: Any
    refusals: int
    equity: Floats
    quote: float
    amount: float
    fees: float
    funding: float
    finish: Finish | None
    liquidated: bool
    candles: int
    steps: int
    notes: Sequence[tuple[int, Reason]] = field(default=())
    signals: Sequence[Signal] = field(default=())

    @cached_property
    def _named(self) -> NamedFills:
        return self.naming()

    @property
    def fills(self) -> Any:
        return self._named.fills

    @property
    def slots(self) -> Sequence[str]:
        return self._named.slots

    @property
    def trades(self) -> Sequence[str]:
        return self._named.trades


def simulate(
    strategy: Strategy[C, S],
    config: C,
    market: MarketSpec,
    candles: Candles,
    timeframe: str,
    *,
    quote: float,
    options: Options | None = None,
    features: FeatureTable | None = None,
    compiled: bool = True,
    start: C | None = None,
    progress: Callable[[int], None] | None = None,
) -> Simulation[S]:
    """``timeframe`` is that of ``candles``; ``features`` those of the whole history, made here when there are none.

    ``compiled=False`` runs a strategy as Python that could be compiled: with its notes and signals, equal in all else.
    ``start`` is the configuration that ``StartsFromCandles`` resolved before the first candle, where it did. A run as
    Python, which takes its time, tells ``progress`` how many candles are done.
    Raises ``ValueError`` when a timeframe that the strategy needs cannot be made of these candles.
    """
    options = options or Options()
    if features is None:
        features = history_features(strategy, config, candles, timeframe)
    terms = terms_of(market, options, timeframe_ms(timeframe))
    funding = options.funding if terms.rules.is_linear else NO_FUNDING
    initial = strategy.initial_state(config if start is None else start, market)
    if compiled and isinstance(strategy, KernelStrategy):
        quick = CompiledRun(strategy, config, market, initial, candles, terms, funding, features, quote)
        status = FULL
        while status == FULL:
            status = quick.turn(len(candles))
        return quick.told(liquidated=status == LIQUIDATED)
    slow = PlainRun(strategy, config, market, initial, candles, terms, funding, features, quote)
    return slow.told(liquidated=slow.go(progress) == LIQUIDATED)


def terms_of(market: MarketSpec, options: Options, length: int) -> Terms:
    if options.latency > 2 * length:
        raise ValueError(f"latency is {options.latency} ms: these candles allow {2 * length} at most")
    return Terms(
        rules=rules_of(market),
        slippage=options.slippage,
        half_spread=options.spread / 2,
        impact=options.impact,
        share=options.volume_share,
        margin=float(market.tick) if options.through else 0.0,
        leverage=options.leverage,
        maintenance=options.maintenance,
        latency=options.latency,
        pessimistic=options.pessimistic,
        length=length,
    )


class CompiledRun:
    """A back-test as machine code that can be halted: ``money.points`` says after how many points a turn ends.

    ``money`` is the account's record where it is kept elsewhere.
    """

    def __init__(
        self,
        strategy: KernelStrategy[Any, Any, Any],
        config: Any,
        market: MarketSpec,
        initial: Any,
        candles: Candles,
        terms: Terms,
        funding: Funding,
        features: FeatureTable | None,
        quote: float,
        money: Any = None,
    ) -> None:
        columns = strategy.columns(config)
        self._strategy, self._config, self._initial, self._state = strategy, config, initial, packed(initial)
        self.terms = packed_tuple(terms)
        self.money = account(quote) if money is None else money
        self.table = tables(orders=strategy.MOST_ORDERS, slots=strategy.SLOTS, columns=len(columns))
        path = Path(*(np.ascontiguousarray(each) for each in _columns(candles)))
        self.equity = np.empty(len(path.close))
        self._loop, parameters = loop_of(strategy), packed_tuple(strategy.parameters(config, market))
        rows = rows_of(features, path.timestamp, columns)
        self._quick = unnamed(self.money)
        given = (parameters, self._state, self.terms, path, rows, funding, self.table, self.money, self.equity)
        self._arguments = tuple(unnamed(each) if isinstance(each, np.record) else each for each in given)
        self._kept: list[Any] = []
        self._call: Callable[..., int] = self._loop
        self._is_stepped = False

    def turn(self, until: int) -> int:
        """One call of the loop, up to candle ``until`` at most; its fills are kept. Says how it stands then."""
        status = self._call(*self._arguments, until)
        if fills := int(self._quick["fills"]):
            self._kept.append(self.table["fills"][:fills].copy())
            self._quick["fills"] = 0
        return status

    def step(self) -> int:
        """One point, and on to the next at which something may happen."""
        if not self._is_stepped:
            # Finding it takes as long as some hundred turns without it.
            self._call, self._is_stepped = self._loop.entry(*self._arguments, len(self.equity)), True
            self._arguments = tuple(memory_of(it) if isinstance(it, np.void) else it for it in self._arguments)
        self._quick["points"], status = 1, FULL
        while status == FULL:
            status = self.turn(len(self.equity))
        return status

    @property
    def place(self) -> tuple[int, int]:
        """Candle and quarter of the next point."""
        return int(self._quick["candle"]), int(self._quick["quarter"])

    def told(self, *, liquidated: bool) -> Simulation[Any]:
        """What came of it so far."""
        money, table = self.money, self.table
        fills, last = np.concatenate([table["fills"][:0], *self._kept]), unpacked(self._state, self._initial)
        return Simulation(
            state=last,
            naming=partial(named, self._strategy, fills, money if money.liquidated else None),
            refused=table["refused"][: min(int(money.refused), MOST_REFUSED)].copy().view(np.recarray),
            refusals=int(money.refused),
            equity=self.equity[: int(money.candle)],
            quote=float(money.quote),
            amount=float(money.amount),
            fees=float(money.fees),
            funding=float(money.funding),
            finish=self._strategy.finish(self._config, last) if money.over else None,
            liquidated=liquidated,
            candles=int(money.candle),
            steps=int(money.steps),
        )


class PlainRun:
    """The same as Python."""

    def __init__(
        self,
        strategy: Strategy[Any, Any],
        config: Any,
        market: MarketSpec,
        initial: Any,
        candles: Candles,
        terms: Terms,
        funding: Funding,
        features: FeatureTable | None,
        quote: float,
    ) -> None:
        self.terms, self.table, self.money = terms, plain_tables(latency=terms.latency), plain_account(quote)
        self._bridge = Bridge(strategy, config, market, initial, features, self.table, self.money)
        parts = {name: Compiled(getattr(self._bridge, name)) for name in ("advance", "wanted", "quiet")}
        self._loop: Any = run.with_parts("plain", decide=decide.with_parts("plain", **parts)).plain
        timestamp, opened, high, low, close, volume = _columns(candles)
        self._path = Path(timestamp.tolist(), opened.tolist(), high.tolist(), low.tolist(), close.tolist(), volume)
        rows = rows_of(features, candles.timestamp, ())
        # Without columns: the bridge looks a row up by itself, by name.
        self._rows = Rows(np.empty((1, 0)), rows.of_candle.tolist(), rows.closes.tolist())
        self._close = candles.close
        self._funding = Funding(funding.timestamp.tolist(), funding.rate.tolist())
        self.equity, self._as_row = np.empty(len(candles)), attrgetter(*FILL)
        self._kept: list[Any] = []

    def turn(self, until: int) -> int:
        money, table = self.money, self.table
        status: int = self._loop(
            None, None, self.terms, self._path, self._rows, self._funding, table, money, self.equity, until
        )
        self._kept.extend(map(self._as_row, table.fills[: money.fills]))
        money.fills = 0
        return status

    def step(self) -> int:
        self.money.points, status = 1, FULL
        while status == FULL:
            status = self.turn(len(self.equity))
        return status

    @property
    def place(self) -> tuple[int, int]:
        return self.money.candle, self.money.quarter

    def go(self, progress: Callable[[int], None] | None) -> int:
        """To the end, passing over what a strategy that rests between candles does not look at."""
        money, bridge, equity, status = self.money, self._bridge, self.equity, FULL
        while status in (PAUSED, FULL) and money.candle < len(equity):
            if bridge.rests and money.started:
                begin = money.candle
                pass_over(bridge, self._path, self._rows.of_candle, self._funding, self.terms.length, len(equity))
                here = slice(begin, money.candle)
                equity[here] = money.quote + money.amount * self._close[here]
            most = 1 if bridge.rests else len(equity) if progress is None else TOLD_EVERY
            status = self.turn(min(money.candle + most, len(equity)))
            if progress is not None:
                progress(money.candle)
        return status

    def told(self, *, liquidated: bool) -> Simulation[Any]:
        money, table, bridge = self.money, self.table, self._bridge
        fills = np.array(self._kept, record_type(FILL))
        names = bridge.slot_names, list(bridge.trades)
        return Simulation(
            state=bridge.state,
            naming=partial(closed, fills, *names, money if money.liquidated else None),
            refused=np.array([*map(attrgetter(*REFUSED), table.refused[: money.refused])], record_type(REFUSED)).view(
                np.recarray
            ),
            refusals=money.refused,
            equity=self.equity[: money.candle],
            quote=money.quote,
            amount=money.amount,
            fees=money.fees,
            funding=money.funding,
            finish=bridge.finish,
            liquidated=liquidated,
            candles=money.candle,
            steps=money.steps,
            notes=bridge.notes,
            signals=bridge.signals,
        )


def _columns(candles: Candles) -> tuple[Any, ...]:
    return (candles.timestamp, candles.open, candles.high, candles.low, candles.close, candles.volume)
