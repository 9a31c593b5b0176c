"""A bot whose prices have stopped coming: it does nothing, says so, and goes on when they are back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from bots import services
from bots.models import Bot, Event, EventKind, Order, Severity
from bots.tick import TickOutcome, tick_bot
from exchange import prices
from exchange.models import ExchangeAccount
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.market import SteppedMarket, stepped_market
from tests.exchange.forwarder import Forwarder, forwarding
from tests.exchange.stream_process import stream_process

pytestmark = pytest.mark.django_db(transaction=True)

SYMBOL = "ETH/USDT:USDT"
MAX_AGE_S = 2
# 2000, and a fall through a buying line at 1900
PRICES = path_of("2000", "2000", "1890", "1890", "1890", "2110", "2110", "2110")


@pytest.fixture
def market(tmp_path: Path) -> Iterator[SteppedMarket]:
    prices.redis_client().flushdb()
    with stepped_market(tmp_path, PRICES) as running:
        yield running
    prices.redis_client().flushdb()


@pytest.fixture
def wire(market: SteppedMarket) -> Iterator[Forwarder]:
    """Between platform and exchange; the market itself is moved past it."""
    with forwarding(market.simulator.url) as running:
        ExchangeAccount.objects.filter(pk=market.account.pk).update(
            base_url=running.url, options={"enableRateLimit": False, "timeout": 1000}
        )
        market.account.refresh_from_db()
        yield running


def tick(bot: Bot) -> TickOutcome:
    """As a worker does it, on the shared price."""
    outcome = tick_bot(bot.pk, clock=timezone.now)
    bot.refresh_from_db()
    return outcome


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def received(bot: Bot) -> int:
    price = prices.read_price(bot.account.venue, SYMBOL)
    return price.received if price else 0


@pytest.mark.slow
def test_no_tick_trades_on_a_stale_price(market: SteppedMarket, wire: Forwarder, settings: object) -> None:
    settings.PRICE_MAX_AGE_SECONDS = MAX_AGE_S  # type: ignore[attr-defined]
    bot = cast.bot(account=market.account, run=0, config=cast.grid_config())
    services.start_bot(bot=bot, requested_by="alice")
    with stream_process():
        eventually(lambda: received(bot) > 0, "a price from the stream")
        assert tick(bot) is TickOutcome.DONE
        placed = set(Order.objects.values_list("client_order_id", flat=True))
        assert placed

        wire.mute = wire.deaf = True
        market.step(8)  # the market falls through a buying line, which a bot would answer with a sell above
        time.sleep(MAX_AGE_S + 0.5)
        for _ in range(3):
            assert tick(bot) is TickOutcome.FAILED
        assert set(Order.objects.values_list("client_order_id", flat=True)) == placed
        told = Event.objects.get(bot=bot, kind=EventKind.HEALTH_CRITICAL)
        assert told.severity == Severity.WARNING
        assert "The price of ETH/USDT:USDT is stale: the last one is" in told.message
        assert told.data["age_ms"] > MAX_AGE_S * 1000
        assert "is stale" in bot.last_error

        wire.mute = wire.deaf = False
        eventually(lambda: tick(bot) is TickOutcome.DONE, "a tick on a fresh price")
        assert bot.last_error == ""
        market.step(1)
        eventually(lambda: tick(bot) is TickOutcome.DONE and Order.objects.count() > len(placed), "the next orders")
