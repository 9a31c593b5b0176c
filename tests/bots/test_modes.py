"""Paper, signals only, and moving a bot from one mode to another: on a stepped market, ticks called by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bots import selectors, services
from bots.errors import ModeRefused, NotEditable
from bots.ledger import rebuild
from bots.lifecycle import BotStatus, OrderStatus
from bots.models import Bot, BotMode, EquityPoint, Event, EventKind, Fill, JournalEntry, Order, Position, Trade
from bots.reconciliation import reconcile
from bots.tick import TickOutcome
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount, PaperOrder
from exchange.port import OrderRequest
from strategies.contract import OrderType, Side
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal
PRICES = path_of("2000", "2000", "1890", "1890", "2010", "2010", "1990", "2010", "1890", "2110", "2000", "2000")


@pytest.fixture
def market(tmp_path: Path) -> Iterator[SteppedMarket]:
    with stepped_market(tmp_path, PRICES) as running:
        yield running


def paper_account(market: SteppedMarket, **fields: Any) -> ExchangeAccount:
    return cast.account(
        "paper",
        environment="paper",
        base_url=market.simulator.url,
        api_key="",
        api_secret="",
        options={"enableRateLimit": False},
        paper_balances={"USDT": "100000", "ETH": "50"},
        **fields,
    )


def started(account: ExchangeAccount, name: str, mode: str, **config: object) -> Bot:
    bot = cast.bot(name, account=account, mode=mode, run=0, config=cast.grid_config(**config))
    return services.start_bot(bot=bot, requested_by="alice")


def fills_of(bot: Bot) -> list[tuple[Any, ...]]:
    return [
        (
            fill.order.slot,
            fill.side,
            fill.price,
            fill.amount,
            fill.fee,
            fill.fee_currency,
            fill.is_maker,
            fill.executed_at,
        )
        for fill in Fill.objects.filter(bot=bot).select_related("order").order_by("executed_at", "id")
    ]


def trades_of(bot: Bot) -> list[tuple[Any, ...]]:
    return list(
        Trade.objects.filter(bot=bot).order_by("key", "ordinal").values_list("key", "ordinal", "profit", "closed_at")
    )


def assert_reconciled(account: ExchangeAccount) -> None:
    lines = reconcile(account, now=cast.NOW)
    assert lines
    assert [line for line in lines if not line.equal] == []


@pytest.mark.parametrize("symbol", ["ETH/USDT:USDT", "ETH/USDT"])
def test_on_paper_a_bot_does_what_it_does_on_the_exchange(market: SteppedMarket, symbol: str) -> None:
    paper = paper_account(market)
    bots = {}
    for name, mode, account in (("demo-grid", "demo", market.account), ("paper-grid", "paper", paper)):
        bot = cast.bot(name, account=account, mode=mode, run=0, symbol=symbol, config=cast.grid_config())
        bots[mode] = services.start_bot(bot=bot, requested_by="alice")
    for _ in range(len(PRICES) * 4 - 1):
        for bot in bots.values():
            assert market.tick(bot) is TickOutcome.DONE
        market.step()
    assert fills_of(bots["paper"]) == fills_of(bots["demo"])
    assert trades_of(bots["paper"]) == trades_of(bots["demo"])
    assert len(fills_of(bots["paper"])) >= 6
    for account in (paper, market.account):
        assert_reconciled(account)
    assert rebuild(bots["paper"], now=cast.NOW) == []


def test_a_paper_bot_stops_and_closes_and_nothing_reaches_the_exchange(market: SteppedMarket) -> None:
    bot = started(paper_account(market), "paper-grid", "paper")
    market.tick(bot)
    market.run(bot, 2)
    assert PaperOrder.objects.filter(status="open").count() == 4
    services.stop_bot(bot=bot, requested_by="alice", close_position=True)
    for _ in range(6):
        market.step()
        market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert Position.objects.get().amount == 0
    assert not PaperOrder.objects.filter(status__in=["open", "waiting"]).exists()
    assert market.listed() == {}
    assert_reconciled(bot.account)


# --- Signals only ----------------------------------------------------------------------------------------------------


@pytest.fixture
def keyless(market: SteppedMarket) -> ExchangeAccount:
    """An account whose keys nobody has."""
    return cast.account("keyless", base_url=market.simulator.url, api_key="", api_secret="", options={})


def test_a_bot_that_only_gives_signals_decides_and_writes_down_and_sends_nothing(
    market: SteppedMarket, keyless: ExchangeAccount
) -> None:
    bot = started(keyless, "watcher", "signals")
    assert market.tick(bot) is TickOutcome.DONE
    assert bot.status == BotStatus.RUNNING
    withheld = Order.objects.filter(bot=bot)
    assert {order.status for order in withheld} == {OrderStatus.WITHHELD}
    assert {order.slot for order in withheld} == {"entry", "grid:0", "grid:1"}
    assert {order.mode for order in withheld} == {BotMode.SIGNALS}
    assert JournalEntry.objects.filter(bot=bot, action="place").count() == 3
    told = Event.objects.filter(bot=bot, kind=EventKind.SIGNAL_GENERATED).values_list("message", flat=True)
    assert "Signal, not sent: buy 0.13 ETH/USDT:USDT at 1800." in told
    # The same wishes are written down once, whatever the price does.
    market.run(bot, 12)
    assert Order.objects.filter(bot=bot).count() == 3
    assert JournalEntry.objects.filter(bot=bot, action="place").count() == 3
    assert not Fill.objects.exists()
    assert not Position.objects.exists()
    assert not EquityPoint.objects.exists()
    assert market.listed() == {}
    assert Order.objects.live().count() == 0


def test_stopping_it_drops_what_it_withheld(market: SteppedMarket, keyless: ExchangeAccount) -> None:
    bot = started(keyless, "watcher", "signals")
    market.tick(bot)
    services.stop_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert set(Order.objects.values_list("status", flat=True)) == {OrderStatus.CANCELED}
    assert Order.objects.filter(sent_at__isnull=False).count() == 0


def test_a_changed_wish_takes_the_place_of_the_old_one(market: SteppedMarket, keyless: ExchangeAccount) -> None:
    bot = started(keyless, "watcher", "signals")
    market.tick(bot)
    old = Order.objects.get(slot="grid:1")
    # As if the strategy had wished for another price before.
    Order.objects.filter(pk=old.pk).update(price=D(1850))
    market.tick(bot)
    market.tick(bot)
    new = Order.objects.get(slot="grid:1", status=OrderStatus.WITHHELD)
    old.refresh_from_db()
    assert (old.status, new.price, new.attempt) == (OrderStatus.CANCELED, D(1900), 1)


def test_signals_on_an_account_leave_its_books_alone(market: SteppedMarket) -> None:
    trader = started(market.account, "trader", "demo")
    watcher = started(market.account, "watcher", "signals")
    for bot in (trader, watcher):
        market.tick(bot)
    market.run(trader, 2)
    market.tick(watcher)
    assert_reconciled(market.account)
    (row,) = selectors.bot_rows(now=cast.NOW, bots=Bot.objects.filter(name="watcher"))
    assert (row.profit, row.position, row.fills, row.open_orders) == (0, 0, 0, 0)


# --- From one mode to another ----------------------------------------------------------------------------------------


def traded_and_closed(market: SteppedMarket, account: ExchangeAccount) -> Bot:
    """A stopped bot that has traded on the account and holds nothing any more."""
    bot = started(account, "traveller", "paper")
    market.tick(bot)
    market.run(bot, 24)
    services.stop_bot(bot=bot, requested_by="alice", close_position=True)
    for _ in range(6):
        market.step()
        market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    assert Position.objects.get(bot=bot).realised_pnl != 0
    return bot


def test_a_running_bot_does_not_change_its_mode(market: SteppedMarket) -> None:
    bot = started(paper_account(market), "traveller", "paper")
    with pytest.raises(NotEditable, match="is starting: stop it before changing it"):
        services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account)


def test_a_bot_takes_no_position_along(market: SteppedMarket) -> None:
    bot = started(paper_account(market), "traveller", "paper")
    market.tick(bot)
    market.run(bot, 1)
    services.stop_bot(bot=bot, requested_by="alice")
    for _ in range(4):
        market.tick(bot)
    assert bot.status == BotStatus.STOPPED
    with pytest.raises(NotEditable, match=r"holds 0\.23 ETH/USDT:USDT on account paper: its account and mode cannot"):
        services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account)
    with pytest.raises(NotEditable, match="its mode cannot be changed"):
        services.update_bot(bot=bot, requested_by="alice", mode="signals")
    assert services.update_bot(bot=bot, requested_by="alice", tick_interval=5).tick_interval == 5


def test_less_than_a_step_may_stay_behind(market: SteppedMarket) -> None:
    bot = traded_and_closed(market, paper_account(market))
    Position.objects.filter(bot=bot).update(amount=D("0.009"))
    assert services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account).mode == "demo"


def test_orders_that_are_not_over_keep_a_bot_where_it_is(market: SteppedMarket) -> None:
    bot = traded_and_closed(market, paper_account(market))
    cast.order(bot, "buy", "0.1", "1500")
    with pytest.raises(NotEditable, match="has 1 order on account paper that is not over"):
        services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account)


def test_each_account_has_a_ledger_of_its_own(market: SteppedMarket) -> None:
    paper = paper_account(market)
    bot = traded_and_closed(market, paper)
    on_paper = Position.objects.get(bot=bot).realised_pnl
    bot = services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account)
    (row,) = selectors.bot_rows(now=cast.NOW, bots=Bot.objects.filter(pk=bot.pk))
    assert (row.profit, row.fills, list(row.sparkline)) == (0, 0, [])
    assert selectors.bot_figures(bot, now=cast.NOW).cycles == 0

    services.start_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    market.run(bot, 3)
    assert Position.objects.get(bot=bot, account=paper).realised_pnl == on_paper
    held = Position.objects.get(bot=bot, account=market.account)
    assert held.fills == Fill.objects.filter(bot=bot, account=market.account).count() > 0
    assert {order.mode for order in Order.objects.filter(account=paper)} == {"paper"}
    assert {order.mode for order in Order.objects.filter(account=market.account)} == {"demo"}
    assert rebuild(bot, now=cast.NOW) == []
    for account in (paper, market.account):
        assert_reconciled(account)


def test_profits_of_one_mode_are_never_added_to_anothers(market: SteppedMarket) -> None:
    bot = traded_and_closed(market, paper_account(market))
    on_paper = Position.objects.get(bot=bot).realised_pnl

    def totals() -> dict[str, Decimal]:
        return {total.mode: total.profit for total in selectors.totals_of(selectors.bot_rows(now=cast.NOW))}

    assert totals() == {"paper": on_paper}
    services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account)
    assert totals() == {"demo": D(0)}


def test_a_mode_and_its_account_have_to_fit(market: SteppedMarket) -> None:
    paper = paper_account(market)
    bot = cast.bot(account=market.account, run=0)
    with pytest.raises(ModeRefused, match="mode demo needs an account of environment demo or simulator or testnet"):
        services.update_bot(bot=bot, requested_by="alice", account=paper)
    with pytest.raises(ModeRefused, match="mode paper needs an account of environment paper"):
        services.update_bot(bot=bot, requested_by="alice", mode="paper")
    assert services.update_bot(bot=bot, requested_by="alice", mode="signals").mode == "signals"


def test_what_a_bot_left_behind_on_its_old_account_is_a_difference_there(market: SteppedMarket) -> None:
    paper = paper_account(market)
    bot = traded_and_closed(market, paper)
    bot = services.update_bot(bot=bot, requested_by="alice", mode="demo", account=market.account)
    stray = f"ta{bot.tag}" + "0" * 24
    gateway_for(paper.gateway_config()).place(
        OrderRequest("ETH/USDT:USDT", stray, Side.BUY, OrderType.LIMIT, D("0.1"), D(1000))
    )
    assert [line.what for line in reconcile(paper, now=cast.NOW) if not line.equal] == ["open orders", f"order {stray}"]
