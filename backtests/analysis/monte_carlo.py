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
from backtests.analysis.runs import Runs
from backtests.analysis.subject import Subject
from backtests.engine_terms import market_spec
from backtests.metrics.inputs import Floats
from backtests.running import back_test
from backtests.search.evaluation import Evaluator
from backtests.search.measures import Measured
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

    def done_by(self, evaluator: Evaluator) -> tuple[float, float]:
        """Final equity, maximum drawdown."""
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
        return float(run.equity[-1]), run.max_drawdown


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


def monte_carlo(subject: Subject, settings: Settings, runs: Runs) -> MonteCarlo:
    """Of the subject's preset over its candles. Raises ``ValueError`` for settings that make no run."""
    if settings.runs < 1 or settings.reruns < 0 or not settings.noise >= 0.0:
        raise ValueError(
            f"runs {settings.runs}, reruns {settings.reruns}, noise {settings.noise}: one run at least, and none below 0"
        )
    perturbed = _perturbed(subject, settings, runs)
    run = Measured(back_test(subject.preset, subject.candles))
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
    return MonteCarlo(settings, initial, float(run.equity[-1]), len(profits), shuffled, drawn, compounded, perturbed)


def _perturbed(subject: Subject, settings: Settings, runs: Runs) -> dict[str, Perturbed]:
    if not settings.reruns:
        return {}
    kinds, initial = (NOISY, REORDERED), float(subject.preset.initial_balance)
    pieces = [Rerun(kind, number, settings) for kind in kinds for number in range(settings.reruns)]
    answers = runs.done(subject.preset, subject.market, pieces, "runs")
    found = {}
    for place, kind in enumerate(kinds):
        rows = np.array(answers[place * settings.reruns : (place + 1) * settings.reruns])
        found[kind] = Perturbed(initial, rows[:, 0], rows[:, 1])
    return found


def _chance(settings: Settings, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([settings.seed, purpose]))


def _told(outcomes: Outcomes) -> dict[str, Any]:
    return outcomes.to_json() | {
        "final_90": list(outcomes.final_interval()),
        "max_drawdown_90": list(outcomes.drawdown_interval()),
    }
