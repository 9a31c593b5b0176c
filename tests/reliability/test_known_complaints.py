"""What users of the best-known bots report, each as a test on the real simulator.

Complaints about other parts stand where these are tested: WebSockets that die silently in
``tests/exchange/test_price_fallback.py``, bans and rate limits in ``tests/exchange/resilience``, contract sizes in
``tests/exchange`` with each exchange's requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from bots import services
from bots.booking import book_fills
from bots.ledger import rebuild
from bots.lifecycle import BotStatus, OrderStatus
from bots.models import Bot, EventKind, Fill, Order, Position
from bots.reconciliation import reconcile
from exchange import ccxt_parsing
from exchange.models import ExchangeAccount
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market
from tests.bots.model_exchange import ModelExchange

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal
LINEAR = "ETH/USDT:USDT"

# 2000, a fall to 1890, back over 2000, another fall, then a crash through 1700
PRICES = path_of("2000", "2000", "1890", "1890", "2010", "2110", "1990", "1890", "1890", "1650", "1650", "1650")


@pytest.fixture
def market(tmp_path: Path) -> Iterator[SteppedMarket]:
    with stepped_market(tmp_path, PRICES) as running:
        yield running


def started(market: SteppedMarket, symbol: str = LINEAR, **config: object) -> Bot:
    """Long grid 1800 … 2200 in 4 intervals of 100, at 2000."""
    bot = cast.bot(account=market.account, symbol=symbol, run=0, config=cast.grid_config(**config))
    return services.start_bot(bot=bot, requested_by="alice")


def until(market: SteppedMarket, bot: Bot, reached: Callable[[], bool], *, ticks: int = 60) -> None:
    for _ in range(ticks):
        if reached():
            return
        market.tick(bot)
    pytest.fail(f"still not so after {ticks} ticks: {bot.status}, {bot.last_error}")


def all_answered() -> bool:
    return not Order.objects.filter(status__in=[OrderStatus.INTENT, OrderStatus.SENT, OrderStatus.UNKNOWN]).exists()


def time_passes() -> None:
    """As if everything that waits for a lag had waited for it."""
    longer = timedelta(minutes=1)
    for name in ("sent_at", "lost_at", "missing_since", "closed_at"):
        for order in Order.objects.exclude(**{f"{name}__isnull": True}):
            Order.objects.filter(pk=order.pk).update(**{name: getattr(order, name) - longer})
    ExchangeAccount.objects.update(audited_at=None)


def assert_books_are_true(market: SteppedMarket, bot: Bot) -> None:
    ids = [request["number"] for request in market.simulator.requests(path="order/create", limit=1000)["requests"]]
    assert ids
    assert [line for line in reconcile(market.account, now=timezone.now()) if not line.equal] == []
    assert rebuild(bot, now=timezone.now()) == []
    assert market.listed(bot.symbol) == market.kept(bot)


def test_orders_are_duplicated_after_a_restart(market: SteppedMarket) -> None:
    bot = started(market)
    market.simulator.inject("drop-after-accept on order/create ×3")
    market.tick(bot)
    # The worker died with three orders out; another one takes over.
    Order.objects.update(status=OrderStatus.SENT, exchange_order_id="")
    until(market, bot, all_answered)
    market.run(bot, 2)
    assert Order.objects.filter(slot__in=["entry", "grid:0", "grid:1"]).count() == 3
    assert Fill.objects.filter(order__slot="entry").count() == 1
    assert_books_are_true(market, bot)


@pytest.mark.parametrize("fault", ["error 504 after-accept", "error 502", "drop-before-accept", "truncate"])
def test_an_order_is_unknown_to_the_bot_after_a_time_out(market: SteppedMarket, fault: str) -> None:
    bot = started(market)
    market.simulator.inject(f"{fault} on order/create ×2")
    market.tick(bot)
    assert Order.objects.filter(status=OrderStatus.UNKNOWN).count() == 2
    time_passes()
    until(market, bot, all_answered)
    market.run(bot, 2)
    assert len(market.listed()) == 4
    assert_books_are_true(market, bot)


def test_a_cancelled_order_had_filled(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    market.step(7)  # through 1900
    # The executions are not listed yet when the bot is told to stop and cancels everything.
    market.simulator.inject("list-lag 60s on execution/list")
    services.stop_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    bought = Order.objects.get(slot="grid:1")
    assert bought.cancel_requested_at is not None
    assert bot.status == BotStatus.STOPPING
    market.simulator.clear_faults()
    until(market, bot, lambda: bot.status == BotStatus.STOPPED)
    bought.refresh_from_db()
    assert (bought.status, bought.filled) == (OrderStatus.FILLED, D("0.13"))
    assert Position.objects.get().amount == D("0.36")
    assert_books_are_true(market, bot)


def test_fills_are_booked_twice(market: SteppedMarket) -> None:
    bot = started(market)
    market.simulator.inject("duplicate-executions on execution/list", "out-of-order-executions on execution/list")
    market.tick(bot)
    market.run(bot, 20)
    market.simulator.clear_faults()
    booked = Fill.objects.count()
    assert booked >= 3
    # Everything is read again from the beginning.
    ExchangeAccount.objects.update(fills_cursor={"linear": 0}, synced_at=None)
    market.tick(bot)
    assert Fill.objects.count() == booked
    assert_books_are_true(market, bot)


def test_executions_are_missed_while_the_bot_is_down(market: SteppedMarket) -> None:
    bot = started(market)
    market.tick(bot)
    market.run(bot, 1)
    market.step(20)  # bought at 1900 and sold 2100 with nobody there
    market.tick(bot)
    assert {fill.order.slot for fill in Fill.objects.select_related("order")} == {"entry", "grid:1", "grid:2"}
    market.run(bot, 1)
    assert_books_are_true(market, bot)


def test_more_executions_are_missed_than_one_page_holds(tmp_path: Path) -> None:
    """120 orders fill while nobody is there; the exchange lists 100 executions at a time."""
    with stepped_market(tmp_path, path_of("2000", "2000", "1790", "2210", "2000", "2000")) as market:
        bot = started(market, grids=120, investment="30000")
        market.tick(bot)
        market.run(bot, 1)
        resting = len(market.listed())
        market.step(16)
        market.tick(bot)
        assert resting > 110
        assert Fill.objects.exclude(order__slot="entry").count() == resting
        market.run(bot, 1)
        assert_books_are_true(market, bot)


def test_contracts_are_taken_for_coins() -> None:
    """OKX trades ETH futures in contracts of 0.1 coins: five of them bought are half a coin."""
    bot = cast.bot()
    order = cast.order(bot, "buy", "0.5", "2000")
    traded = {
        "id": "1", "order": "9", "symbol": LINEAR, "side": "buy", "price": "2000", "amount": "5",
        "timestamp": 1_746_360_000_000, "takerOrMaker": "maker", "fee": {"cost": "0.2", "currency": "USDT"}, "info": {},
    }  # fmt: skip
    report = ccxt_parsing.fill(traded, D("0.1"), order.client_order_id)
    book_fills(bot.account, [report], gateway=ModelExchange(clock=timezone.now), now=timezone.now())
    order.refresh_from_db()
    assert order.status == OrderStatus.FILLED
    position = Position.objects.get()
    assert (position.amount, position.cost, position.realised_pnl) == (D("0.5"), D(1000), D("-0.2"))


def test_a_partial_fill_blocks_the_exit(market: SteppedMarket) -> None:
    bot = started(market)
    market.simulator.inject("partial-fills 20%..60% on linear/ETHUSDT")
    market.tick(bot)
    market.run(bot, 24)
    assert Fill.objects.filter(completes_order=False).exists()
    services.stop_bot(bot=bot, requested_by="alice", close_position=True)
    until(market, bot, lambda: bot.status == BotStatus.STOPPED)
    assert Position.objects.get().amount == 0
    assert market.gateway.positions() == []
    assert_books_are_true(market, bot)


def test_dust_blocks_the_exit(market: SteppedMarket) -> None:
    """On spot the fee is taken from what was bought: less can be sold, and a remainder below the step cannot at all."""
    bot = started(market, "ETH/USDT", investment="1003.77")
    market.tick(bot)
    market.run(bot, 24)
    services.stop_bot(bot=bot, requested_by="alice", close_position=True)
    until(market, bot, lambda: bot.status == BotStatus.STOPPED)
    left = Position.objects.get().amount
    assert D(0) < left < D("0.00001")
    stopped = bot.events.get(kind=EventKind.BOT_STOPPED).message
    assert f"{left.normalize():f} ETH stay in the position: amount" in stopped
    assert "is below the market's minimum of 0.00036 ETH" in stopped
    assert_books_are_true(market, bot)


def test_stop_orders_are_gone_after_a_restart(market: SteppedMarket) -> None:
    bot = started(market, stop_loss_price="1700")
    market.tick(bot)
    market.run(bot, 1)
    assert stops(market) == {("sell", D(1700), D("0.23"))}
    market.simulator.kill9()
    market.simulator.start()
    market.tick(bot)
    assert stops(market) == {("sell", D(1700), D("0.23"))}
    # The exchange drops it: it is missed and placed again within one tick.
    link = Order.objects.get(slot="stop").client_order_id
    market.simulator.inject(f"cancel-order link={link} on linear/ETHUSDT ×1")
    assert stops(market) == set()
    market.tick(bot)
    assert stops(market) == {("sell", D(1700), D("0.23"))}
    assert Order.objects.filter(slot="stop").count() == 2


def stops(market: SteppedMarket) -> set[tuple[str, Decimal | None, Decimal | None]]:
    return {
        (str(report.side), report.trigger_price, report.amount)
        for report in market.gateway.open_orders(LINEAR)
        if report.trigger_price is not None
    }


def test_a_stop_does_not_work_while_the_bot_is_down(market: SteppedMarket) -> None:
    bot = started(market, stop_loss_price="1700")
    market.tick(bot)
    market.run(bot, 11)  # bought 0.13 more at 1900, and the stop was amended
    assert stops(market) == {("sell", D(1700), D("0.36"))}
    assert Order.objects.filter(slot="stop").count() == 1
    market.step(28)  # up and down, and through 1800 and 1700 to 1650, with nobody there
    market.tick(bot)
    assert Fill.objects.get(order__slot="stop").price == D(1700)
    until(market, bot, lambda: bot.status == BotStatus.STOPPED)
    assert bot.status_reason.startswith("Stop loss")
    assert Position.objects.get().amount == 0
    assert_books_are_true(market, bot)


def test_a_stop_is_triggered_and_never_filled(market: SteppedMarket) -> None:
    bot = started(market, stop_loss_price="1700")
    market.tick(bot)
    market.run(bot, 3)
    market.simulator.inject("trigger-without-fill 500 points on linear/ETHUSDT")
    market.run(bot, 40)
    until(market, bot, lambda: bot.status == BotStatus.STOPPED)
    assert Position.objects.get().amount == 0
    assert market.gateway.positions() == []
    assert_books_are_true(market, bot)


@pytest.mark.parametrize("fault", ["drop-after-accept", "drop-before-accept", "error 500"])
def test_a_replaced_order_leaves_two_standing(market: SteppedMarket, fault: str) -> None:
    bot = started(market, stop_loss_price="1700")
    market.tick(bot)
    market.run(bot, 1)
    market.simulator.inject(f"{fault} on order/amend ×2", f"{fault} on order/cancel ×1")
    market.run(bot, 9)  # through 1900: the stop has to grow
    for _ in range(3):
        market.tick(bot)
    assert stops(market) == {("sell", D(1700), D("0.36"))}
    assert Order.objects.filter(slot="stop").count() == 1
    assert_books_are_true(market, bot)
