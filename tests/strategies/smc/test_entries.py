"""Which setups are taken, how large, and why others are not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from strategies.contract import Direction, OrderType, PositionView, Side
from strategies.explanations import explain
from strategies.smc.patterns import INSIDE_BREAK, PIN_BAR
from tests.strategies.markets import SPOT
from tests.strategies.smc.bench import LONG, SHORT, SmcBot, row_of


def test_a_setup_becomes_a_signal_and_a_market_order() -> None:
    bot = SmcBot()
    signal = bot.candle_closes(row_of(LONG)).signal
    assert signal is not None
    assert (signal.direction, signal.entry, signal.stop_loss, signal.take_profit) == (
        Direction.LONG, 2000.0, 1989.0, 2040.0,
    )  # fmt: skip
    assert signal.strategy_type == "smc"
    assert signal.confidence == 1.0  # 0.30 + 0.20 + 0.15 + 0.15 + 0.10 + 0.10
    assert signal.metadata == {
        "pattern": "engulfing",
        "reward": 3.636,  # 40 / 11
        "zone_bottom": 1985.0,
        "zone_top": 1995.0,
        "zone_score": 6.0,
        "with_trend": True,
    }
    entry = bot.order("entry:0")
    assert (entry.side, entry.type, entry.sequence, entry.trade) == (Side.BUY, OrderType.MARKET, 0, "smc:0")
    assert explain(entry.reason) == (
        "Opens 1.65 at market (buy): engulfing in a zone, confidence 100 %, stop 1989, target 2040."
    )


def test_a_short_setup_is_the_mirror_image() -> None:
    bot = SmcBot(direction="short")
    signal = bot.candle_closes(
        row_of(supply=SHORT, trend_1h=-1, trend_4h=-1, trend_1d=-1, place=0.7, low_1h=1960)
    ).signal
    assert signal is not None
    assert (signal.direction, signal.stop_loss, signal.take_profit, signal.confidence) == (
        Direction.SHORT, 2011.0, 1960.0, 1.0,
    )  # fmt: skip
    assert bot.order("entry:0").side is Side.SELL


@pytest.mark.parametrize(
    ("changes", "amount"),
    [
        # Capital: 10,000 × 0.99 / 3 positions / 2,000 = 1.65.
        ({}, 1.65),
        ({"positions": 1}, 4.95),
        # Risk: Kelly 0.4 − 0.6 / (40 / 11) = 0.235, half of it capped at 2 %: 200 / 11 = 18.18.
        ({"leverage": 50}, 18.18),
        # Below the cap: 0.38 − 0.62 × 11 / 40 = 0.2095; 5 % of it is 1.0475 %, 104.75 / 11 = 9.52.
        ({"leverage": 50, "win_rate": 38, "kelly_share": 5}, 9.52),
        ({"leverage": 50, "largest_risk": Decimal("0.5")}, 4.54),
    ],
)
def test_the_size(changes: dict[str, Any], amount: float) -> None:
    bot = SmcBot(**changes)
    bot.candle_closes(row_of(LONG))
    assert bot.order("entry:0").amount == amount


def test_profits_and_losses_change_the_size() -> None:
    bot = SmcBot()
    bot.candle, bot.row = 900_000, row_of(LONG)
    bot.at(2000, position=PositionView(realised_pnl=-3000, unrealised_pnl=-1000))
    assert bot.order("entry:0").amount == 0.99  # 6,000 × 0.99 / 3 / 2,000


def test_without_an_edge_nothing_is_bet() -> None:
    bot = SmcBot(win_rate=20)  # 0.2 − 0.8 × 11 / 40 is below 0
    assert bot.candle_closes(row_of(LONG)).signal is not None
    assert bot.slots == []
    assert bot.codes == ["smc.no_size"]


@pytest.mark.parametrize(
    ("row", "price", "code"),
    [
        (row_of(LONG | {"score": 1.9}), 2000, "smc.weak_zone"),
        (row_of(LONG), 2041, "smc.too_far"),  # 2.05 % from the close
        (row_of(LONG), 1959, "smc.too_far"),
        (row_of(LONG, volume_ratio=1.19), 2000, "smc.thin_volume"),
        (row_of(LONG), 1988, "smc.stop_passed"),
        # 2.5 times the risk of 11 is 27.5.
        (row_of(LONG, high_1h=2027.4, high_4h=2020, high_1d=2020), 2000, "smc.small_reward"),
        (row_of(LONG | {"score": 2.0}, trend_1h=-1, trend_4h=-1, place=0.6), 2000, "smc.unsure"),
    ],
)
def test_filters_say_why(row: dict[str, float], price: float, code: str) -> None:
    bot = SmcBot()
    assert bot.candle_closes(row, price).signal is None
    assert bot.codes == [code]
    assert bot.slots == []
    assert explain(bot.decision.notes[0]).startswith("No long entry on the engulfing")


def test_a_reward_of_exactly_the_least_is_enough() -> None:
    assert SmcBot().candle_closes(row_of(LONG, high_1h=2027.5)).signal is not None


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({}, 2040.0),
        ({"pool_above": 2030.0}, 2030.0),
        ({"pool_above": 2020.0}, 2040.0),  # pays less than 2.5 times the risk
        ({"high_1h": 2010.0}, 2100.0),
        ({"high_1h": 2010.0, "high_4h": 2010.0}, 2300.0),
        ({"high_1h": float("nan")}, 2100.0),
    ],
)
def test_the_target_is_the_nearest_that_pays(changes: dict[str, float], target: float) -> None:
    signal = SmcBot().candle_closes(row_of(LONG) | changes).signal
    assert signal is not None
    assert signal.take_profit == target


@pytest.mark.parametrize(
    ("demand", "changes", "confidence"),
    [
        ({}, {}, 1.0),
        ({"score": 3.0}, {}, 0.85),
        ({"pattern": float(PIN_BAR)}, {}, 1.0),
        ({"pattern": float(INSIDE_BREAK)}, {}, 0.95),
        ({}, {"volume_ratio": 1.6}, 0.97),
        ({}, {"place": 0.5}, 0.9),
        ({}, {"trend_1h": 0.0}, 0.85),
        ({}, {"trend_4h": 0.0}, 0.9),
        ({}, {"trend_1d": -1.0}, 0.9),
        ({"score": 3.0}, {"swept_up": 1.0}, 0.95),
        ({}, {"swept_up": 1.0}, 1.0),  # never more than 1
        ({"score": 3.0}, {"swept_down": 1.0}, 0.85),
    ],
)
def test_confidence(demand: dict[str, float], changes: dict[str, float], confidence: float) -> None:
    signal = SmcBot().candle_closes(row_of(LONG | demand) | changes).signal
    assert signal is not None
    assert signal.confidence == confidence


def test_a_confidence_of_sixty_percent_is_not_above_sixty() -> None:
    # 0.10 for the zone, 0.20, 0.15 and 0.15; the trend of the long timeframes makes the difference.
    against = {"trend_4h": -1.0, "place": 0.6}
    bot = SmcBot()
    assert bot.candle_closes(row_of(LONG | {"score": 2.0}) | against).signal is None
    assert bot.codes == ["smc.unsure"]
    signal = SmcBot().candle_closes(row_of(LONG | {"score": 2.0}, place=0.6)).signal
    assert signal is not None
    assert signal.confidence == 0.7


def test_a_candle_is_looked_at_once() -> None:
    bot = SmcBot()
    bot.candle_closes(row_of(LONG))
    assert bot.at(2000).signal is None
    assert bot.slots == ["entry:0"]


def test_nothing_is_decided_on_what_is_not_known() -> None:
    bot = SmcBot()
    unknown = dict.fromkeys(row_of(LONG), float("nan"))
    assert bot.candle_closes(unknown).signal is None
    assert bot.codes == []
    assert bot.candle_closes(row_of(LONG, trend_1d=float("nan"))).signal is None


def test_three_positions_at_most() -> None:
    bot = SmcBot()
    for _ in range(3):
        bot.entered()
    assert bot.candle_closes(row_of(LONG)).signal is not None
    assert bot.codes == ["smc.no_slot"]
    assert [slot for slot in bot.slots if slot.startswith("stop")] == ["stop:0", "stop:1", "stop:2"]
    assert bot.order("stop:2").sequence == 2


def test_both_sides_are_not_held_at_once() -> None:
    bot = SmcBot(direction="neutral").entered()
    signal = bot.candle_closes(row_of(supply=SHORT, low_1h=1960)).signal
    assert signal is not None
    assert signal.direction is Direction.SHORT
    assert bot.codes == ["smc.other_side"]
    assert "entry:1" not in bot.slots


def test_of_two_setups_the_surer_one_is_taken() -> None:
    bot = SmcBot(direction="neutral")
    signal = bot.candle_closes(row_of(LONG | {"score": 3.0}, SHORT, low_1h=1960, trend_1h=-1.0, place=0.7)).signal
    assert signal is not None
    assert signal.direction is Direction.SHORT


def test_a_long_bot_does_not_look_at_supply() -> None:
    bot = SmcBot()
    assert bot.candle_closes(row_of(supply=SHORT, low_1h=1960)).signal is None
    assert bot.codes == []


def test_an_entry_that_is_not_filled_is_given_up_and_a_late_fill_is_sold() -> None:
    bot = SmcBot(SPOT)
    bot.candle_closes(row_of(LONG))
    late = bot.filled("entry:0", 2000.0)
    bot.candle_closes(row_of())
    assert bot.codes == ["smc.withdrawn"]
    assert bot.slots == []
    bot.at(2000, late)
    assert (bot.order("tidy").side, bot.order("tidy").amount) == (Side.SELL, 1.64835)  # 1.65 less 0.1 %
    bot.at(2000, bot.filled("tidy", 2000.0))
    assert bot.slots == []
    assert (bot.state.wins, bot.state.losses) == (0, 0)
