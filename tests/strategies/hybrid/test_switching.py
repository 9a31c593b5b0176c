"""Which family runs, and how one gives way to the next: candles in, orders out, every figure worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from strategies.contract import Direction, FillSeen, Side
from strategies.explanations import explain
from tests.strategies.hybrid.bench import (
    BEAR,
    BREAKOUT,
    BULL,
    HOUR_MS,
    MIDNIGHT_MS,
    QUIET,
    RANGE,
    VOLATILE,
    HybridBot,
)


def test_nothing_runs_before_the_regime_is_known() -> None:
    bot = HybridBot()
    bot.at(100.0)
    assert (bot.slots, bot.codes) == ([], [])
    bot.closes(dict.fromkeys(RANGE, float("nan")), 100.0)
    assert (bot.slots, bot.codes) == ([], [])


def test_a_range_starts_the_grid_with_its_share_of_the_money() -> None:
    """Lines 90, 95, 100, 105, 110 and 250 for each interval; the two above the price are bought first."""
    bot = HybridBot()
    bot.closes(RANGE, 100.0)
    assert bot.codes == ["hybrid.regime", "hybrid.start"]
    assert bot.note("hybrid.start") == {"family": "grid", "number": 1, "money": 1000.0, "price": 100.0}
    assert bot.market_orders == {"grid1/entry": ("buy", 4.88)}  # 250 / 100 + 250 / 105, rounded down
    bot.at(100.0, bot.filled("grid1/entry", price=100.0))
    assert bot.book == {
        "grid1/grid:0": ("buy", 90.0, 2.77),
        "grid1/grid:1": ("buy", 95.0, 2.63),
        "grid1/grid:2": ("sell", 105.0, 2.5),
        "grid1/grid:3": ("sell", 110.0, 2.38),
    }
    assert bot.order("grid1/grid:0").trade == "grid1/0"


def test_a_reach_in_atrs_is_that_of_the_regimes_candles() -> None:
    """20 × 0.5 % are the 10 % of the other tests."""
    bot = HybridBot(grid_range=20, grid_range_in="atr").with_grid()
    assert [price for _, price, _ in bot.book.values()] == [90.0, 95.0, 105.0, 110.0]


def test_a_falling_trend_closes_the_grid_and_then_starts_dca() -> None:
    """4.88 bought at 100 and sold at 99: 4.88 lost and 0.00055 × (488 + 483.12) = 0.534116 of fees."""
    bot = HybridBot().with_grid()
    bot.closes(BEAR, 99.0)
    assert bot.codes == ["hybrid.regime", "hybrid.switch"]
    assert bot.book == {}
    assert bot.market_orders == {"grid1/hybrid:close": ("sell", 4.88)}
    assert bot.order("grid1/hybrid:close").reduce_only
    bot.at(99.0)
    assert (bot.slots, bot.codes) == (["grid1/hybrid:close"], [])
    bot.at(99.0, bot.filled("grid1/hybrid:close", price=99.0), realised=-5.414116)
    assert (bot.slots, bot.codes) == ([], ["hybrid.handed_over"])
    assert bot.note("hybrid.handed_over")["profit"] == pytest.approx(-5.414116, abs=1e-9)
    bot.at(99.0, realised=-5.414116)
    assert bot.codes == ["hybrid.start"]
    assert bot.note("hybrid.start")["money"] == 600.0
    assert bot.market_orders == {"dca2/base": ("buy", 0.6)}  # 10 % of 600 at 99, rounded down


def test_a_rising_trend_starts_the_trend_follower_which_waits_for_its_own_signal() -> None:
    """1 % of 1,000 at a stop of 2 ATRs = 1: 10 less the fees of 0.11 a coin: 9.0 coins, stop at 99.6."""
    bot = HybridBot()
    bot.closes(BULL, 100.6)
    assert (bot.slots, bot.codes) == ([], ["hybrid.regime", "hybrid.start"])
    bot.closes(BULL, 100.6, trend=BREAKOUT)
    assert bot.market_orders == {"trend1/entry": ("buy", 9.0)}
    signal = bot.decision.signal
    assert signal is not None
    assert (signal.direction, signal.strategy_type, signal.stop_loss) == (Direction.LONG, "trend", 99.6)
    bot.at(100.6, bot.filled("trend1/entry", price=100.6))
    assert bot.book["trend1/stop"] == ("sell", 99.6, 9.0)
    assert bot.book["trend1/target:1"] == ("sell", 102.1, 4.5)


def test_a_transition_keeps_what_runs_unless_told_otherwise() -> None:
    bot = HybridBot().with_grid()
    before = bot.book
    bot.closes(QUIET, 100.0)
    assert (bot.book, bot.codes) == (before, ["hybrid.regime"])
    told = HybridBot(quiet_transition="none").with_grid()
    told.closes(QUIET, 100.0)
    assert told.market_orders == {"grid1/hybrid:close": ("sell", 4.88)}
    assert told.note("hybrid.switch")["after"] == "nothing"
    told.at(100.0, told.filled("grid1/hybrid:close", price=100.0))
    assert (told.slots, told.codes) == ([], ["hybrid.handed_over"])


def test_a_volatile_transition_can_be_given_to_dca_and_a_falling_trend_to_nobody() -> None:
    bot = HybridBot(volatile_transition="dca", bear_trend="none")
    bot.closes(VOLATILE, 100.0)
    assert bot.market_orders == {"dca1/base": ("buy", 0.6)}
    bot.closes(BEAR, 100.0)
    assert (bot.slots, bot.codes) == ([], ["hybrid.regime", "hybrid.switch", "hybrid.handed_over"])


def test_a_change_needs_its_confirmation() -> None:
    bot = HybridBot(regime_confirmation=3).with_grid()
    for _ in range(2):
        bot.closes(BEAR, 99.0)
        assert bot.codes == []
    bot.closes(BEAR, 99.0)
    assert bot.codes == ["hybrid.regime", "hybrid.switch"]


def test_a_family_runs_for_the_cool_down_at_least() -> None:
    bot = HybridBot(cool_down=150).with_grid()
    bot.closes(BEAR, 99.0)
    assert bot.codes == ["hybrid.regime", "hybrid.waits_cool_down"]
    bot.closes(BEAR, 99.0)
    assert bot.codes == []
    assert len(bot.book) == 4
    bot.clock = MIDNIGHT_MS + HOUR_MS + 150 * 60_000 - 2000
    bot.at(99.0)
    assert bot.codes == []
    bot.at(99.0)
    assert bot.codes == ["hybrid.switch"]


def test_no_more_changes_a_day_than_allowed() -> None:
    bot = HybridBot(max_switches=1, quiet_transition="none")
    bot.closes(RANGE, 100.0)
    bot.closes(QUIET, 100.0)
    assert "hybrid.switch" in bot.codes
    bot.closes(RANGE, 100.0)
    assert "hybrid.start" in bot.codes
    bot.closes(QUIET, 100.0)
    assert bot.codes == ["hybrid.regime", "hybrid.waits_switches"]
    bot.closed = bot.clock = MIDNIGHT_MS + 24 * HOUR_MS
    bot.closes(QUIET, 100.0)
    assert "hybrid.switch" in bot.codes


def test_what_comes_in_late_is_sold_before_anything_else_starts() -> None:
    bot = HybridBot().with_grid()
    late = bot.filled("grid1/grid:1")  # 2.63 bought at 95 while the order was being cancelled
    bot.closes(BEAR, 99.0)
    closing = bot.filled("grid1/hybrid:close", price=99.0)
    bot.at(95.0, late)
    assert bot.market_orders == {"grid1/hybrid:close": ("sell", 4.88)}
    bot.at(95.0, closing)
    assert bot.market_orders == {"grid1/hybrid:close": ("sell", 2.63)}
    assert bot.order("grid1/hybrid:close").sequence == 2
    bot.at(95.0, bot.filled("grid1/hybrid:close", price=95.0))
    assert bot.codes == ["hybrid.handed_over"]
    bot.at(95.0)
    assert bot.codes == ["hybrid.start"]


def test_what_comes_in_for_a_run_that_is_over_is_sold() -> None:
    bot = HybridBot().with_grid()
    late = bot.filled("grid1/grid:1")
    bot.closes(BEAR, 99.0)
    bot.at(99.0, bot.filled("grid1/hybrid:close", price=99.0), late_half(late))
    bot.at(99.0, bot.filled("grid1/hybrid:close", price=99.0))
    bot.at(99.0)
    assert bot.market_orders == {"dca2/base": ("buy", 0.6)}
    bot.at(99.0, replace(late, amount=1.32))
    assert bot.market_orders == {"dca2/base": ("buy", 0.6), "rest/hybrid:close": ("sell", 1.32)}
    bot.at(99.0, bot.filled("rest/hybrid:close", price=99.0))
    assert bot.market_orders == {"dca2/base": ("buy", 0.6)}
    assert bot.state.rest.amount == 0.0


def late_half(fill: FillSeen) -> FillSeen:
    return replace(fill, amount=1.31, done=False)


def test_too_much_sold_is_bought_back() -> None:
    """On a linear market a stop and a limit order can both be filled before either is taken back."""
    bot = HybridBot().with_grid()
    sold = bot.filled("grid1/grid:2")  # 2.5 at 105
    bot.closes(BEAR, 99.0)
    bot.at(99.0, bot.filled("grid1/hybrid:close", price=99.0), sold)
    order = bot.order("grid1/hybrid:close")
    assert (order.side, order.amount, order.sequence, order.reduce_only) == (Side.BUY, 2.5, 2, False)


def test_a_family_that_stopped_itself_waits_for_another_regime() -> None:
    """8 % of 1,000 are lost when 4.88 bought at 100 are worth 83.6 each, less the fee of 0.2684."""
    bot = HybridBot(grid_stop_loss=8).with_grid()
    bot.at(83.6)
    assert bot.market_orders == {"grid1/close": ("sell", 4.88)}
    bot.at(83.6, bot.filled("grid1/close", price=83.6))
    assert "hybrid.family_stopped" in bot.codes
    bot.at(83.6)
    bot.closes(RANGE, 83.6)
    assert bot.slots == []
    bot.closes(BEAR, 83.6)
    assert bot.codes == ["hybrid.regime", "hybrid.start"]
    bot.closes(RANGE, 83.6)
    bot.at(83.6)
    assert bot.note("hybrid.start")["number"] == 3


def test_too_little_money_is_told_once_and_asked_again_with_the_next_candle() -> None:
    bot = HybridBot(investment=100, grid_intervals=8)
    bot.closes(RANGE, 2000.0)
    assert bot.codes == ["hybrid.regime", "hybrid.waits_money"]
    assert "below the minimum of 0.01 ETH" in bot.note("hybrid.waits_money")["problem"]
    bot.at(2000.0)
    assert bot.codes == []
    bot.closes(RANGE, 1000.0)
    assert bot.codes == ["hybrid.start"]


def test_a_change_can_be_read() -> None:
    bot = HybridBot().with_grid()
    bot.closes(BEAR, 99.0)
    assert [explain(note) for note in bot.decision.notes] == [
        "The market is a bear trend (ADX 40, ATR 0.5 %, averages 99 and 100, confidence 90 %): dca is to run.",
        "At 99 grid gives way to dca; what it holds, 4.88, is closed.",
    ]
