"""One bot on a stepped market: what a tick places, books, keeps and takes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from bots import services
from bots.errors import ConfigInvalid
from bots.lifecycle import BotStatus, InvalidTransition, OrderStatus
from bots.models import Bot, Event, EventKind, Fill, JournalEntry, Order, Position, Snapshot, Trade
from bots.reconciliation import reconcile
from bots.tick import TickOutcome, tick_bot
from exchange.port import OrderRequest
from strategies.contract import OrderType, Side
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal

# 2000, a fall to 1900, a rise back above 2000, and around
PRICES = path_of("2000", "2000", "1890", "1890", "2010", "2010", "1990", "2010", "1890", "2110", "2000", "2000")


@pytest.fixture
def market(tmp_path: Path) -> Iterator[SteppedMarket]:
    with stepped_market(tmp_path, PRICES) as running:
        yield running


def started(market: SteppedMarket, **config: object) -> Bot:
    """Long grid 1800 … 2200 in 4 intervals of 100; at 2000 the lower two wait, the upper two hold."""
    bot = cast.bot(account=market.account, run=0, config=cast.grid_config(**config))
    return services.start_bot(bot=bot, requested_by="alice")


def assert_reconciled(market: SteppedMarket) -> None:
    lines = reconcile(market.account, now=cast.NOW)
    assert lines
    assert [line for line in lines if not line.equal] == []


def test_the_first_tick_rests_the_buys_and_enters_for_the_rest(market: SteppedMarket) -> None:
    bot = started(market)
    assert market.tick(bot) is TickOutcome.DONE
    assert bot.status == BotStatus.RUNNING
    orders = {order.slot: order for order in Order.objects.all()}
    # 1000 / 4 = 250 quote per interval: 250/1800 = 0.138…, 250/1900 = 0.131…, entry 250/2000 + 250/2100
    assert {slot: (order.side, order.price, order.amount) for slot, order in orders.items()} == {
        "entry": ("buy", None, D("0.23")),
        "grid:0": ("buy", D(1800), D("0.13")),
        "grid:1": ("buy", D(1900), D("0.13")),
    }
    assert set(market.listed()) == {orders["grid:0"].client_order_id, orders["grid:1"].client_order_id}


def test_the_second_tick_sees_the_entry_filled_and_rests_the_sells(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    sells = Order.objects.filter(bot=bot, side="sell").order_by("price")
    assert [(order.price, order.amount) for order in sells] == [(D(2100), D("0.12")), (D(2200), D("0.11"))]
    assert market.listed() == market.kept(bot)
    assert Position.objects.get().amount == D("0.23")


def test_a_filled_buy_becomes_a_sell_one_line_up_and_the_pair_a_cycle(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 4 * 5)  # down through 1900 and back over 2000
    cycle = Trade.objects.get(key="grid/1")
    assert (cycle.amount, cycle.entry_value, cycle.exit_value) == (D("0.13"), D("247"), D("260"))
    # maker fee 0.02 % of each side
    assert cycle.fees_quote == D("0.0494") + D("0.052")
    assert cycle.profit == D(13) - D("0.1014")
    assert cycle.closed_at is not None
    assert_reconciled(market)


def test_a_tick_without_news_changes_nothing(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    before = (Order.objects.count(), Snapshot.objects.count(), JournalEntry.objects.count(), Event.objects.count())
    for _ in range(3):
        market.tick(bot)
    assert before == (
        Order.objects.count(),
        Snapshot.objects.count(),
        JournalEntry.objects.count(),
        Event.objects.count(),
    )


def test_every_order_has_its_reason_in_the_journal(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    for order in Order.objects.filter(bot=bot):
        entry = order.journal.get(action="place")
        assert entry.sentence
        assert entry.requested_by == "strategy grid"
        assert entry.price == D(2000)
        assert all(check["passed"] for check in entry.checks)


def test_an_answer_that_never_came_is_asked_for_and_not_sent_twice(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    # The worker died after the exchange accepted and before the answer was written down.
    Order.objects.filter(slot="grid:0").update(status=OrderStatus.SENT, exchange_order_id="")
    market.tick(bot)
    order = Order.objects.get(slot="grid:0")
    assert order.status == OrderStatus.OPEN
    assert order.exchange_order_id
    assert market.listed() == market.kept(bot)
    assert Order.objects.filter(slot="grid:0").count() == 1


def test_an_order_that_never_arrived_is_sent_again_under_the_same_id(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    order = Order.objects.get(slot="grid:0")
    market.gateway.cancel(order.symbol, order.client_order_id)
    # As if it had been claimed by a worker that died before the first byte left: another id than the cancelled one.
    never = f"{order.client_order_id[:-1]}{'0' if order.client_order_id[-1] != '0' else '1'}"
    Order.objects.filter(pk=order.pk).update(
        status=OrderStatus.SENT, exchange_order_id="", client_order_id=never, sent_at=cast.NOW
    )
    market.tick(bot)
    order.refresh_from_db()
    assert order.status == OrderStatus.OPEN
    assert never in market.listed()


def test_an_intent_that_was_not_sent_goes_out_with_the_next_tick(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    order = Order.objects.get(slot="grid:0")
    market.gateway.cancel(order.symbol, order.client_order_id)
    never = f"{order.client_order_id[:-1]}{'0' if order.client_order_id[-1] != '0' else '1'}"
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.INTENT, exchange_order_id="", client_order_id=never)
    market.tick(bot)
    assert never in market.listed()
    assert len(market.listed()) == 4


def test_an_order_cancelled_behind_our_back_is_noticed_and_placed_anew(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    order = Order.objects.get(slot="grid:0")
    market.gateway.cancel(order.symbol, order.client_order_id)
    market.account.__class__.objects.update(audited_at=None)
    market.tick(bot)
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED
    Order.objects.filter(pk=order.pk).update(closed_at=cast.NOW)  # the back-off has passed
    market.tick(bot)
    again = Order.objects.get(slot="grid:0", attempt=1)
    assert (again.status, again.price, again.amount) == (OrderStatus.OPEN, D(1800), D("0.13"))
    assert market.listed() == market.kept(bot)


def test_a_stray_with_the_bots_mark_is_cancelled_and_a_strangers_order_is_left(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    for name in (f"ta{bot.tag}stray", "byhand"):
        market.gateway.place(
            OrderRequest("ETH/USDT:USDT", name, Side.BUY, OrderType.LIMIT, amount=D("0.1"), price=D(1500))
        )
    market.account.__class__.objects.update(audited_at=None)
    market.tick(bot)
    assert set(market.listed()) == {*market.kept(bot), "byhand"}
    assert Event.objects.filter(message__contains="stray").count() == 1


def test_a_stray_that_the_strategy_wants_is_adopted_where_that_is_set(
    market: SteppedMarket, settings: Settings
) -> None:
    """As after an old backup was restored: the exchange holds an order that the database has never heard of."""
    settings.STRAY_ORDERS = "adopt"
    bot = started(market)
    market.tick(bot)
    market.tick(bot)
    before = market.listed()
    lost = Order.objects.get(bot=bot, slot="grid:0")
    JournalEntry.objects.filter(order=lost).delete()
    Event.objects.filter(order=lost).delete()
    lost.delete()
    market.account.__class__.objects.update(audited_at=None)

    market.tick(bot)

    assert market.listed() == before == market.kept(bot)
    found = Order.objects.get(bot=bot, slot="grid:0")
    assert (found.client_order_id, found.exchange_order_id) == (lost.client_order_id, lost.exchange_order_id)
    assert (found.status, found.trade_key) == (OrderStatus.OPEN, lost.trade_key)
    assert Event.objects.filter(message__startswith="Adopted a stray order").count() == 1


def test_an_adopted_stray_that_nobody_wants_is_booked_and_cancelled(market: SteppedMarket, settings: Settings) -> None:
    settings.STRAY_ORDERS = "adopt"
    bot = started(market)
    market.tick(bot)
    market.tick(bot)
    wanted = market.listed()
    market.gateway.place(
        OrderRequest("ETH/USDT:USDT", f"ta{bot.tag}stray", Side.BUY, OrderType.LIMIT, amount=D("0.1"), price=D(1500))
    )
    market.account.__class__.objects.update(audited_at=None)
    market.tick(bot)
    assert market.listed() == wanted == market.kept(bot)
    stray = Order.objects.get(bot=bot, slot="stray:stray")
    assert (stray.status, stray.amount, stray.price) == (OrderStatus.CANCELED, D("0.1"), D(1500))
    assert_reconciled(market)


def test_stopping_cancels_all_and_keeps_the_position(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    services.stop_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert market.listed() == {}
    assert Position.objects.get().amount == D("0.23")
    assert bot.periodic_task is not None
    assert not bot.periodic_task.enabled
    assert_reconciled(market)


def test_stopping_with_close_sells_what_is_held(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    services.stop_bot(bot=bot, requested_by="alice", close_position=True)
    for _ in range(4):
        market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert Position.objects.get().amount == 0
    assert market.gateway.positions() == []
    assert_reconciled(market)


def test_a_paused_bot_books_fills_and_places_nothing(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    services.pause_bot(bot=bot, requested_by="alice")
    market.run(bot, 11)  # through 1900
    assert Fill.objects.filter(order__slot="grid:1").count() == 1
    assert Order.objects.live().count() == 3
    services.resume_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    assert Order.objects.live().filter(side="sell", price=D(2000)).count() == 1


def test_an_emergency_withdraws_every_order_and_waits_for_the_operator(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    services.emergency_stop_bot(bot=bot, requested_by="alice", reason="Looks wrong.")
    market.tick(bot)
    market.run(bot, 2)
    assert bot.status == BotStatus.EMERGENCY
    assert market.listed() == {}
    with pytest.raises(InvalidTransition):
        services.start_bot(bot=bot, requested_by="alice")
    services.stop_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    assert bot.status == BotStatus.STOPPED


def test_a_second_start_is_a_new_run_with_new_ids(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    services.stop_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    market.tick(bot)
    services.start_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    assert bot.run == 2
    assert Order.objects.filter(slot="grid:0").values_list("client_order_id", flat=True).distinct().count() == 2
    assert market.listed() == {key: value for key, value in market.kept(bot).items() if value[1] is not None}


def test_a_closing_order_is_not_called_back_before_its_executions_are_read(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.tick(bot)
    services.stop_bot(bot=bot, requested_by="alice", close_position=True)
    market.tick(bot)
    market.tick(bot)
    closing = Order.objects.get(bot=bot, slot="close")
    assert closing.status == OrderStatus.OPEN

    # As where an exchange answers a market order with its fill, and the executions are read by a later tick.
    Order.objects.filter(pk=closing.pk).update(reported_filled=closing.amount)
    tick_bot(bot.pk, clock=timezone.now, sync_max_age=timedelta(hours=1), price_max_age=timedelta(0))

    closing.refresh_from_db()
    assert closing.cancel_requested_at is None
    market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert Order.objects.filter(bot=bot, slot="close").count() == 1


def test_a_stop_loss_closes_and_stops_by_itself(market: SteppedMarket) -> None:
    bot = started(market, stop_loss_percent="2")
    market.tick(bot)
    market.run(bot, 4 * 3)
    for _ in range(4):
        market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert bot.status_reason.startswith("Stop loss: profit and loss is -2.")
    assert market.listed() == {}
    assert Position.objects.get().amount == 0
    assert Event.objects.filter(kind=EventKind.STOP_LOSS_HIT).count() == 1
    assert_reconciled(market)


def test_a_bot_that_cannot_work_is_not_started(market: SteppedMarket) -> None:
    bot = cast.bot(account=market.account, run=0, config=cast.grid_config(investment="10"))
    with pytest.raises(ConfigInvalid) as refusal:
        services.start_bot(bot=bot, requested_by="alice")
    assert any("investment" in problem.field for problem in refusal.value.problems)
    bot.refresh_from_db()
    assert bot.status == BotStatus.STOPPED


def test_a_dead_exchange_fails_the_tick_says_so_and_recovers(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.simulator.kill9()
    assert market.tick(bot) is TickOutcome.FAILED
    assert bot.errors_in_a_row == 1
    assert bot.last_error
    assert bot.status == BotStatus.RUNNING
    market.simulator.start()
    assert market.tick(bot) is TickOutcome.DONE
    assert (bot.errors_in_a_row, bot.last_error) == (0, "")
    assert market.listed() == market.kept(bot)


def test_a_wrong_key_takes_the_bot_off_the_market_with_a_clear_reason(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.account.api_secret = "not-the-secret"
    market.account.save()
    assert market.tick(bot) is TickOutcome.FAILED
    assert bot.status == BotStatus.EMERGENCY
    assert "key" in bot.status_reason.lower()


def test_a_strategy_that_fails_three_times_is_taken_off_the_market(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    Snapshot.objects.update(state={"phase": "unheard of"})
    for failures in (1, 2):
        assert market.tick(bot) is TickOutcome.FAILED
        assert (bot.status, bot.errors_in_a_row) == (BotStatus.RUNNING, failures)
        assert "not a snapshot that GridState can be made of" in bot.last_error
    assert market.tick(bot) is TickOutcome.FAILED
    assert bot.status == BotStatus.EMERGENCY
    assert bot.status_reason.startswith(
        "The strategy failed 3 times in a row: ValueError: This is not a snapshot that GridState"
    )
    assert Event.objects.filter(kind=EventKind.STRATEGY_ERROR).count() == 3
    market.tick(bot)
    assert market.listed() == {}


def test_a_fault_of_our_own_is_noted_and_stops_the_bot_too(
    market: SteppedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = started(market)
    market.tick(bot)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("bots.tick.sync_account", broken)
    for _ in range(3):
        assert market.tick(bot) is TickOutcome.FAILED
    assert bot.status == BotStatus.EMERGENCY
    assert bot.status_reason == "The tick failed 3 times in a row: RuntimeError: a fault"
    monkeypatch.undo()
    market.tick(bot)
    assert market.listed() == {}
