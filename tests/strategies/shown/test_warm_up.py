"""A live window of the declared length gives the rows of the full history, for whatever is registered."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.candles import rows_of
from strategies.checks import check_warm_up
from strategies.contract import CandleNeed, UsesFeatures
from tests.strategies.shown.cases import CASES_WITH_FEATURES, Case, each_case_with_features

PLACES = 100
# Rows of the whole history that the windows are compared with: years of the longer timeframes.
HISTORY = 20_000


@each_case_with_features
def test_the_declared_window_gives_the_rows_of_the_whole_history(case: Case) -> None:
    strategy = case.fresh()
    assert isinstance(strategy, UsesFeatures)
    whole = {
        timeframe: rows_of(series, max(0, len(series.timestamp) - HISTORY), len(series.timestamp))
        for timeframe, series in case.series.items()
    }
    assert check_warm_up(strategy, case.config, whole, cuts=PLACES, seed=21) == []


@pytest.mark.parametrize("name", ["dca", "smc", "trend"])
def test_a_fifth_of_it_would_not_do(name: str) -> None:
    """The check sees it when less is declared than what is needed."""
    case = next(case for case in CASES_WITH_FEATURES if case.name == name)
    fresh = case.fresh()
    assert isinstance(fresh, UsesFeatures)
    strategy: UsesFeatures[Any] = fresh

    class Hasty:
        def timeframes(self, config: object) -> tuple[CandleNeed, ...]:
            return tuple(CandleNeed(need.timeframe, need.count // 5) for need in strategy.timeframes(config))

        features = staticmethod(strategy.features)

    assert check_warm_up(Hasty(), case.config, case.series, cuts=PLACES, seed=22) != []
