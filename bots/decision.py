"""The inside of a tick: one transaction that turns what was read into the next state and the order intents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet

from bots import hints
from bots.events import record
from bots.journal import entry
from bots.ledger import position_of
from bots.lifecycle import LIVE_ORDER_STATUSES, BotStatus, OrderStatus
from bots.models import (
    Bot,
    EquityPoint,
    EventKind,
    Fill,
    JournalEntry,
    Order,
    Position,
    Severity,
    Signal,
    Snapshot,
)
from bots.models.order import client_order_id
from bots.plan import Placement, Plan, Standing, Wish, make_plan, wishes_without_order
from bots.sync import moment
from exchange.port import Ticker
from strategies.contract import (
    Decision,
    FillSeen,
    MarketKind,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    Strategy,
    StrategyConfig,
    WantedOrder,
)
from strategies.registry import get_strategy

EQUITY_EVERY = timedelta(seconds=10)
SNAPSHOTS_KEPT = 50

STOP_CANCEL = Reason("stop.cancel")
STOP_CLOSE = Reason("stop.close")
EMERGENCY_CANCEL = Reason("emergency.cancel")

# Strategies finish with one of these words in their reason's code.
_FINISH_EVENTS = {"stop_loss": EventKind.STOP_LOSS_HIT, "take_profit": EventKind.TAKE_PROFIT_HIT}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a tick has read before it decides.

    ``live`` is every order that stands or may stand; ``first_config`` is what a run's first state is made from.
    """

    bot: Bot
    market: MarketSpec
    ticker: Ticker
    now: datetime
    live: Sequence[Standing]
    first_config: StrategyConfig | None = None


class StrategyFailed(Exception):
    """A strategy raised, or cannot read its configuration or state; that error is the cause."""


def config_of(bot: Bot) -> StrategyConfig:
    config: StrategyConfig = get_strategy(bot.strategy).Config.model_validate(bot.config)
    return config


def run_strategy(scene: Scene) -> Plan:
    """Lets the strategy see what happened and stores its next state and the intents that follow from its wishes."""
    bot, now = scene.bot, scene.now
    latest = Snapshot.objects.filter(bot=bot, run=bot.run).order_by("-id").first()
    fills = list(Fill.objects.filter(bot=bot, applied=False).select_related("order").order_by("id"))
    position = position_of(bot)
    # Read after the fills: an order whose fill came in meanwhile is over, and its wish fulfilled.
    live = standing_orders(Order.objects.standing_of(bot)) if fills else scene.live
    seen = [_seen(fill) for fill in fills if fill.order.run == bot.run]
    try:
        strategy, decision, dumped = _step(scene, latest, position, seen)
    except Exception as error:  # whatever a strategy may raise
        raise StrategyFailed(f"{type(error).__name__}: {error}") from error
    if fills:
        Fill.objects.filter(id__in=[fill.id for fill in fills]).update(applied=True)
    if latest is None or dumped != latest.state:
        _store_snapshot(scene, strategy.version, dumped)
    if decision.signal is not None:
        _store_signal(bot, decision, now)
    plan = _plan_orders(scene, decision.wanted, live)
    entries = _store_plan(scene, plan)
    entries += [entry(bot, "note", note, now=now, price=scene.ticker.last) for note in decision.notes]
    if entries:
        JournalEntry.objects.bulk_create(entries)
    if bot.status == BotStatus.STARTING:
        bot.change_status(BotStatus.RUNNING, "")
    if decision.finish is not None:
        _finish(scene, decision.finish.reason)
    _note_equity(scene, position, force=bool(fills))
    return plan


def _step(
    scene: Scene, latest: Snapshot | None, position: Position | None, fills: Sequence[FillSeen]
) -> tuple[Strategy[Any, Any], Decision[Any], dict[str, Any]]:
    strategy, config = get_strategy(scene.bot.strategy), config_of(scene.bot)
    decision: Decision[Any] = strategy.step(
        config,
        scene.market,
        strategy.load(latest.state) if latest else strategy.initial_state(scene.first_config or config, scene.market),
        Point(timestamp=scene.ticker.timestamp, price=float(scene.ticker.last)),
        _position_view(position, scene.ticker.last),
        fills,
    )
    return strategy, decision, strategy.dump(decision.state)


def wind_down(scene: Scene) -> Plan:
    """A tick of a bot that is stopping, or in an emergency: nothing is wanted but, perhaps, to be flat."""
    bot = scene.bot
    position = position_of(bot)
    emergency = bot.status == BotStatus.EMERGENCY
    busy = any(order.slot != "close" for order in scene.live)
    unsettled = _unsettled_orders(bot).exists()
    wanted: list[WantedOrder] = []
    if bot.close_position_on_stop and not emergency and not busy and not unsettled and position is not None:
        wanted = _close(scene, position)
    plan = _plan_orders(scene, wanted, scene.live)
    why = EMERGENCY_CANCEL if emergency else STOP_CANCEL
    plan = Plan(plan.place, tuple((order_id, why) for order_id, _ in plan.cancel), plan.refuse)
    JournalEntry.objects.bulk_create(_store_plan(scene, plan))
    standing = bool(plan.place or scene.live)
    closing = bool(wanted) and not plan.refuse
    if not emergency and not standing and not unsettled and not closing:
        _stopped(scene, position)
    _note_equity(scene, position, force=False)
    return plan


def _unsettled_orders(bot: Bot) -> QuerySet[Order]:
    """Orders that are over while the exchange reported more filled than has been booked."""
    return Order.objects.filter(bot=bot, reported_filled__gt=F("filled"))


def _close(scene: Scene, position: Position) -> list[WantedOrder]:
    amount = scene.market.quantise_amount(abs(position.amount))
    if amount <= 0:
        return []
    # One wish per run; what an attempt leaves open goes into the next one.
    done = sum(
        Order.objects.filter(bot=scene.bot, run=scene.bot.run, slot="close").values_list("filled", flat=True),
        Decimal(0),
    )
    return [
        WantedOrder(
            slot="close",
            sequence=0,
            side=Side.SELL if position.amount > 0 else Side.BUY,
            type=OrderType.MARKET,
            amount=float(amount + done),
            reason=STOP_CLOSE,
            reduce_only=scene.market.kind is MarketKind.LINEAR,
            trade="close",
        )
    ]


def _stopped(scene: Scene, position: Position | None) -> None:
    bot, now = scene.bot, scene.now
    bot.change_status(BotStatus.STOPPED, bot.status_reason)
    bot.stopped_at = now
    left = position.amount if position else Decimal(0)
    tail = f" {left.normalize():f} {scene.market.base} stay in the position." if left else ""
    record(EventKind.BOT_STOPPED, f"Stopped. {bot.status_reason}{tail}".strip(), now=now, bot=bot)


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


def _store_snapshot(scene: Scene, version: str, state: dict[str, Any]) -> None:
    bot = scene.bot
    Snapshot.objects.create(
        bot=bot, run=bot.run, strategy_version=version, state=state, price=scene.ticker.last, created_at=scene.now
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


def _plan_orders(scene: Scene, wanted: Sequence[WantedOrder], live: Sequence[Standing]) -> Plan:
    bot = scene.bot
    # What earlier attempts filled is part of what a later one is compared with.
    lookup = [*wishes_without_order(wanted, live), *(order.wish for order in live if order.attempt)]
    earlier: dict[Wish, list[Standing]] = {}
    if lookup:
        wishes = Q()
        for slot, sequence in lookup:
            wishes |= Q(slot=slot, sequence=sequence)
        standing = {order.order_id for order in live}
        for order in standing_orders(Order.objects.filter(wishes, bot=bot, run=bot.run)):
            if order.order_id not in standing:
                earlier.setdefault(order.wish, []).append(order)
    return make_plan(wanted, live, earlier, scene.market, scene.ticker.last, scene.now)


def standing_orders(orders: QuerySet[Order]) -> list[Standing]:
    """As the plan needs them. Plain rows: a bot may have hundreds, and looks at them every second."""
    rows = orders.order_by().values_list(
        "id", "slot", "sequence", "attempt", "status", "reported_filled", "cancel_requested_at", "amount", "filled",
        "price", "trigger_price", "closed_at",
    )  # fmt: skip
    standing = []
    for pk, slot, sequence, attempt, status, reported, cancel, amount, filled, price, trigger, closed in rows:
        status = OrderStatus(status)
        ended_by_exchange = status in (OrderStatus.CANCELED, OrderStatus.EXPIRED) and cancel is None and not filled
        standing.append(
            Standing(
                order_id=pk,
                slot=slot,
                sequence=sequence,
                attempt=attempt,
                status=status,
                settled=status not in LIVE_ORDER_STATUSES and filled >= reported,
                refused=status is OrderStatus.REJECTED or ended_by_exchange,
                cancel_requested=cancel is not None,
                amount=amount,
                filled=filled,
                price=price,
                trigger_price=trigger,
                closed_at=closed,
            )
        )
    return standing


def _store_plan(scene: Scene, plan: Plan) -> list[JournalEntry]:
    """Stores the intents and returns the journal entries that explain them, unsaved."""
    bot, now, price = scene.bot, scene.now, scene.ticker.last
    entries: list[JournalEntry] = []
    if plan.cancel:
        reasons = dict(plan.cancel)
        ids = list(reasons)
        # What was never sent needs no cancel at the exchange.
        Order.objects.filter(id__in=ids, status__in=[OrderStatus.INTENT, OrderStatus.WITHHELD]).update(
            status=OrderStatus.CANCELED, cancel_requested_at=now, closed_at=now
        )
        Order.objects.filter(id__in=ids, cancel_requested_at__isnull=True).live().update(cancel_requested_at=now)
        for order in Order.objects.filter(id__in=ids, cancel_requested_at=now):
            entries.append(entry(bot, "cancel", reasons[order.pk], now=now, price=price, order=order))
    orders = Order.objects.bulk_create([_intent(scene, placement) for placement in plan.place])
    for order, placement in zip(orders, plan.place, strict=True):
        entries.append(
            entry(
                bot, "place", placement.wanted.reason, now=now, price=price, order=order, checks=_checks(scene, order)
            )
        )
    for refusal in plan.refuse:
        reason = Reason("plan.impossible", {"why": refusal.reason, "slot": refusal.wanted.slot})
        already = JournalEntry.objects.filter(
            bot=bot, action="refuse", numbers__slot=refusal.wanted.slot, numbers__why=refusal.reason
        )
        if not already.exists():
            entries.append(entry(bot, "refuse", reason, now=now, price=price))
    if not bot.sends_orders:
        _tell_what_was_withheld(bot, orders, now)
    elif any(order.post_only for order in orders):
        bot.audit_due = True
    return entries


def _tell_what_was_withheld(bot: Bot, orders: Sequence[Order], now: datetime) -> None:
    for order in orders:
        at = order.price or order.trigger_price
        record(
            EventKind.SIGNAL_GENERATED,
            f"Signal, not sent: {order.side} {order.amount.normalize():f} {order.symbol} "
            + (f"at {at.normalize():f}." if at is not None else "at market."),
            now=now,
            bot=bot,
            order=order,
            data={"slot": order.slot},
        )


def _intent(scene: Scene, placement: Placement) -> Order:
    bot, wanted = scene.bot, placement.wanted
    return Order(
        bot=bot,
        account_id=bot.account_id,
        client_order_id=client_order_id(
            tag=bot.tag, run=bot.run, slot=wanted.slot, sequence=wanted.sequence, attempt=placement.attempt
        ),
        symbol=bot.symbol,
        run=bot.run,
        slot=wanted.slot,
        sequence=wanted.sequence,
        attempt=placement.attempt,
        trade_key=wanted.trade,
        side=placement.side,
        type=placement.type,
        amount=placement.amount,
        price=placement.price,
        trigger_price=placement.trigger_price,
        amount_step=scene.market.step,
        post_only=wanted.post_only,
        reduce_only=wanted.reduce_only,
        status=OrderStatus.INTENT if bot.sends_orders else OrderStatus.WITHHELD,
        created_at=scene.now,
    )


def _checks(scene: Scene, order: Order) -> list[dict[str, Any]]:
    """The limits that the order was held against, with their numbers, for the order's page."""
    market = scene.market
    notional = order.amount * (order.price or order.trigger_price or scene.ticker.last)
    checks = [
        {"check": "minimum amount", "value": f"{order.amount:f}", "limit": f"{market.min_amount:f}", "passed": True},
    ]
    if market.min_notional is not None:
        checks.append(
            {"check": "minimum value", "value": f"{notional:f}", "limit": f"{market.min_notional:f}", "passed": True}
        )
    return checks


def _note_equity(scene: Scene, position: Position | None, *, force: bool) -> None:
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
