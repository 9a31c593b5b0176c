"""From candle to candle: confirmation, memory, and what is told with the verdict."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.regimes.classification import RegimeInputs, RegimeState, RegimeVerdict, step
from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import Regime
from tests.strategies.regimes.drawn import CONFIG, candle, inputs, regimes, unknown

NAMES = {
    "tight": Regime.TIGHT_RANGE,
    "wide": Regime.WIDE_RANGE,
    "quiet": Regime.QUIET_TRANSITION,
    "volatile": Regime.VOLATILE_TRANSITION,
    "bull": Regime.BULL_TREND,
    "bear": Regime.BEAR_TREND,
}

# Each story: candles as (ADX, ATR %, averages) and the regime that holds after each of them, with three candles to
# confirm.
STORIES: dict[str, list[tuple[float, float, str, str]]] = {
    "the first candle decides at once": [(25, 3, "=", "volatile"), (25, 3, "=", "volatile")],
    "the third candle confirms a trend": [
        (25, 1, ">", "quiet"),
        (33, 1, ">", "quiet"),
        (34, 1, ">", "quiet"),
        (35, 1, ">", "bull"),
    ],
    "one candle of the old regime begins the count anew": [
        (25, 1, ">", "quiet"),
        (33, 1, ">", "quiet"),
        (34, 1, ">", "quiet"),
        (32, 1, ">", "quiet"),
        (33, 1, ">", "quiet"),
        (34, 1, ">", "quiet"),
        (35, 1, ">", "bull"),
    ],
    "a range survives the hysteresis band and two candles beyond it": [
        (15, 0.5, "=", "tight"),
        (21, 0.5, "=", "tight"),
        (22, 0.5, "=", "tight"),
        (23, 0.5, "=", "tight"),
        (21.9, 0.5, "=", "tight"),
        (22, 0.5, "=", "tight"),
        (23, 0.5, "=", "tight"),
        (24, 0.5, "=", "quiet"),
        (19, 0.5, "=", "quiet"),
        (18, 0.5, "=", "quiet"),
        (18, 0.5, "=", "quiet"),
        (17.9, 0.5, "=", "quiet"),
        (17.9, 0.5, "=", "quiet"),
        (17.9, 0.5, "=", "tight"),
    ],
    "a trend that falls into the band becomes a transition": [
        (40, 3, "<", "bear"),
        (20, 3, "<", "bear"),
        (20, 3, "<", "bear"),
        (20, 3, "<", "volatile"),
        (19, 3, "<", "volatile"),
    ],
    "a wavering ATR does not keep a range alive: the last member of the family is taken": [
        (15, 0.5, "=", "tight"),
        (25, 2.1, "=", "tight"),
        (25, 1.9, "=", "tight"),
        (25, 2.1, "=", "volatile"),
    ],
    "a wavering ATR inside a range changes nothing": [
        (15, 0.9, "=", "tight"),
        (15, 1.1, "=", "tight"),
        (15, 1.1, "=", "tight"),
        (15, 0.9, "=", "tight"),
        (15, 1.1, "=", "tight"),
        (15, 1.1, "=", "tight"),
        (15, 1.1, "=", "wide"),
    ],
    "up and down do not confirm each other": [
        (30, 1, ">", "quiet"),
        (33, 1, ">", "quiet"),
        (33, 1, ">", "quiet"),
        (33, 1, "<", "quiet"),
        (33, 1, "<", "quiet"),
        (33, 1, "<", "bear"),
        (33, 1, "=", "bear"),
        (33, 1, ">", "bear"),
        (33, 1, ">", "bear"),
        (33, 1, ">", "bull"),
    ],
    "a candle that is not known breaks the row and leaves the regime": [
        (15, 0.5, "=", "tight"),
        (25, 0.5, "=", "tight"),
        (25, 0.5, "=", "tight"),
        (float("nan"), 0.5, "=", "none"),
        (25, 0.5, "=", "tight"),
        (25, 0.5, "=", "tight"),
        (25, 0.5, "=", "quiet"),
    ],
    "before the first known candle there is none": [(float("nan"), 1, "=", "none"), (10, 1, "=", "wide")],
}


@pytest.mark.parametrize("story", STORIES)
def test_stories(story: str) -> None:
    state = RegimeState()
    for place, (adx, atr, averages, expected) in enumerate(STORIES[story]):
        state, verdict = step(CONFIG, state, candle(adx, atr, averages))
        assert (verdict and verdict.regime) is NAMES.get(expected), f"candle {place}: {verdict}"


def test_one_candle_is_enough_when_so_configured() -> None:
    config = RegimeConfig(confirmation=1)
    state, _ = step(config, RegimeState(), candle(25.0))
    state, verdict = step(config, state, candle(33.0, averages=">"))
    assert verdict is not None
    assert verdict.regime is Regime.BULL_TREND
    assert state == RegimeState(Regime.BULL_TREND)


def test_a_verdict_carries_what_it_was_told_from() -> None:
    told_from = candle(33.0, averages=">", volume=1.5)
    state, verdict = step(CONFIG, RegimeState(Regime.QUIET_TRANSITION, Regime.BULL_TREND, 1), told_from)
    assert verdict is not None
    assert verdict.inputs == told_from
    assert (verdict.regime, verdict.named, verdict.count) == (Regime.QUIET_TRANSITION, Regime.BULL_TREND, 2)
    assert state == RegimeState(Regime.QUIET_TRANSITION, Regime.BULL_TREND, 2)
    assert json.loads(json.dumps(verdict.dump())) == {
        "regime": "quiet_transition",
        "named": "bull_trend",
        "count": 2,
        "confidence": verdict.confidence,
        "inputs": {"adx": 33.0, "ema_fast": 101.0, "ema_slow": 100.0, "atr_percent": 0.5, "volume_ratio": 1.5},
    }


def test_each_regime_recommends_what_the_specification_says() -> None:
    assert {regime.value: (r.strategy, r.manner) for regime in Regime for r in [regime.recommendation]} == {
        "tight_range": ("grid", "arithmetic"),
        "wide_range": ("grid", "geometric"),
        "quiet_transition": ("grid", "cautious"),
        "volatile_transition": ("dca", "cautious"),
        "bull_trend": ("trend", "long"),
        "bear_trend": ("dca", "accumulation"),
    }


states = st.just(RegimeState()) | st.builds(RegimeState, regimes, st.none() | regimes, st.integers(0, 5))
candles = st.lists(inputs | inputs | inputs | unknown, max_size=30)


@given(before=states, following=candles)
def test_a_state_read_back_from_json_decides_the_same(before: RegimeState, following: list[RegimeInputs]) -> None:
    state = before
    for each in following:
        restored = RegimeState.load(json.loads(json.dumps(state.dump())))
        assert restored == state
        here, there = step(CONFIG, state, each), step(CONFIG, restored, each)
        assert here == there
        state = here[0]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"regime": None, "candidate": None},
        {"regime": None, "candidate": None, "count": None},
        {"regime": "sideways", "candidate": None, "count": 0},
        {"regime": None, "candidate": None, "count": 0, "more": 1},
    ],
)
def test_another_snapshot_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not a (regime's snapshot|valid Regime)"):
        RegimeState.load(data)


@given(following=st.lists(inputs, min_size=1, max_size=60), confirmation=st.integers(1, 5))
def test_a_change_is_always_confirmed_by_so_many_candles(following: list[RegimeInputs], confirmation: int) -> None:
    config = RegimeConfig(confirmation=confirmation)
    state, verdicts = RegimeState(), list[RegimeVerdict]()
    for each in following:
        state, verdict = step(config, state, each)
        assert verdict is not None
        verdicts.append(verdict)
    for place in range(1, len(verdicts)):
        before, now = verdicts[place - 1].regime, verdicts[place].regime
        if now is not before:
            row = verdicts[max(0, place - confirmation + 1) : place + 1]
            assert len(row) == confirmation
            assert all(verdict.named is not before for verdict in row)
            assert now is row[-1].named
            assert len({family_of(verdict.named) for verdict in row}) == 1


def family_of(regime: Regime) -> str:
    return regime if regime.endswith("trend") else regime.partition("_")[2]


@given(
    one=states,
    other=states,
    last=st.sampled_from([(5.0, "="), (27.0, "<"), (60.0, ">"), (60.0, "<")]),
    atr=st.floats(0, 5),
)
def test_two_pasts_agree_once_the_same_clear_regime_was_confirmed(
    one: RegimeState, other: RegimeState, last: tuple[float, str], atr: float
) -> None:
    """So a bot that starts in the middle soon knows what one that ran all along does."""
    for _ in range(CONFIG.confirmation):
        one, _verdict = step(CONFIG, one, candle(last[0], atr, last[1]))
        other, _verdict = step(CONFIG, other, candle(last[0], atr, last[1]))
    assert one == other
