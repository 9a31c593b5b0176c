"""One strategy over many coins: who earned, how the results are spread, and whether they earned on the same days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backtests.analysis.plain_json import plain
from backtests.analysis.runs import Runs
from backtests.analysis.sources import NamedSource
from backtests.data import load_candles
from backtests.identity import data_hash
from backtests.metrics.inputs import Floats, Times
from backtests.metrics.returns import hold_return
from backtests.metrics.sampling import DAY_MS
from backtests.preset import Preset, with_changes
from backtests.running import back_test
from backtests.search.evaluation import Evaluator
from backtests.search.measures import MEASURES, Measured, measures_of

FIGURES: Final = (
    "roi", "sharpe", "calmar", "max_drawdown", "profit_factor", "win_rate", "trades", "fees",
)  # fmt: skip
PERCENTILES: Final = (5, 25, 50, 75, 95)
# Fewer days in common tell nothing of two series.
FEWEST_COMMON: Final = 10


@dataclass(frozen=True, slots=True)
class Ranked:
    """One coin. ``measures`` is ``None`` for one that could not be run; ``days`` number the days of ``returns``, ``data`` is
    the candles' hash."""

    name: str
    source: str
    symbol: str
    measures: Mapping[str, float] | None
    held: float = float("nan")
    error: str = ""
    first: int = 0
    last: int = 0
    days: Times | None = None
    returns: Floats | None = None
    data: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """``entries`` are the best first, those that could not be run last. ``correlation`` is of daily returns, in the
    order of ``correlated``; NaN for two that have fewer than ten days in common or of which one did not vary."""

    by: str
    entries: tuple[Ranked, ...]
    correlated: tuple[str, ...]
    correlation: Floats

    @property
    def run(self) -> tuple[Ranked, ...]:
        return tuple(each for each in self.entries if each.measures is not None)

    def distribution(self) -> dict[str, dict[str, float]]:
        """Of each figure over the coins: mean, percentiles and how many have it."""
        found = {}
        for name in FIGURES:
            values = np.array([each.measures[name] for each in self.run if each.measures is not None])
            values = values[np.isfinite(values)]
            if len(values):
                percentiles = np.percentile(values, PERCENTILES)
                found[name] = {
                    "count": float(len(values)),
                    "mean": float(np.mean(values)),
                    **{str(share): float(value) for share, value in zip(PERCENTILES, percentiles, strict=True)},
                }
        return found

    @property
    def profitable(self) -> float:
        """The share of the coins that earned something; NaN when none could be run."""
        earned = [each.measures["roi"] > 0.0 for each in self.run if each.measures is not None]
        return float(np.mean(earned)) if earned else float("nan")

    @property
    def mean_correlation(self) -> float:
        above = self.correlation[np.triu_indices(len(self.correlated), 1)]
        known = above[np.isfinite(above)]
        return float(np.mean(known)) if len(known) else float("nan")

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(
            {
                "by": self.by,
                "ranking": [
                    {
                        "rank": place + 1 if each.measures is not None else None,
                        "name": each.name,
                        "source": each.source,
                        "symbol": each.symbol,
                        "period": [each.first, each.last],
                        "measures": each.measures,
                        "buy_and_hold": each.held,
                        "error": each.error or None,
                    }
                    for place, each in enumerate(self.entries)
                ],
                "distribution": self.distribution(),
                "profitable": self.profitable,
                "correlation": {"names": list(self.correlated), "matrix": self.correlation},
                "mean_correlation": self.mean_correlation,
            }
        )
        return found


@dataclass(frozen=True, slots=True)
class CoinRun:
    """The preset on one coin: its symbol, without the increments and smallest amounts of the preset's own coin."""

    source: NamedSource
    since: int | None
    until: int | None
    store: str | None

    def done_by(self, evaluator: Evaluator) -> Ranked:
        source = self.source
        try:
            preset = of_coin(evaluator.preset, source.symbol)
            candles, _ = load_candles(
                source.source,
                timeframe=preset.timeframe,
                since=self.since,
                until=self.until,
                gaps=preset.gaps,
                store=self.store,
            )
            run = Measured(back_test(preset, candles))
            measures = measures_of(run, FIGURES)
        except ValueError as error:
            return Ranked(source.name, source.source, source.symbol, None, error=str(error))
        first, last = run.outcome.period
        held = hold_return(candles.close, float(candles.open[0]), float(preset.fees.taker))
        days = run.sampled.ends // DAY_MS
        return Ranked(
            source.name, source.source, preset.symbol, measures, held, "", first, last, days, run.sampled.returns,
            data_hash(candles),
        )  # fmt: skip


def of_coin(preset: Preset, symbol: str) -> Preset:
    """On another coin. Increments and amounts of the preset's own coin would be wrong there: prices are not rounded."""
    return with_changes(preset, {"symbol": symbol, "precision": {}, "limits.amount": {}})


def rank(
    preset: Preset,
    sources: Sequence[NamedSource],
    runs: Runs,
    *,
    by: str = "sharpe",
    since: int | None = None,
    until: int | None = None,
    store: str | None = None,
) -> Ranking:
    """Each coin on its own candles; ``store`` is where the candle store lies. Raises ``ValueError`` for a figure that is
    not one, or when no coin could be run."""
    if by not in FIGURES:
        raise ValueError(f"--by {by}: coins are ranked by one of {', '.join(FIGURES)}")
    found = runs.done(preset, None, [CoinRun(source, since, until, store) for source in sources], "coins")
    if all(each.measures is None for each in found):
        raise ValueError(f"not one of {len(found)} coins could be run; the first one: {found[0].error}")
    sign = 1.0 if MEASURES[by].higher_is_better else -1.0
    found.sort(key=lambda each: (_order(each, by, sign), each.name))
    varying = [each for each in found if each.returns is not None]
    return Ranking(by, tuple(found), tuple(each.name for each in varying), correlations(varying))


def correlations(entries: Sequence[Ranked]) -> Floats:
    """Pearson's, of each two over the days that both have."""
    matrix = np.full((len(entries), len(entries)), np.nan)
    for one, first in enumerate(entries):
        for other, second in enumerate(entries[: one + 1]):
            matrix[one, other] = matrix[other, one] = _correlation(first, second)
    return matrix


def _correlation(one: Ranked, other: Ranked) -> float:
    assert one.days is not None
    assert other.days is not None
    assert one.returns is not None
    assert other.returns is not None
    _, here, there = np.intersect1d(one.days, other.days, assume_unique=True, return_indices=True)
    first, second = one.returns[here], other.returns[there]
    if len(first) < FEWEST_COMMON or np.std(first) == 0.0 or np.std(second) == 0.0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _order(entry: Ranked, by: str, sign: float) -> tuple[int, float]:
    if entry.measures is None:
        return (2, 0.0)
    value = entry.measures[by]
    return (1, 0.0) if np.isnan(value) else (0, -sign * value)
