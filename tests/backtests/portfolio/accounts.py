"""Accounts small enough to be worked by hand: bots that want given orders at given times, over a few candles each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtests.portfolio.simulation import PortfolioRun, outcome_of, simulate_portfolio
from backtests.running import Prepared
from backtests.simulation import NO_FUNDING, Simulation
from exchange.candles.files import Candles
from strategies.contract import MarketSpec
from strategies.kernel import OrderRow
from tests.backtests.scripted import Script, Scripted
from tests.backtests.worked import MINUTE, preset

# point, slot, side, price, amount
Fill = tuple[int, str, int, float, float]


@dataclass(frozen=True, slots=True)
class Part:
    """A bot: what it wants from the first point on, or from given times (ms) on; candles are (open, high, low, close)."""

    symbol: str
    wants: Sequence[OrderRow] | Script
    candles: Sequence[tuple[float, ...]]
    step: int = MINUTE


def prepared_of(part: Part, market: MarketSpec, **changes: Any) -> Prepared:
    script: Any = [(0, part.wants)] if part.wants and isinstance(part.wants[0], OrderRow) else part.wants
    timeframe = f"{part.step // MINUTE}m"
    chosen = preset(symbol=part.symbol, market=str(market.kind), timeframe=timeframe, **changes)
    table = np.array([(*each, 1e6)[:5] for each in part.candles], np.float64)
    candles = Candles(np.arange(len(table), dtype=np.int64) * part.step, *np.ascontiguousarray(table.T))
    return Prepared(
        chosen, Scripted(script), candles, candles, None, market, NO_FUNDING, chosen.strategy_config, known_from=None
    )


def played(
    parts: Sequence[Part], market: MarketSpec, *, balance: float = 1000.0, **changes: Any
) -> tuple[PortfolioRun, list[Simulation[Any]]]:
    """Compiled; the loop in Python has to say the same."""
    ready = [prepared_of(part, market, **changes) for part in parts]
    run = simulate_portfolio(ready, balance=balance)
    found = [outcome_of(member) for member in run.members]
    again = simulate_portfolio(ready, balance=balance, compiled=False)
    for one, other in zip(found, map(outcome_of, again.members), strict=True):
        assert told(one) == told(other)
        np.testing.assert_array_equal(one.equity, other.equity)
    assert run.liquidated_at == again.liquidated_at
    return run, found


def told(simulation: Simulation[Any]) -> list[Fill]:
    return [
        (
            int(each.point),
            simulation.slots[each.slot],
            int(each.side),
            round(float(each.price), 9),
            round(float(each.amount), 9),
        )
        for each in simulation.fills
    ]
