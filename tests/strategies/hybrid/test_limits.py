"""What holds for all families together."""

from __future__ import annotations

from strategies.explanations import explain
from tests.strategies.hybrid.bench import BEAR, HOUR_MS, MIDNIGHT_MS, RANGE, HybridBot


def test_the_stop_loss_closes_everything_and_ends_the_bot() -> None:
    """10 % of 1,000 below the best of 30: at −70."""
    bot = HybridBot(max_drawdown=10).with_grid()
    bot.at(106.0, pnl=30.0)
    bot.at(85.7, pnl=-69.9)
    assert bot.codes == []
    bot.at(85.6, pnl=-70.0)
    assert bot.codes == ["hybrid.stop_loss"]
    assert bot.market_orders == {"grid1/hybrid:close": ("sell", 4.88)}
    assert bot.book == {}
    assert not bot.finished
    bot.closes(BEAR, 85.6, pnl=-70.0)
    assert not bot.finished
    bot.at(85.6, bot.filled("grid1/hybrid:close", price=85.6), realised=-70.0)
    assert bot.slots == []
    assert bot.decision.finish is not None
    assert explain(bot.decision.finish.reason) == (
        "Stop loss: profit and loss has fallen by 100 from its best, the limit is 100."
    )


def test_the_best_is_that_of_the_bot_since_its_start() -> None:
    """A bot that was started with 500 earned before has no 500 to lose."""
    bot = HybridBot(max_drawdown=10)
    bot.at(100.0, realised=500.0)
    bot.at(100.0, realised=401.0)
    assert bot.codes == []
    bot.at(100.0, realised=400.0)
    assert bot.codes == ["hybrid.stop_loss"]
    assert bot.finished == "hybrid.stop_loss"


def test_a_day_that_lost_too_much_is_over() -> None:
    bot = HybridBot(daily_loss=5).with_grid()
    bot.at(90.0, pnl=-49.9)
    assert bot.codes == []
    bot.at(89.9, pnl=-50.0)
    assert bot.codes == ["hybrid.daily_loss"]
    assert bot.market_orders == {"grid1/hybrid:close": ("sell", 4.88)}
    bot.at(89.9, bot.filled("grid1/hybrid:close", price=89.9), realised=-50.0)
    bot.closes(BEAR, 89.9, realised=-50.0)
    assert bot.slots == []
    bot.clock = MIDNIGHT_MS + 24 * HOUR_MS - 1000
    bot.at(89.9, realised=-50.0)
    assert bot.codes == ["hybrid.start"]
    assert bot.state.day_pnl == -50.0


def test_a_buy_beyond_the_largest_exposure_is_left_out() -> None:
    """After a loss of 250 the limit is 750. Held are 238, and 249.3 and 249.85 rest: 250 more at 100 are too many."""
    bot = HybridBot().with_grid()
    bot.at(105.0, bot.filled("grid1/grid:2"), realised=-250.0)
    assert bot.codes == ["hybrid.limited"]
    assert set(bot.book) == {"grid1/grid:0", "grid1/grid:1", "grid1/grid:3"}
    bot.at(105.0, realised=-250.0)
    assert bot.codes == []
    bot.at(110.0, bot.filled("grid1/grid:3"), realised=-250.0)
    # Nothing is held: 250 at 100 come in, 249.9 at 105 do not.
    assert set(bot.book) == {"grid1/grid:0", "grid1/grid:1", "grid1/grid:2"}


def test_an_order_that_fills_in_part_counts_once() -> None:
    """490 of 1,000: the entry of 488 fills in halves, and stays."""
    bot = HybridBot(grid_share=49)
    bot.closes(RANGE, 100.0)
    entry = bot.order("grid1/entry")
    bot.at(100.0, bot.filled("grid1/entry", amount=1.0, price=100.0, done=False))
    assert bot.order("grid1/entry") == entry
    assert bot.codes == []


def test_the_largest_exposure_is_what_a_family_gets_at_most() -> None:
    bot = HybridBot(max_exposure=40)
    bot.closes(BEAR, 100.0)
    assert bot.note("hybrid.start")["money"] == 400.0
