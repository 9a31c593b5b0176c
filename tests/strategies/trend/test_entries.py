"""When a trade is entered, with what signal and how much. R is 20, two ATRs of 10."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strategies.contract import Direction, OrderType, Side
from strategies.kernel import features_row
from strategies.trend.analysis import confidence_of
from strategies.trend.config import TrendConfig
from strategies.trend.features import COLUMNS
from strategies.trend.parameters import parameters_of
from tests.strategies.markets import LINEAR, SPOT
from tests.strategies.trend.trend_bot import (
    BREAKDOWN,
    BREAKOUT,
    FALLING,
    MIDNIGHT_MS,
    PULLBACK,
    RALLY,
    RISING,
    TrendBot,
)

PARAMETERS = parameters_of(TrendConfig.model_validate({"investment": 10_000}), LINEAR)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, ("advance", 1, 30.0), id="averages, close and movement agree"),
        pytest.param({"adx": 19.9}, ("accumulation", 0, 19.9), id="too weak for a trend"),
        pytest.param({"adx": 20.0, "adx_peak": 20.0}, ("advance", 1, 20.0), id="just strong enough"),
        pytest.param({"close": 1970.0}, ("transition", 0, 30.0), id="a close at the slow average"),
        pytest.param({"plus_di": 10.0}, ("transition", 0, 30.0), id="movement both ways"),
        pytest.param({"ema_fast": 1970.0}, ("transition", 0, 30.0), id="averages that meet"),
        pytest.param({"adx_peak": 38.0}, ("exhaustion", 1, 30.0), id="strength has fallen by 8"),
        pytest.param({"adx_peak": 37.9}, ("advance", 1, 30.0), id="strength has fallen by less"),
        pytest.param({"close": 2030.1}, ("exhaustion", 1, 30.0), id="4 ATRs beyond the fast average"),
        pytest.param({"close": 2030.0}, ("advance", 1, 30.0), id="just not"),
        pytest.param({"highest": float("nan")}, ("unknown", 0, 0.0), id="a figure is not known yet"),
    ],
)
def test_the_phase_of_a_rising_market(changes: dict[str, float], expected: tuple[str, int, float]) -> None:
    assert told_of(RISING | changes) == expected


def test_the_phases_of_a_falling_market_are_the_mirror() -> None:
    assert told_of(FALLING) == ("advance", -1, 30.0)
    assert told_of(FALLING | {"close": 1969.0}) == ("exhaustion", -1, 30.0)
    assert told_of(FALLING | {"close": 2030.0}) == ("transition", 0, 30.0)


def told_of(row: dict[str, float]) -> tuple[Any, ...]:
    """Phase, side and strength of a market as the journal tells them."""
    bot = TrendBot()
    bot.closes(row, 2000)
    assert bot.codes == ["trend.market"]
    return tuple(bot.decision.notes[0].numbers[name] for name in ("phase", "side", "strength"))


def test_confidence_is_strength_agreement_and_volume() -> None:
    """0.4 × (30 − 20) / (50 − 20) + 0.3 × (30 − 10) / (30 + 10) + 0.3 × 1 / 3"""
    assert confidence(RISING, 1) == pytest.approx(0.4 / 3 + 0.15 + 0.1)
    assert confidence(FALLING, -1) == pytest.approx(0.4 / 3 + 0.15 + 0.1)
    assert confidence(RISING | {"adx": 90.0, "minus_di": 0.0, "volume_ratio": 9.0}, 1) == 1.0
    nothing = RISING | {"adx": 0.0, "plus_di": 0.0, "minus_di": 0.0, "volume_ratio": 0.0}
    assert confidence(nothing, 1) == 0.0


def confidence(row: dict[str, float], side: int) -> float:
    return confidence_of.plain(PARAMETERS, features_row(row, COLUMNS), side)


@pytest.mark.parametrize(
    ("row", "changes", "kind"),
    [
        pytest.param(RISING, {}, "", id="nothing happened"),
        pytest.param(PULLBACK, {}, "pullback", id="back in the zone and up again"),
        pytest.param(PULLBACK | {"zone_low": 0.1}, {}, "", id="not quite in the zone"),
        pytest.param(PULLBACK | {"open": 2000.0}, {}, "", id="the candle did not rise"),
        pytest.param(PULLBACK | {"close": 1990.0, "open": 1985.0}, {}, "", id="not above the average again"),
        pytest.param(PULLBACK | {"volume_ratio": 0.99}, {}, "", id="too little volume for a pullback"),
        pytest.param(PULLBACK | {"volume_ratio": 0.0}, {"pullback_volume": 0}, "pullback", id="any volume"),
        pytest.param(PULLBACK, {"pullback_entry": False}, "", id="pullbacks switched off"),
        pytest.param(PULLBACK | {"adx": 19.0}, {}, "", id="no trend"),
        pytest.param(PULLBACK | {"adx_peak": 40.0}, {}, "", id="an exhausted trend"),
        pytest.param(BREAKOUT, {}, "breakout", id="a close above the highest"),
        pytest.param(BREAKOUT | {"close": 2010.0}, {}, "", id="a close at the highest"),
        pytest.param(BREAKOUT | {"volume_ratio": 1.49}, {}, "", id="too little volume for a breakout"),
        pytest.param(BREAKOUT, {"breakout_entry": False}, "", id="breakouts switched off"),
        pytest.param(BREAKOUT | {"zone_low": -1.0}, {}, "breakout", id="both: it is told as the breakout"),
        pytest.param(BREAKOUT, {"min_confidence": 41}, "breakout", id="confident enough"),
        pytest.param(BREAKOUT, {"min_confidence": 49}, "", id="not confident enough"),
        pytest.param(RALLY, {}, "", id="a falling market for a long bot"),
        pytest.param(RALLY, {"direction": "short"}, "pullback", id="a rally into the zone"),
        pytest.param(RALLY | {"zone_high": -0.1}, {"direction": "short"}, "", id="a rally that falls short"),
        pytest.param(BREAKDOWN, {"direction": "neutral"}, "breakout", id="a close below the lowest"),
        pytest.param(PULLBACK, {"direction": "short"}, "", id="a rising market for a short bot"),
        pytest.param(PULLBACK, {"direction": "neutral"}, "pullback", id="a rising market for both"),
    ],
)
def test_what_is_entered_for(row: dict[str, float], changes: dict[str, Any], kind: str) -> None:
    """The breakout's confidence is 0.4 / 3 + 0.15 + 0.2 = 0.483."""
    bot = TrendBot(**changes)
    bot.closes(row, row["close"])
    assert bot.slots == (["entry"] if kind else [])
    assert (bot.decision.signal is not None) == bool(kind)
    if kind:
        assert bot.signal.metadata["kind"] == kind


def test_a_long_entry_risks_one_percent_with_the_fees_of_both_ways() -> None:
    """100 / (20 + (2000 + 1980) × 0.00055) = 4.5067, rounded down to 0.01."""
    bot = TrendBot()
    bot.closes(PULLBACK, 2000)
    entry = bot.order("entry")
    assert (entry.side, entry.type, entry.amount, entry.price) == (Side.BUY, OrderType.MARKET, 4.5, None)
    assert entry.reason.numbers == {"kind": "pullback", "amount": 4.5, "price": 2000.0, "stop": 1980.0}
    signal = bot.signal
    assert (signal.direction, signal.entry, signal.stop_loss, signal.take_profit) == (
        Direction.LONG,
        2000.0,
        1980.0,
        2060.0,
    )
    assert signal.confidence == pytest.approx(0.4 / 3 + 0.15 + 0.1)
    assert (signal.strategy_type, signal.timestamp) == ("trend", MIDNIGHT_MS + 3_600_000)
    assert signal.metadata["phase"] == "advance"
    assert signal.metadata["risk"] == pytest.approx(90.0)
    assert signal.metadata["adx"] == 30.0


def test_a_short_entry_is_the_mirror() -> None:
    """100 / (20 + (2000 + 2020) × 0.00055) = 4.5023."""
    bot = TrendBot(direction="short")
    bot.closes(RALLY, 2000)
    entry = bot.order("entry")
    assert (entry.side, entry.amount) == (Side.SELL, 4.5)
    assert (bot.signal.direction, bot.signal.stop_loss, bot.signal.take_profit) == (Direction.SHORT, 2020.0, 1940.0)


def test_the_equity_grows_and_shrinks_with_what_was_realised_since_the_start() -> None:
    bot = TrendBot()
    bot.at(2000, pnl=700)
    bot.closes(PULLBACK, 2000, pnl=2700)
    # 1 % of 12,000 over 22.189
    assert bot.order("entry").amount == 5.4


@pytest.mark.parametrize(
    ("changes", "amount"),
    [
        pytest.param({"leverage": 1}, 4.5, id="worth 9,000 of at most 9,500"),
        pytest.param({"leverage": 1, "max_position": 50}, 2.5, id="worth at most half of the equity"),
        pytest.param({"risk_percent": 2}, 9.01, id="twice the risk"),
        pytest.param({"stop_atr": 4}, 2.37, id="the stop twice as far"),
    ],
)
def test_the_size_within_its_limits(changes: dict[str, Any], amount: float) -> None:
    """With 4 ATRs: 100 / (40 + (2000 + 1960) × 0.00055) = 2.3709."""
    bot = TrendBot(**changes)
    bot.closes(PULLBACK, 2000)
    assert bot.order("entry").amount == amount


def test_what_is_too_little_to_be_closed_again_is_not_entered() -> None:
    """1 % of 10 over 22.189 is 0.0045, below the least amount of 0.01."""
    bot = TrendBot(investment=10)
    bot.closes(PULLBACK, 2000)
    assert bot.slots == []
    assert bot.codes == ["trend.market", "trend.too_small"]
    # on spot the buyer's fee leaves less than the least amount
    tight = replace(SPOT, step=Decimal("0.1"), min_amount=Decimal("0.1"))
    spot = TrendBot(tight, investment=300)
    spot.closes(PULLBACK, 2000)
    assert spot.codes == ["trend.market", "trend.too_small"]


def test_a_row_is_looked_at_once() -> None:
    bot = TrendBot(entry_candles=1)
    bot.closes(PULLBACK, 2000)
    bot.closes(RISING, 2000)
    assert bot.slots == []
    bot.row = PULLBACK  # of the same candle
    bot.at(2000)
    assert bot.slots == []


def test_nothing_is_entered_before_the_first_row() -> None:
    bot = TrendBot()
    for _ in range(3):
        bot.at(2000)
        assert bot.slots == []


def test_a_limit_entry_waits_at_the_price_and_is_given_up_after_two_candles() -> None:
    bot = TrendBot(entry_order="limit")
    bot.closes(PULLBACK, 2000.004)
    entry = bot.order("entry")
    assert (entry.type, entry.price) == (OrderType.LIMIT, 2000.0)
    bot.closes(PULLBACK, 2001)
    assert bot.slots == ["entry"]
    bot.closes(RISING, 2001)
    assert bot.slots == []
    assert bot.codes == ["trend.entry_missed"]


def test_an_entry_that_the_first_target_runs_away_from_is_given_up() -> None:
    """1.5 R of 20 above 2000."""
    bot = TrendBot(entry_order="limit")
    bot.closes(PULLBACK, 2000)
    bot.at(2029.99)
    assert bot.slots == ["entry"]
    bot.at(2030)
    assert bot.slots == []


def test_the_market_is_told_when_it_changes() -> None:
    bot = TrendBot()
    bot.closes(RISING, 2000)
    assert bot.codes == ["trend.market"]
    assert bot.decision.notes[0].numbers == {"phase": "advance", "side": 1, "strength": 30.0}
    bot.closes(RISING | {"adx": 33.0}, 2000)
    assert bot.codes == []
    bot.closes(FALLING, 2000)
    assert bot.codes == ["trend.market"]
