"""One trial: a preset with some values changed, run over a part of the candles, and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backtests.outcome import Outcome
from backtests.preset import Preset, with_changes
from backtests.running import back_test
from backtests.search.feature_cache import FeatureCache
from backtests.search.measures import Measured, measures_of
from backtests.search.parameters import Values
from backtests.search.store import Trial
from exchange.candles.files import Candles
from strategies.registry import get_strategy

# Windows of a walk-forward whose features are kept.
MOST_PERIODS = 2


@dataclass(frozen=True, slots=True)
class Period:
    """Trading begins at ``begin``; nothing that opens at ``end`` or later is seen. ms UTC; candles before ``begin`` are
    warm-up."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be told of each trial."""

    metrics: tuple[str, ...]
    returns: bool = False


@dataclass(slots=True)
class Evaluator:
    """Runs trials of one preset over one history. Features are kept for trials that share them."""

    preset: Preset
    candles: Candles
    _caches: dict[tuple[Period | None, str, str], FeatureCache] = field(default_factory=dict)

    def outcome(self, values: Values, period: Period | None = None) -> Outcome:
        """Raises ``ValueError`` for values that preset or strategy refuse (``PresetInvalid``) and candles that do not
        suffice."""
        preset = with_changes(self.preset, values) if values else self.preset
        cache = self._cache(preset, period)
        return back_test(
            preset,
            cache.candles,
            begin=None if period is None else period.begin,
            features=cache.table(preset.strategy_config),
        )

    def trial(self, number: int, values: Values, asked: Asked, period: Period | None = None) -> Trial:
        """A trial whose values are refused, or for which the candles do not suffice, says why and is a result too."""
        try:
            run = Measured(self.outcome(values, period))
            returns = run.sampled.returns if asked.returns else None
            return Trial(number, values, measures_of(run, asked.metrics), returns=returns)
        except ValueError as error:
            return Trial(number, values, None, error=str(error))

    def _cache(self, preset: Preset, period: Period | None) -> FeatureCache:
        key = (period, preset.strategy, preset.timeframe)
        if key not in self._caches:
            while len(self._caches) >= MOST_PERIODS:
                del self._caches[next(iter(self._caches))]
            # Features are made of what was there by the end: even one that looks ahead sees nothing of a later test.
            seen = self.candles if period is None else self.candles.between(int(self.candles.timestamp[0]), period.end)
            self._caches[key] = FeatureCache(get_strategy(preset.strategy), seen, preset.timeframe)
        return self._caches[key]


@dataclass(frozen=True, slots=True)
class Work:
    """Some trials over one period, as they are handed to a worker."""

    trials: Sequence[tuple[int, Values]]
    asked: Asked
    period: Period | None = None

    def done_by(self, evaluator: Evaluator) -> list[Trial]:
        return [evaluator.trial(number, values, self.asked, self.period) for number, values in self.trials]
