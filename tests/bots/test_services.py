"""What people may do with bots, and what is refused with which sentence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask
from pytest_django.fixtures import Settings

from bots import services
from bots.errors import ConfigInvalid, ModeRefused, NotEditable
from bots.lifecycle import BotStatus, InvalidTransition
from bots.locks import LockKind, try_lock
from bots.models import Bot, Order
from bots.tick import TickOutcome
from exchange.models import Environment
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market(tmp_path: Path) -> Iterator[SteppedMarket]:
    with stepped_market(tmp_path, path_of("2000", "2000", "2000")) as running:
        yield running


def running_bot(market: SteppedMarket) -> Bot:
    bot = services.start_bot(bot=cast.bot(account=market.account, run=0), requested_by="alice")
    market.tick(bot)
    return bot


def stop(market: SteppedMarket, bot: Bot) -> None:
    """One tick cancels, the next one finds nothing standing."""
    services.stop_bot(bot=bot, requested_by="alice")
    market.tick(bot)
    market.tick(bot)
    assert bot.status == BotStatus.STOPPED


def test_a_start_makes_the_beat_entry_and_a_stop_disables_it(market: SteppedMarket) -> None:
    bot = running_bot(market)
    entry = PeriodicTask.objects.get(name="tick eth-grid")
    assert (entry.task, json.loads(entry.args), entry.queue) == ("bots.tasks.tick_bot", [bot.pk], "ticks")
    assert entry.interval is not None
    assert (entry.interval.every, entry.interval.period, entry.expire_seconds) == (1, "seconds", 1)
    assert entry.enabled
    stop(market, bot)
    entry.refresh_from_db()
    assert not entry.enabled


def test_a_changed_interval_changes_the_beat_entry_at_the_next_start(market: SteppedMarket) -> None:
    bot = running_bot(market)
    stop(market, bot)
    services.update_bot(bot=bot, requested_by="alice", tick_interval=5)
    services.start_bot(bot=bot, requested_by="alice")
    entry = PeriodicTask.objects.get(name="tick eth-grid")
    assert entry.interval is not None
    assert (entry.interval.every, entry.expire_seconds, entry.enabled) == (5, 5, True)


def test_a_bot_that_never_traded_is_deleted_with_its_beat_entry() -> None:
    bot = cast.bot()
    services.delete_bot(bot=bot, requested_by="alice")
    assert not Bot.objects.exists()
    assert not PeriodicTask.objects.filter(name="tick eth-grid").exists()


def test_a_bot_that_traded_is_put_away_with_its_orders_and_frees_its_name(market: SteppedMarket) -> None:
    bot = running_bot(market)
    stop(market, bot)
    services.delete_bot(bot=bot, requested_by="alice")
    assert not Bot.objects.active().exists()
    assert Order.objects.filter(bot=bot).exists()
    assert not PeriodicTask.objects.filter(name="tick eth-grid").exists()
    cast.bot("eth-grid", account=market.account)


def test_a_running_bot_is_neither_changed_nor_deleted(market: SteppedMarket) -> None:
    bot = running_bot(market)
    with pytest.raises(NotEditable, match="Bot eth-grid is running: stop it before changing it"):
        services.update_bot(bot=bot, requested_by="alice", tick_interval=5)
    with pytest.raises(NotEditable, match="stop it before deleting it"):
        services.delete_bot(bot=bot, requested_by="alice")


def test_a_bot_is_not_started_twice(market: SteppedMarket) -> None:
    bot = running_bot(market)
    with pytest.raises(InvalidTransition, match="Bot eth-grid is running and cannot become starting"):
        services.start_bot(bot=bot, requested_by="alice")


def test_a_bot_that_is_not_paused_cannot_resume() -> None:
    with pytest.raises(InvalidTransition):
        services.resume_bot(bot=cast.bot(status=BotStatus.STARTING), requested_by="alice")


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({"lower": "2200", "upper": "1800"}, "config.upper", "upper must be above lower"),
        ({"grids": 0}, "config.grids", "greater than or equal to 1"),
        ({"grids": "many"}, "config.grids", "many"),
        ({"colour": "red"}, "config.colour", "colour"),
    ],
)
def test_a_wrong_configuration_names_the_field(config: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        services.create_bot(
            owner=cast.alice(),
            name="eth",
            account=cast.account(),
            symbol="ETH/USDT:USDT",
            strategy="grid",
            config=cast.grid_config(**config),
            requested_by="alice",
        )
    problem = next(item for item in refusal.value.problems if item.field == field)
    assert words in problem.message


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigInvalid, match=r"known are: .*grid"):
        services.create_bot(
            owner=cast.alice(),
            name="eth",
            account=cast.account(),
            symbol="ETH/USDT:USDT",
            strategy="gird",
            config={},
            requested_by="alice",
        )


def test_an_unknown_symbol_is_refused_at_the_start_with_near_ones(market: SteppedMarket) -> None:
    bot = cast.bot(account=market.account, symbol="ETH/EUR", run=0)
    with pytest.raises(ConfigInvalid, match=r"has no market ETH/EUR\. Did you mean ETH/USDT"):
        services.start_bot(bot=bot, requested_by="alice")


def test_an_unknown_symbol_is_refused_at_the_creation_when_the_exchange_can_be_asked(market: SteppedMarket) -> None:
    with pytest.raises(ConfigInvalid, match=r"has no market ETH/EUR\."):
        services.create_bot(
            owner=cast.alice(),
            name="eth",
            account=market.account,
            symbol="ETH/EUR",
            strategy="grid",
            config=cast.grid_config(),
            requested_by="alice",
        )
    assert not Bot.objects.exists()


def test_live_needs_a_live_account() -> None:
    with pytest.raises(
        ModeRefused, match="mode live needs an account of environment live; practice is of environment simulator"
    ):
        services.update_bot(bot=cast.bot(), requested_by="alice", mode="live")


@pytest.mark.parametrize("switch", ["DEBUG", "EMBEDDED"])
def test_live_is_refused_where_nobody_should_trade_real_money(settings: Settings, switch: str) -> None:
    settings.ALLOW_LIVE = settings.DEBUG = settings.EMBEDDED = False
    setattr(settings, switch, True)
    bot = cast.bot(account=cast.account("real", environment=Environment.LIVE, base_url=""))
    with pytest.raises(ModeRefused, match="TRADERAGENT_ALLOW_LIVE=1"):
        services.update_bot(bot=bot, requested_by="alice", mode="live")
    settings.ALLOW_LIVE = True
    assert services.update_bot(bot=bot, requested_by="alice", mode="live").mode == "live"


def test_a_second_worker_leaves_at_once_while_one_holds_the_bot(market: SteppedMarket) -> None:
    bot = services.start_bot(bot=cast.bot(account=market.account, run=0), requested_by="alice")
    held, release = threading.Event(), threading.Event()

    def other_worker() -> None:
        with try_lock(LockKind.BOT_TICK, bot.pk) as got:
            assert got
            held.set()
            release.wait(30)
        connection.close()

    worker = threading.Thread(target=other_worker)
    worker.start()
    assert held.wait(30)
    assert market.tick(bot) is TickOutcome.BUSY
    assert not Order.objects.exists()
    release.set()
    worker.join()
    assert market.tick(bot) is TickOutcome.DONE


def test_ticks_of_one_bot_in_many_threads_send_each_order_once(market: SteppedMarket) -> None:
    bot = services.start_bot(bot=cast.bot(account=market.account, run=0), requested_by="alice")

    def work() -> None:
        for _ in range(5):
            market.tick(Bot.objects.get(pk=bot.pk))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert market.listed() == market.kept(bot)
    assert Order.objects.filter(bot=bot).count() == 5  # two buys, the entry, and the two sells that followed
