"""What came of a back-test: equity, fills, round trips and figures, made of the simulation when they are first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backtests.identity import result_hash
from backtests.loop.records import Funding
from backtests.metrics.inputs import EquityCurve, Fills, Trades
from backtests.metrics.round_trips import RoundTrips, groups_of, trades_of
from backtests.metrics.summary import Summary, summarise
from backtests.preset import Preset
from backtests.simulation import NO_FUNDING, Simulation
from exchange.candles.files import Candles
from strategies.candles import timeframe_ms
from strategies.contract import MarketSpec

if TYPE_CHECKING:
    from backtests.data import DataReport
    from backtests.metrics.inputs import Floats, Times


@dataclass(frozen=True)
class Outcome:
    """``candles`` are those of the run, ``history`` all that were given, the warm-up before the run included.

    ``equity``, ``exposure`` and ``price`` stand at the end of each candle of the run, whose time is ``timestamps``. When
    the strategy finished, or was liquidated, before the last candle, they go on with what was left. ``known_from`` is the
    time (ms UTC) from which on the strategy's features were known, where that was later than the first candle.
    """

    preset: Preset
    market: MarketSpec
    history: Candles
    candles: Candles
    simulation: Simulation[Any]
    funding: Funding = NO_FUNDING
    known_from: int | None = None
    data_report: DataReport | None = None

    @property
    def length(self) -> int:
        """Of a candle, ms."""
        return timeframe_ms(self.preset.timeframe)

    @property
    def period(self) -> tuple[int, int]:
        """The open time of the first candle of the run and the end of the last one, ms UTC."""
        return int(self.candles.timestamp[0]), int(self.candles.timestamp[-1]) + self.length

    @cached_property
    def timestamps(self) -> Times:
        return self.candles.timestamp + self.length

    @property
    def price(self) -> Floats:
        return self.candles.close

    @cached_property
    def equity(self) -> Floats:
        run, left = self.simulation, self.price[self.simulation.candles :]
        return np.concatenate([run.equity, run.quote + run.amount * left]) if len(left) else run.equity

    @cached_property
    def position(self) -> Floats:
        """Base, negative when short; 0 for what is less than a step."""
        changes = np.cumsum(self.fills.side * self.moved)
        fills_so_far = np.searchsorted(self.simulation.fills.point // 4, np.arange(len(self.candles)), side="right")
        held = np.concatenate([[0.0], changes])[fills_so_far]
        return np.where(np.abs(held) < float(self.market.step) * (1 - 1e-6), 0.0, held)

    @cached_property
    def exposure(self) -> Floats:
        """The position's worth as a share of equity, negative when short; 0 where nothing is left."""
        there = self.equity > 0.0
        return np.divide(self.position * self.price, self.equity, out=np.zeros(len(there)), where=there)

    @cached_property
    def curve(self) -> EquityCurve:
        initial = float(self.preset.initial_balance)
        return EquityCurve(self.timestamps, self.equity, self.period[0], initial, self.exposure)

    @cached_property
    def fills(self) -> Fills:
        made = self.simulation.fills
        fee = np.where(made.fee_in_base, made.fee * made.price, made.fee)
        return Fills(made.timestamp, made.side.astype(np.int8), made.price, made.amount, fee, made.is_maker)

    @cached_property
    def moved(self) -> Floats:
        """By how much each fill changed the position, base: a spot buyer's fee is taken of what was bought."""
        made = self.simulation.fills
        moved: Floats = np.where(made.fee_in_base, made.amount - made.fee, made.amount)
        return moved

    @cached_property
    def round_trips(self) -> RoundTrips:
        return trades_of(
            self.fills,
            self.simulation.fills.trade,
            self.candles,
            self.length,
            step=float(self.market.step),
            moved=self.moved,
            groups=groups_of(self.simulation.trades),
        )

    @property
    def trades(self) -> Trades:
        return self.round_trips.trades

    @cached_property
    def summary(self) -> Summary:
        return summarise(
            self.curve,
            trades=self.trades,
            fills=self.fills,
            price=self.price,
            first_price=float(self.candles.open[0]),
            hold_fee=float(self.market.taker_fee),
        )

    @cached_property
    def assumptions(self) -> list[str]:
        """What the result rests on, in plain words."""
        from backtests.assumptions import assumptions_of

        return list(assumptions_of(self))

    @cached_property
    def hash(self) -> str:
        return result_hash(self.preset, self.history, self.period[0], self.funding)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as docs/backtesting/running.md documents it."""
        from backtests.outcome_json import as_json

        return as_json(self)
