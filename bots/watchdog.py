"""The stop watchdog: while a position is open, the stop that guards it stands, or somebody hears of it.

A strategy marks a stop order as protective. Where the exchange holds stop orders, the tick has asked for its open
orders before this is called, so that a stop that went missing is placed again in the same tick. Where it does not, the
platform watches the price itself. A stop whose price was met and that does not fill becomes a market order: the same
wish, its next attempt, sent when the stop is certainly gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bots.events import record
from bots.intents import standing_orders
from bots.journal import entry
from bots.lifecycle import LIVE_ORDER_STATUSES, OrderStatus
from bots.models import Bot, EventKind, JournalEntry, Order, Position, Severity
from bots.plan import Standing
from bots.scene import Scene
from strategies.contract import MarketSpec, OrderType, Reason, Side, WantedOrder

# How long a stop whose price was met may take to fill.
PATIENCE = timedelta(seconds=5)
# How long a position may be without its stop before that is an alarm, and how often the alarm is repeated.
UNPROTECTED_FOR = timedelta(seconds=10)
ALARM_EVERY = timedelta(minutes=5)
# An exchange that refused the stop so often in a row will go on refusing it.
REFUSALS_BEFORE_ALARM = 2

_ON_THE_BOOK = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


@dataclass(slots=True)
class Guarded:
    """What is to stand, with every stop as it can be had, and why it is not as the strategy wished."""

    wanted: list[WantedOrder] = field(default_factory=list)
    entries: list[JournalEntry] = field(default_factory=list)
    unprotected: str = ""  # why, while a stop does not stand
    refused: bool = False


def guard(scene: Scene, wanted: Sequence[WantedOrder], position: Position | None) -> Guarded:
    """Must run in the transaction of the tick: what it remembers is in ``bot.watchdog``, which the caller saves."""
    bot = scene.bot
    guarded = Guarded()
    stops = [order for order in wanted if order.protective]
    if not bot.sends_orders or not (stops or bot.watchdog):
        guarded.wanted.extend(wanted)
        return guarded
    kept = {name: bot.watchdog[name] for name in ("unprotected", "alarmed") if name in bot.watchdog}
    for order in wanted:
        if not order.protective:
            guarded.wanted.append(order)
            continue
        known = dict(bot.watchdog.get(_key(order), {}))
        _guard_one(scene, order, known, guarded)
        if known:
            kept[_key(order)] = known
    bot.watchdog = kept
    _raise_or_clear(bot, guarded if _is_open(position, scene.market) else Guarded(), now=scene.now)
    return guarded


def watch_unattended(scene: Scene, position: Position | None) -> None:
    """For a bot whose strategy does not run (paused, emergency): nothing is placed, but a missing stop is told."""
    bot, guarded = scene.bot, Guarded()
    last = Order.objects.filter(bot=bot, run=bot.run, protective=True).order_by("-id").first()
    if last is None and not bot.watchdog:
        return
    if last is not None and last.status not in _ON_THE_BOOK and _is_open(position, scene.market):
        guarded.unprotected = f"the bot is {bot.get_status_display().lower()} and no stop stands"
    _raise_or_clear(bot, guarded, now=scene.now)


def alarm_if_blind(bot: Bot, reason: str, *, now: datetime) -> None:
    """For a tick that could not even ask the exchange: nobody places a missing stop, nobody watches a price."""
    watches_itself = any(isinstance(known, dict) and known.get("software") for known in bot.watchdog.values())
    if "unprotected" not in bot.watchdog and not watches_itself:
        return
    if "unprotected" not in bot.watchdog:
        bot.watchdog = {**bot.watchdog, "unprotected": (bot.last_tick_at or now).isoformat()}
    _alarm_if_due(bot, reason, at_once=False, now=now)
    Bot.objects.filter(pk=bot.pk).update(watchdog=bot.watchdog)


def _key(order: WantedOrder) -> str:
    return f"{order.slot}:{order.sequence}"


def _guard_one(scene: Scene, order: WantedOrder, known: dict[str, Any], guarded: Guarded) -> None:
    """``known`` is what is remembered of this stop; it is changed in place."""
    attempts = standing_orders(
        Order.objects.filter(bot=scene.bot, run=scene.bot.run, slot=order.slot, sequence=order.sequence)
    )
    live = next((attempt for attempt in attempts if attempt.status in LIVE_ORDER_STATUSES), None)
    filled = sum((attempt.filled for attempt in attempts), Decimal(0))
    unbooked = any(attempt.status not in LIVE_ORDER_STATUSES and not attempt.settled for attempt in attempts)
    if filled >= scene.market.quantise_amount(order.amount) or (live is None and unbooked):
        guarded.wanted.append(order)  # it was carried out, and the strategy is about to hear of it
        return
    on_exchange = scene.market.kind in scene.traits.stop_orders
    if not known.get("escalated"):
        why = _why_at_market(scene, order, live, attempts, known)
        if why:
            known["escalated"] = True
            _tell_escalation(scene, order, why, guarded)
    if known.get("escalated"):
        guarded.wanted.append(replace(order, type=OrderType.MARKET, price=None, trigger_price=None, post_only=False))
        refusals = _refusals_in_a_row(attempts)
        guarded.unprotected = "the exchange refused to close it" if refusals else "it is not closed yet"
        guarded.refused |= refusals >= REFUSALS_BEFORE_ALARM
        return
    if not on_exchange:
        if not known.get("software"):
            known["software"] = True
            reason = Reason("watchdog.software", {"trigger": order.trigger_price or 0.0})
            guarded.entries.append(entry(scene.bot, "note", reason, now=scene.now, price=scene.ticker.last))
        return
    guarded.wanted.append(order)
    if live is None or live.status not in _ON_THE_BOOK or live.missing:
        guarded.unprotected = _why_unprotected(live, attempts)
        guarded.refused |= _refusals_in_a_row(attempts) >= REFUSALS_BEFORE_ALARM


def _why_at_market(
    scene: Scene, order: WantedOrder, live: Standing | None, attempts: Sequence[Standing], known: dict[str, Any]
) -> str:
    """Why the position has to be closed at market now; an empty string while the stop is as it should be."""
    if any(attempt.type is OrderType.MARKET for attempt in attempts):
        return "its market order was made before"
    met = _is_met(scene, order)
    if live is None or live.status is OrderStatus.INTENT:
        return "it does not stand at the exchange" if met else ""
    if not met and live.triggered_at is None:
        known.pop("met", None)
        return ""
    first = datetime.fromisoformat(known.setdefault("met", scene.now.isoformat()))
    if live.triggered_at is not None:
        first = min(first, live.triggered_at)
    waited = scene.now - first
    return f"for {waited.total_seconds():.0f} s" if waited > PATIENCE else ""


def _is_met(scene: Scene, order: WantedOrder) -> bool:
    if order.trigger_price is None:
        return False
    trigger, price = scene.market.quantise_price(order.trigger_price), scene.ticker.last
    return price <= trigger if order.side is Side.SELL else price >= trigger


def _tell_escalation(scene: Scene, order: WantedOrder, why: str, guarded: Guarded) -> None:
    reason = Reason("watchdog.escalated", {"trigger": order.trigger_price or 0.0, "why": why, "slot": order.slot})
    told = entry(scene.bot, "note", reason, now=scene.now, price=scene.ticker.last)
    guarded.entries.append(told)
    record(
        EventKind.POSITION_UNPROTECTED,
        told.sentence,
        now=scene.now,
        bot=scene.bot,
        severity=Severity.WARNING,
        data={"slot": order.slot, "price": str(scene.ticker.last)},
    )


def _why_unprotected(live: Standing | None, attempts: Sequence[Standing]) -> str:
    if live is not None and live.missing:
        return "the exchange does not list the stop any more"
    if live is not None and live.status is OrderStatus.INTENT:
        return "the stop is not sent yet"
    if live is not None:
        return "the exchange has not answered for the stop"
    return "the exchange refused the stop" if _refusals_in_a_row(attempts) else "no stop stands"


def _refusals_in_a_row(attempts: Sequence[Standing]) -> int:
    count = 0
    for attempt in sorted(attempts, key=lambda item: item.attempt, reverse=True):
        if not attempt.refused:
            break
        count += 1
    return count


def _is_open(position: Position | None, market: MarketSpec) -> bool:
    """What is too little to be traded needs no stop, and can have none."""
    return position is not None and abs(position.amount) >= market.min_amount


def _raise_or_clear(bot: Bot, guarded: Guarded, *, now: datetime) -> None:
    if guarded.unprotected:
        if "unprotected" not in bot.watchdog:
            bot.watchdog = {**bot.watchdog, "unprotected": now.isoformat()}
        _alarm_if_due(bot, guarded.unprotected, at_once=guarded.refused, now=now)
        return
    if "alarmed" in bot.watchdog:
        record(EventKind.POSITION_PROTECTED, "The position is guarded again, or closed.", now=now, bot=bot)
    bot.watchdog = {name: value for name, value in bot.watchdog.items() if name not in ("unprotected", "alarmed")}


def _alarm_if_due(bot: Bot, reason: str, *, at_once: bool, now: datetime) -> None:
    since = datetime.fromisoformat(bot.watchdog["unprotected"])
    alarmed = bot.watchdog.get("alarmed")
    if not at_once and now - since < UNPROTECTED_FOR:
        return
    if alarmed is not None and now - datetime.fromisoformat(alarmed) < ALARM_EVERY:
        return
    bot.watchdog = {**bot.watchdog, "alarmed": now.isoformat()}
    record(
        EventKind.POSITION_UNPROTECTED,
        f"Position without a stop since {since:%H:%M:%S} UTC: {reason.rstrip('.')}.",
        now=now,
        bot=bot,
        severity=Severity.CRITICAL,
        data={"since": since.isoformat(), "reason": reason},
    )
