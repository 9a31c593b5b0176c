"""Other histories that could have been: of the same trades, of the same days, of the same market.

The first three reckon with what the run left (``backtests.statistics.monte_carlo``); the last two run the strategy again on
perturbed candles. Each run's chance is its own, drawn from the seed and its number: the number of workers changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backtests.analysis.plain_json import plain
from backtests.analysis.subject import Subject
from backtests.metrics.inputs import Floats
from backtests.preset import market_spec
from backtests.running import back_test
from backtests.search.evaluation import Evaluator
from backtests.search.measures import Measured
from backtests.search.running import Progress
from backtests.search.workers import Workers
from backtests.statistics import monte_carlo as histories
from backtests.statistics.candle_paths import resampled, with_noise
from backtests.statistics.monte_carlo import Outcomes

# Share of the market's own deviation that noise adds to each candle.
NOISE: Final = 0.1
NOISY, REORDERED = "noise", "blocks"


@dataclass(frozen=True, slots=True)
class Settings:
    """``runs`` of reckoned histories, ``reruns`` of the strategy on each kind of perturbed candles."""

    runs: int = 10_000
    reruns: int = 100
    noise: float = NOISE
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Rerun:
    """One run on perturbed candles, which ``kind`` and ``number`` of the seed name."""

    kind: str
    number: int
    settings: Settings

    def done_by(self, evaluator: Evaluator) -> tuple[int, float, float]:
        """Number, final equity, maximum drawdown."""
        preset, candles = evaluator.preset, evaluator.candles
        chance = np.random.SeedSequence([self.settings.seed, (NOISY, REORDERED).index(self.kind) + 1, self.number])
        random = np.random.default_rng(chance)
        tick = float(market_spec(preset, price=float(candles.open[0])).tick)
        made = (
            with_noise(candles, random, self.settings.noise, tick)
            if self.kind == NOISY
            else resampled(candles, random, tick=tick)
        )
        run = Measured(back_test(preset, made))
        return self.number, float(run.equity[-1]), run.max_drawdown


@dataclass(frozen=True, slots=True)
class Perturbed:
    """One entry per run on perturbed candles."""

    initial: float
    final: Floats
    max_drawdown: Floats

    @property
    def profitable(self) -> float:
        """The share of the runs that earned something."""
        return float(np.mean(self.final > self.initial))

    def to_json(self) -> dict[str, Any]:
        low, middle, high = histories.interval(self.final)
        return {
            "runs": len(self.final),
            "profitable": self.profitable,
            "final": {"5": low, "50": middle, "95": high},
            "max_drawdown": dict(zip(("5", "50", "95"), histories.interval(self.max_drawdown), strict=True)),
        }


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """``None`` where there was nothing to draw from: no trades, fewer than two days."""

    settings: Settings
    initial: float
    final: float
    trades: int
    shuffled: Outcomes | None
    drawn: Outcomes | None
    returns: Outcomes | None
    perturbed: Mapping[str, Perturbed]

    def to_json(self) -> dict[str, Any]:
        settings = self.settings
        reckoned = {"trade_shuffle": self.shuffled, "trade_bootstrap": self.drawn, "return_bootstrap": self.returns}
        found: dict[str, Any] = plain(
            {
                "settings": {
                    "runs": settings.runs,
                    "reruns": settings.reruns,
                    "noise": settings.noise,
                    "seed": settings.seed,
                },
                "initial": self.initial,
                "final": self.final,
                "trades": self.trades,
                **{name: None if outcomes is None else _told(outcomes) for name, outcomes in reckoned.items()},
                "candle_noise": self.perturbed[NOISY].to_json() if NOISY in self.perturbed else None,
                "candle_blocks": self.perturbed[REORDERED].to_json() if REORDERED in self.perturbed else None,
            }
        )
        return found


def monte_carlo(
    subject: Subject, workers: Workers, settings: Settings, progress: Progress = lambda _: None
) -> MonteCarlo:
    """Of the workers' preset over the workers' candles. Raises ``ValueError`` for settings that make no run."""
    if settings.runs < 1 or settings.reruns < 0 or not settings.noise >= 0.0:
        raise ValueError(
            f"runs {settings.runs}, reruns {settings.reruns}, noise {settings.noise}: one run at least, and none below 0"
        )
    run = Measured(back_test(workers.preset, subject.candles))
    initial, profits, returns = run.initial, run.trades.profit, run.sampled.returns
    kinds = (histories.shuffled_trades, histories.drawn_trades)
    shuffled, drawn = (
        kind(profits, initial, settings.runs, _chance(settings, 10 + number)) if len(profits) else None
        for number, kind in enumerate(kinds)
    )
    compounded = (
        histories.resampled_returns(returns, initial, settings.runs, _chance(settings, 20))
        if len(returns) > 1
        else None
    )
    perturbed = {
        kind: _perturbed(kind, settings, workers, initial, progress) for kind in (NOISY, REORDERED) if settings.reruns
    }
    return MonteCarlo(settings, initial, float(run.equity[-1]), len(profits), shuffled, drawn, compounded, perturbed)


def _perturbed(kind: str, settings: Settings, workers: Workers, initial: float, progress: Progress) -> Perturbed:
    final, deepest = np.empty(settings.reruns), np.empty(settings.reruns)
    jobs = (Rerun(kind, number, settings).done_by for number in range(settings.reruns))
    for (number, equity, drawdown), _ in workers.run(jobs):
        final[number], deepest[number] = equity, drawdown
        progress(1)
    return Perturbed(initial, final, deepest)


def _chance(settings: Settings, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([settings.seed, purpose]))


def _told(outcomes: Outcomes) -> dict[str, Any]:
    return outcomes.to_json() | {
        "final_90": list(outcomes.final_interval()),
        "max_drawdown_90": list(outcomes.drawdown_interval()),
    }
