"""What a tick has read before it decides, and the one number it keeps of it: the equity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from bots import hints
from bots.models import Bot, EquityPoint, Position
from bots.plan import Amendable, Standing
from bots.reports import moment
from exchange.port import Ticker
from exchange.traits import VenueTraits
from strategies.contract import MarketSpec, OrderType, StrategyConfig
from strategies.feature_rows import NO_FEATURES, FeatureRow

EQUITY_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The market has ``has`` closed candles, and the strategy's warm-up needs ``count``."""

    timeframe: str
    count: int
    has: int


@dataclass(frozen=True, slots=True)
class NewestFeatures:
    """What the strategy sees of closed candles; ``waiting`` says why its values are NaN.

    ``others`` are the features that no candle has, such as a signal from outside.
    """

    row: FeatureRow = NO_FEATURES
    waiting: tuple[Waiting, ...] = ()
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, float]:
        return {**self.row.values, **self.others} if self.others else self.row.values

    def as_json(self) -> dict[str, float | None]:
        """``None`` for what is not known."""
        return {name: None if math.isnan(value) else value for name, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a tick has read before it decides.

    ``live`` is every order that stands or may stand; ``first_config`` is what a run's first state is made from;
    ``features`` are ``None`` when they were not asked for, because the bot was not running.
    """

    bot: Bot
    market: MarketSpec
    ticker: Ticker
    now: datetime
    live: Sequence[Standing]
    traits: VenueTraits
    first_config: StrategyConfig | None = None
    features: NewestFeatures | None = NewestFeatures()

    @property
    def amendable(self) -> Amendable:
        """The order types that are changed in place on this market: none of a bot whose orders stand nowhere."""
        if not self.bot.sends_orders:
            return frozenset()
        kinds = ((OrderType.LIMIT, self.traits.amends), (OrderType.STOP, self.traits.amends_stops))
        return frozenset(kind for kind, markets in kinds if self.market.kind in markets)


def note_equity(scene: Scene, position: Position | None, *, force: bool) -> None:
    """One point of the profit curve, at fills and otherwise every ``EQUITY_EVERY``."""
    bot, now, price = scene.bot, scene.now, scene.ticker.last
    realised = position.realised_pnl if position else Decimal(0)
    unrealised = position.unrealised_pnl(price) if position else Decimal(0)
    hints.publish(
        "tick",
        bot=bot.name,
        data={
            "price": str(price),
            "timestamp": scene.ticker.timestamp,
            "realised_pnl": str(realised),
            "unrealised_pnl": str(unrealised),
        },
        only_bot=True,
    )
    due = bot.equity_noted_at is None or now - bot.equity_noted_at >= EQUITY_EVERY
    if bot.sends_orders and (force or due):
        bot.equity_noted_at = now
        EquityPoint.objects.create(
            bot=bot,
            account_id=bot.account_id,
            at=now,
            exchange_time=moment(scene.ticker.timestamp),
            price=price,
            realised_pnl=realised,
            unrealised_pnl=unrealised,
        )
