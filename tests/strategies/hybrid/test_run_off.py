"""What the old family holds runs off beside the new one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from strategies.contract import MarketSpec
from tests.strategies.hybrid.bench import BEAR, BREAKOUT, BULL, HOUR_MS, RANGE, SPOT, HybridBot
from tests.strategies.markets import LINEAR


def running_off(market: MarketSpec = LINEAR, **changes: object) -> HybridBot:
    bot = HybridBot(market, handover="run_off", **changes).with_grid()
    bot.closes(BEAR, 99.0)
    return bot


def test_its_buys_are_gone_its_sells_stay_and_a_stop_guards_it() -> None:
    """5 % below the 99 of the change."""
    bot = running_off()
    assert bot.note("hybrid.switch")["handover"] == "runs off"
    assert bot.book == {
        "grid1/grid:2": ("sell", 105.0, 2.5),
        "grid1/grid:3": ("sell", 110.0, 2.38),
        "grid1/hybrid:guard": ("sell", 94.05, 4.88),
    }
    guard = bot.order("grid1/hybrid:guard")
    assert guard.protective
    assert guard.reduce_only


def test_the_next_family_works_with_the_money_that_is_free() -> None:
    """488 of 1,000 are in the grid's coins."""
    bot = running_off()
    bot.at(99.0)
    assert bot.note("hybrid.start") == {"family": "dca", "number": 2, "money": 512.0, "price": 99.0}
    assert bot.market_orders == {"dca2/base": ("buy", 0.51)}


def test_a_sold_interval_is_not_bought_again_and_the_guard_gets_smaller() -> None:
    bot = running_off()
    bot.at(105.0, bot.filled("grid1/grid:2"))
    assert bot.book == {"grid1/grid:3": ("sell", 110.0, 2.38), "grid1/hybrid:guard": ("sell", 94.05, 2.38)}
    bot.at(110.0, bot.filled("grid1/grid:3"))
    assert [slot for slot in bot.slots if slot.startswith("grid1/")] == []
    # 12.5 + 23.8 earned; fees: 0.00055 × 488 for the entry, 0.0002 × (262.5 + 261.8) for the sells.
    assert bot.note("hybrid.handed_over")["profit"] == pytest.approx(36.3 - 0.2684 - 0.10486, abs=1e-9)


def test_the_guard_closes_it_on_a_linear_market() -> None:
    bot = running_off()
    bot.at(94.0, bot.filled("grid1/hybrid:guard", amount=4.0, done=False))
    assert "hybrid.run_off_stop" in bot.codes
    assert bot.market_orders["grid1/hybrid:close"] == ("sell", 0.88)
    assert [slot for slot in bot.slots if slot.startswith("grid1/")] == ["grid1/hybrid:close"]


def test_on_spot_the_price_is_watched_instead() -> None:
    """An order there would bind the coins that are for sale. 0.1 % of what was bought went as a fee."""
    bot = running_off(SPOT)
    assert set(bot.book) == {"grid1/grid:2", "grid1/grid:3"}
    bot.at(94.05)
    assert "hybrid.run_off_stop" in bot.codes
    assert bot.market_orders["grid1/hybrid:close"] == ("sell", 4.87)


def test_it_is_closed_when_its_time_is_over() -> None:
    bot = running_off(run_off_hours=2)
    bot.clock += 2 * HOUR_MS - 2000
    bot.at(99.0)
    assert "grid1/grid:2" in bot.slots
    bot.clock += 1000
    bot.at(99.0)
    assert "hybrid.run_off_time" in bot.codes
    assert bot.market_orders["grid1/hybrid:close"] == ("sell", 4.88)


def test_the_trend_follower_keeps_its_own_stop_and_enters_no_more() -> None:
    bot = HybridBot(handover="run_off")
    bot.closes(BULL, 100.6)
    bot.closes(BULL, 100.6, trend=BREAKOUT)
    bot.at(100.6, bot.filled("trend1/entry", price=100.6))
    bot.closes(RANGE, 100.6)
    assert bot.book["trend1/stop"] == ("sell", 99.6, 9.0)
    assert not any("hybrid:" in slot for slot in bot.slots)
    bot.at(99.5, bot.filled("trend1/stop"))
    bot.closes(RANGE, 100.6, trend=BREAKOUT)
    assert not any(slot.startswith("trend1/") for slot in bot.slots)


def test_a_deal_that_runs_off_takes_its_profit_and_opens_no_other() -> None:
    """0.6 at 100; 1.5 % above that is 101.5."""
    bot = HybridBot(handover="run_off")
    bot.closes(BEAR, 100.0)
    bot.at(100.0, bot.filled("dca1/base", price=100.0))
    assert sum(slot.startswith("dca1/safety") for slot in bot.slots) == 3
    bot.closes(BULL, 100.0)
    assert bot.book == {
        "dca1/take_profit:1": ("sell", 101.5, 0.6),
        "dca1/hybrid:guard": ("sell", 95.0, 0.6),
    }
    bot.at(101.5, bot.filled("dca1/take_profit:1"))
    assert "hybrid.handed_over" in bot.codes
    assert not any(slot.startswith("dca1/") for slot in bot.slots)


def test_the_stop_of_a_deal_is_the_guard_where_it_is_nearer() -> None:
    """Two stop orders for the same coins would sell those of the other family too. 2 % below 100 is 98."""
    bot = HybridBot(handover="run_off", dca_stop_loss=2, dca_safety_orders=1)
    bot.closes(BEAR, 100.0)
    bot.at(100.0, bot.filled("dca1/base", price=100.0))
    assert bot.book["dca1/stop"] == ("sell", 98.0, 0.6)
    bot.closes(BULL, 100.0)
    stops = {slot: each for slot, each in bot.book.items() if bot.order(slot).protective}
    assert stops == {"dca1/hybrid:guard": ("sell", 98.0, 0.6)}


def test_a_late_buy_joins_what_runs_off() -> None:
    bot = HybridBot(handover="run_off").with_grid()
    late = bot.filled("grid1/grid:1")
    bot.closes(BEAR, 95.0)
    bot.at(95.0, late)
    assert bot.book["grid1/grid:1"] == ("sell", 100.0, 2.63)
    assert bot.book["grid1/hybrid:guard"] == ("sell", 90.25, 7.51)


def test_nothing_to_run_off_is_over_at_once() -> None:
    bot = HybridBot(handover="run_off")
    bot.closes(BULL, 100.0)
    bot.closes(RANGE, 100.0)
    assert bot.codes == ["hybrid.regime", "hybrid.switch", "hybrid.handed_over"]
    bot.at(100.0)
    assert bot.market_orders == {"grid2/entry": ("buy", 4.88)}


def test_the_same_family_can_run_off_and_run() -> None:
    bot = running_off()
    bot.at(99.0)
    bot.closes(RANGE, 99.0)
    bot.at(99.0)
    assert bot.note("hybrid.start")["family"] == "grid"
    keys = {slot.partition("/")[0] for slot in bot.slots}
    assert keys == {"grid1", "grid3"}
    late = replace(bot.filled("grid1/grid:2"), amount=0.5, done=False)
    bot.at(105.0, late)
    assert bot.book["grid1/hybrid:guard"][2] == 4.38
