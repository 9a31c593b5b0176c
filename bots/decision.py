"""The inside of a tick: one transaction that turns what was read into the next state and the order intents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from bots.events import record
from bots.intents import plan_orders, standing_orders, store_plan
from bots.journal import entry
from bots.ledger import position_of
from bots.lifecycle import BotStatus
from bots.models import Bot, EventKind, Fill, JournalEntry, Order, Position, Severity, Signal, Snapshot
from bots.plan import Plan
from bots.reports import moment
from bots.scene import Scene, note_equity
from bots.watchdog import guard
from strategies.contract import Decision, FillSeen, Point, PositionView, Reason, Side, Strategy, StrategyConfig
from strategies.feature_rows import FeatureRow
from strategies.registry import get_strategy

SNAPSHOTS_KEPT = 50
WAITS = "features.waiting"

# Strategies finish with one of these words in their reason's code.
_FINISH_EVENTS = {"stop_loss": EventKind.STOP_LOSS_HIT, "take_profit": EventKind.TAKE_PROFIT_HIT}


class StrategyFailed(Exception):
    """A strategy raised, or cannot read its configuration or state; that error is the cause."""


def strategy_of(bot: Bot) -> Strategy[Any, Any]:
    return get_strategy(bot.strategy)


def config_of(bot: Bot) -> StrategyConfig:
    config: StrategyConfig = strategy_of(bot).Config.model_validate(bot.config)
    return config


def run_strategy(scene: Scene) -> Plan:
    """Lets the strategy see what happened and stores its next state and the intents that follow from its wishes."""
    bot, now = scene.bot, scene.now
    latest = Snapshot.objects.filter(bot=bot, run=bot.run).order_by("-id").first()
    fills = list(Fill.objects.filter(bot=bot, applied=False).select_related("order").order_by("id"))
    position = position_of(bot)
    # Read after the fills: an order whose fill came in meanwhile is over, and its wish fulfilled.
    live = standing_orders(Order.objects.standing_of(bot)) if fills else scene.live
    dropped = list(Order.objects.filter(bot=bot, rest_dropped_at__isnull=False, rest_seen=False).order_by("id"))
    seen = [_seen(fill) for fill in fills if fill.order.run == bot.run]
    seen += [_seen_as_done(order, now) for order in dropped if order.run == bot.run]
    try:
        strategy, decision, dumped = _step(scene, latest, position, seen)
    except Exception as error:  # whatever a strategy may raise
        raise StrategyFailed(f"{type(error).__name__}: {error}") from error
    if fills:
        Fill.objects.filter(id__in=[fill.id for fill in fills]).update(applied=True)
    if dropped:
        Order.objects.filter(id__in=[order.pk for order in dropped]).update(rest_seen=True)
    if latest is None or dumped != latest.state or latest.candle_close != _seen_row(scene).candle_close:
        _store_snapshot(scene, strategy.version, dumped)
    if decision.signal is not None:
        _store_signal(bot, decision, now)
    guarded = guard(scene, decision.wanted, position)
    plan = plan_orders(scene, guarded.wanted, live)
    entries = [*store_plan(scene, plan), *guarded.entries]
    entries += [entry(bot, "note", note, now=now, price=scene.ticker.last) for note in decision.notes]
    entries += _waits(scene)
    if entries:
        JournalEntry.objects.bulk_create(entries)
    if bot.status == BotStatus.STARTING:
        bot.change_status(BotStatus.RUNNING, "")
    if decision.finish is not None:
        _finish(scene, decision.finish.reason)
    note_equity(scene, position, force=bool(fills))
    return plan


def _step(
    scene: Scene, latest: Snapshot | None, position: Position | None, fills: Sequence[FillSeen]
) -> tuple[Strategy[Any, Any], Decision[Any], dict[str, Any]]:
    strategy, config = strategy_of(scene.bot), config_of(scene.bot)
    decision: Decision[Any] = strategy.step(
        config,
        scene.market,
        strategy.load(latest.state) if latest else strategy.initial_state(scene.first_config or config, scene.market),
        _point(scene),
        _position_view(position, scene.ticker.last),
        fills,
    )
    return strategy, decision, strategy.dump(decision.state)


def _point(scene: Scene) -> Point:
    assert scene.features is not None
    close = scene.features.row.candle_close
    return Point(scene.ticker.timestamp, float(scene.ticker.last), scene.features.values, close)


def _seen_row(scene: Scene) -> FeatureRow:
    assert scene.features is not None
    return scene.features.row


def _waits(scene: Scene) -> list[JournalEntry]:
    """Says once in a run, for each timeframe, that there are too few candles."""
    assert scene.features is not None
    said = JournalEntry.objects.filter(bot=scene.bot, code=WAITS, created_at__gte=scene.bot.started_at or scene.now)
    return [
        entry(scene.bot, "note", Reason(WAITS, asdict(each)), now=scene.now, price=scene.ticker.last)
        for each in scene.features.waiting
        if not said.filter(numbers__timeframe=each.timeframe).exists()
    ]


def _position_view(position: Position | None, price: Decimal) -> PositionView:
    if position is None:
        return PositionView()
    return PositionView(
        amount=float(position.amount),
        average_price=float(position.average_price),
        realised_pnl=float(position.realised_pnl),
        unrealised_pnl=float(position.unrealised_pnl(price)),
    )


def _seen(fill: Fill) -> FillSeen:
    return FillSeen(
        slot=fill.order.slot,
        sequence=fill.order.sequence,
        side=Side(fill.side),
        price=float(fill.price),
        amount=float(fill.amount),
        fee_base=float(fill.fee_base),
        timestamp=int(fill.executed_at.timestamp() * 1000),
        done=fill.completes_order,
    )


def _seen_as_done(order: Order, now: datetime) -> FillSeen:
    """The end of an order of which too little is left to be traded: a fill of nothing that completes it."""
    attempts = Order.objects.filter(bot=order.bot, run=order.run, slot=order.slot, sequence=order.sequence)
    filled, value = Decimal(0), Decimal(0)
    for amount, quote in attempts.values_list("filled", "filled_quote"):
        filled, value = filled + amount, value + quote
    return FillSeen(
        slot=order.slot,
        sequence=order.sequence,
        side=Side(order.side),
        price=float(value / filled),
        amount=0.0,
        fee_base=0.0,
        timestamp=int(now.timestamp() * 1000),
        done=True,
    )


def _store_snapshot(scene: Scene, version: str, state: dict[str, Any]) -> None:
    bot, seen = scene.bot, scene.features
    assert seen is not None
    Snapshot.objects.create(
        bot=bot,
        run=bot.run,
        strategy_version=version,
        state=state,
        features=seen.as_json(),
        candle_close=seen.row.candle_close,
        price=scene.ticker.last,
        created_at=scene.now,
    )
    old = Snapshot.objects.filter(bot=bot).order_by("-id").values_list("id", flat=True)[SNAPSHOTS_KEPT:]
    Snapshot.objects.filter(id__in=list(old)).delete()


def _store_signal(bot: Bot, decision: Decision[Any], now: datetime) -> None:
    signal = decision.signal
    assert signal is not None
    Signal.objects.create(
        bot=bot,
        direction=signal.direction,
        entry=Decimal(repr(signal.entry)),
        stop_loss=None if signal.stop_loss is None else Decimal(repr(signal.stop_loss)),
        take_profit=None if signal.take_profit is None else Decimal(repr(signal.take_profit)),
        confidence=signal.confidence,
        strategy_type=signal.strategy_type,
        metadata=dict(signal.metadata),
        timestamp=moment(signal.timestamp),
    )
    record(EventKind.SIGNAL_GENERATED, f"Signal: {signal.direction} at {signal.entry:g}.", now=now, bot=bot)


def _finish(scene: Scene, reason: Reason) -> None:
    bot = scene.bot
    why = entry(bot, "note", reason, now=scene.now, price=scene.ticker.last)
    why.save()
    kind = next((event for word, event in _FINISH_EVENTS.items() if word in reason.code), None)
    if kind is not None:
        severity = Severity.WARNING if kind == EventKind.STOP_LOSS_HIT else Severity.INFO
        record(kind, why.sentence, now=scene.now, bot=bot, severity=severity, data=dict(reason.numbers))
    bot.close_position_on_stop = False
    bot.change_status(BotStatus.STOPPING, why.sentence)
