"""The ticks of a bot that is stopping, or in an emergency."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bots.events import record
from bots.intents import plan_orders, store_plan
from bots.ledger import position_of
from bots.lifecycle import BotStatus, OrderStatus
from bots.models import EventKind, JournalEntry, Order, Position
from bots.plan import Plan, too_little
from bots.scene import Scene, note_equity
from strategies.contract import MarketKind, OrderType, Reason, Side, WantedOrder

STOP_CANCEL = Reason("stop.cancel")
STOP_CLOSE = Reason("stop.close")
EMERGENCY_CANCEL = Reason("emergency.cancel")


def wind_down(scene: Scene) -> Plan:
    """A tick of a bot that is stopping, or in an emergency: nothing is wanted but, perhaps, to be flat.

    An emergency keeps the position, and so the stop that guards it.
    """
    bot = scene.bot
    position = position_of(bot)
    emergency = bot.status == BotStatus.EMERGENCY
    # A market order that has left is not called back: it is as good as filled.
    closing = [order for order in scene.live if order.slot == "close" and order.status is not OrderStatus.INTENT]
    live = [order for order in scene.live if order not in closing and not (emergency and order.protective)]
    busy = bool(closing) or any(order.slot != "close" for order in live)
    unsettled = Order.objects.filter(bot=bot).unsettled().exists()
    wanted: list[WantedOrder] = []
    if bot.close_position_on_stop and not emergency and not busy and not unsettled and position is not None:
        wanted = _close(scene, position)
    plan = plan_orders(scene, wanted, live)
    why = EMERGENCY_CANCEL if emergency else STOP_CANCEL
    plan = replace(plan, cancel=tuple((order_id, why) for order_id, _ in plan.cancel))
    JournalEntry.objects.bulk_create(store_plan(scene, plan))
    standing = bool(plan.place or scene.live)
    to_be_closed = bool(wanted) and not plan.refuse
    if not emergency and not standing and not unsettled and not to_be_closed:
        _stopped(scene, position)
    note_equity(scene, position, force=False)
    return plan


def _cannot_be_closed(scene: Scene, position: Position) -> str:
    """Why the market would not take an order for what is left, or an empty string."""
    market = scene.market
    amount = market.quantise_amount(abs(position.amount))
    return too_little(market, amount, scene.ticker.last, reduce_only=market.kind is MarketKind.LINEAR)


def _close(scene: Scene, position: Position) -> list[WantedOrder]:
    if _cannot_be_closed(scene, position):
        return []
    amount = scene.market.quantise_amount(abs(position.amount))
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
    tail = f" {left.normalize():f} {scene.market.base} stay in the position" if left else ""
    if tail and position is not None and bot.close_position_on_stop and (why := _cannot_be_closed(scene, position)):
        tail += f": {why}"
    tail += "." if tail else ""
    record(EventKind.BOT_STOPPED, f"Stopped. {bot.status_reason}{tail}".strip(), now=now, bot=bot)
