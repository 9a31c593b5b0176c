"""The figures of a trial, each computed only when a search asks for it (definitions: docs/backtesting/metrics.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from backtests.metrics import drawdowns, returns, trading
from backtests.metrics.inputs import EquityCurve, Floats, Trades
from backtests.metrics.sampling import Sampled, sample

if TYPE_CHECKING:
    from backtests.outcome import Outcome


@dataclass
class Measured:
    """An outcome with what several figures share. Its curve carries no exposure, which costs more than the ratios."""

    outcome: Outcome

    @property
    def equity(self) -> Floats:
        return self.outcome.equity

    @property
    def trades(self) -> Trades:
        return self.outcome.trades

    @cached_property
    def initial(self) -> float:
        return float(self.outcome.preset.initial_balance)

    @cached_property
    def curve(self) -> EquityCurve:
        return EquityCurve(self.outcome.timestamps, self.equity, self.outcome.period[0], self.initial)

    @cached_property
    def sampled(self) -> Sampled:
        return sample(self.curve)

    @cached_property
    def max_drawdown(self) -> float:
        return max(0.0, float(np.max(drawdowns.depths(self.equity, self.initial))))


@dataclass(frozen=True, slots=True)
class Measure:
    of: Callable[[Measured], float]
    higher_is_better: bool = True


def _calmar(run: Measured) -> float:
    return returns.cagr(run.curve) / run.max_drawdown if run.max_drawdown > 0.0 else returns.NAN


MEASURES: Final[Mapping[str, Measure]] = {
    "roi": Measure(lambda run: float(run.equity[-1]) / run.initial - 1.0),
    "final_equity": Measure(lambda run: float(run.equity[-1])),
    "cagr": Measure(lambda run: returns.cagr(run.curve)),
    "sharpe": Measure(lambda run: returns.sharpe(run.sampled)),
    "sortino": Measure(lambda run: returns.sortino(run.sampled)),
    "calmar": Measure(_calmar),
    "volatility": Measure(lambda run: returns.volatility(run.sampled), higher_is_better=False),
    "max_drawdown": Measure(lambda run: run.max_drawdown, higher_is_better=False),
    "ulcer_index": Measure(lambda run: drawdowns.ulcer_index(run.sampled, run.initial), higher_is_better=False),
    "profit_factor": Measure(lambda run: trading.profit_factor(run.trades)),
    "expectancy": Measure(lambda run: trading.expectancy(run.trades)),
    "win_rate": Measure(lambda run: trading.win_rate(run.trades)),
    "sqn": Measure(lambda run: trading.system_quality_number(run.trades)),
    "trades": Measure(lambda run: float(len(run.trades))),
    "fills": Measure(lambda run: float(len(run.outcome.simulation.fills))),
    "fees": Measure(lambda run: run.outcome.simulation.fees, higher_is_better=False),
}


def measures_of(run: Measured, names: Iterable[str]) -> dict[str, float]:
    """NaN where a figure is not defined."""
    return {name: MEASURES[name].of(run) for name in names}
