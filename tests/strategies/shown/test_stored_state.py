"""After every point of a back-test the state becomes JSON text, as it does between two ticks, and decides the same."""

from __future__ import annotations

from collections import Counter

from strategies.checks import check_steps
from tests.strategies.shown.cases import SETTINGS, Case, each_case
from tests.strategies.shown.point_in_time import steps_of, table_of


@each_case
def test_every_decision_is_the_same_from_the_stored_state(case: Case) -> None:
    candles = case.recent(case.setting.walked)
    strategy = case.fresh()
    steps, fills = steps_of(case, strategy, case.walk, table_of(case, strategy, candles))
    if case.name in SETTINGS:
        seen = Counter(fill.side for step in steps for fill in step.fills)
        assert min(seen["buy"], seen["sell"]) > 0, f"{fills} fills say too little"
    assert check_steps(case.fresh(), case.config, case.market, steps) == []
