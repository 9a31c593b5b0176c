"""A bot that wants what the test says, ticking on a model exchange with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from bots.lifecycle import BotStatus
from bots.models import Bot, Event, EventKind, Fill, Order
from bots.tick import TickOutcome, tick_bot
from strategies.contract import (
    Decision,
    FillSeen,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    StrategyConfig,
    WantedOrder,
)
from tests.bots import cast
from tests.bots.model_exchange import ModelExchange, WorkerKilled

D = Decimal


class ScriptedConfig(StrategyConfig):
    pass


@dataclass
class Seen:
    """All fills that the strategy was told of, in order: slot, sequence, amount, done."""

    fills: list[list[Any]] = field(default_factory=list)


@dataclass
class ScriptedStrategy:
    """Wants ``wanted`` and writes down what it is told."""

    wanted: list[WantedOrder] = field(default_factory=list)
    name: ClassVar[str] = "scripted"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Scripted"
    description: ClassVar[str] = "Wants what it is told to."
    Config: type[ScriptedConfig] = ScriptedConfig

    def initial_state(self, config: ScriptedConfig, market: MarketSpec) -> Seen:
        return Seen()

    def step(
        self,
        config: ScriptedConfig,
        market: MarketSpec,
        state: Seen,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[Seen]:
        told = [[fill.slot, fill.sequence, fill.amount, fill.done] for fill in fills]
        return Decision(Seen([*state.fills, *told]), tuple(self.wanted))

    def dump(self, state: Seen) -> dict[str, Any]:
        return {"fills": state.fills}

    def load(self, data: Mapping[str, Any]) -> Seen:
        return Seen([list(fill) for fill in data["fills"]])


def limit(
    slot: str = "a", sequence: int = 0, *, side: Side = Side.BUY, amount: str = "0.50", price: str = "1900"
) -> WantedOrder:
    return WantedOrder(slot, sequence, side, OrderType.LIMIT, float(amount), Reason("test"), price=float(price))


def stop(slot: str = "stop", sequence: int = 0, *, amount: str = "0.50", price: str = "1800") -> WantedOrder:
    return WantedOrder(
        slot, sequence, Side.SELL, OrderType.STOP, float(amount), Reason("test"), trigger_price=float(price),
        reduce_only=True, protective=True,
    )  # fmt: skip


@dataclass
class Bench:
    """One running bot. ``tick`` is a worker's; a worker that is killed leaves what was committed."""

    bot: Bot
    exchange: ModelExchange
    strategy: ScriptedStrategy
    now: datetime = cast.NOW

    def want(self, *orders: WantedOrder) -> None:
        self.strategy.wanted = list(orders)

    def tick(self, *fates: str, seconds: float = 1) -> TickOutcome | None:
        """``None`` when the worker was killed in it. What is left of ``fates`` is for nobody."""
        self.now += timedelta(seconds=seconds)
        self.exchange.fates = list(fates)
        try:
            return tick_bot(self.bot.pk, clock=lambda: self.now, sync_max_age=timedelta(0), price_max_age=timedelta(0))
        except WorkerKilled:
            return None
        finally:
            self.exchange.fates = []
            self.bot.refresh_from_db()

    def settle(self) -> None:
        """Time passes and nothing goes wrong any more: beyond every lag, audit and back-off."""
        for _ in range(10):
            assert self.tick(seconds=20) is TickOutcome.DONE

    def order(self, slot: str = "a", attempt: int = 0) -> Order:
        return Order.objects.get(bot=self.bot, slot=slot, attempt=attempt)

    @property
    def seen(self) -> list[list[Any]]:
        latest = self.bot.snapshots.order_by("-id").first()
        return list(latest.state["fills"]) if latest else []

    def events(self, kind: EventKind) -> list[str]:
        return list(Event.objects.filter(bot=self.bot, kind=kind).order_by("id").values_list("message", flat=True))

    def assert_books_are_true(self) -> None:
        """What we think stands is what stands, and every execution is booked exactly once."""
        live = {
            order.exchange_order_id: (order.amount, order.price, order.filled)
            for order in Order.objects.filter(bot=self.bot).live()
        }
        standing = {
            kept.report.exchange_order_id: (kept.report.amount, kept.report.price, kept.report.filled)
            for kept in self.exchange.standing
        }
        assert live == standing
        booked = sorted(Fill.objects.filter(bot=self.bot).values_list("trade_id", "amount", "price"))
        assert booked == sorted((fill.trade_id, fill.amount, fill.price) for _, fill in self.exchange.fills)
        assert not Order.objects.filter(bot=self.bot).unsettled().exists()


@contextmanager
def bench(**traits_or_exchange: Any) -> Iterator[Bench]:
    """Must run with the database. What goes through it is the whole tick but for the exchange and the strategy."""
    bot = cast.bot("scripted", strategy="scripted", config={}, status=BotStatus.RUNNING)
    account = bot.account
    account.baseline, account.fills_cursor = {"coins": {}, "positions": {}}, {"linear": 0}
    account.save()
    made = Bench(bot, ModelExchange(clock=lambda: made.now, **traits_or_exchange), ScriptedStrategy())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bots.tick.gateway_for", lambda config: made.exchange)
        patch.setattr("bots.decision.get_strategy", lambda name: made.strategy)
        yield made
