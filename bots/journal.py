"""The decision journal: for every order and every cancel, the sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bots.models import Bot, JournalEntry, Order
from strategies.contract import Reason
from strategies.explanations import explain

# Reasons of the platform itself; the strategies' own stand in strategies.explanations.
_OURS: Mapping[str, str] = {
    "plan.not_wanted": "The strategy no longer wants this order.",
    "plan.replaced": "The strategy wants this order at another price or amount.",
    "plan.amended": "The strategy wants this order as {amount} at {price}: it is changed in place.",
    "plan.rest_dropped": "What is left of this order is too little for the market. It is given up, and what was "
    "filled goes on as it is.",
    "plan.impossible": "Not placed: {why}.",
    "watchdog.software": "The exchange holds no stop orders here: the platform itself watches for the price {trigger}, "
    "and only while it runs.",
    "watchdog.escalated": "The stop at {trigger} was met and is not filled ({why}): it is withdrawn, and what is left is "
    "closed at market.",
    "features.waiting": "Waits for {count} closed candles of {timeframe}, there are {has}: until then the strategy knows "
    "none of its indicators.",
    "signal.received": "A signal to go {direction} came from {source} (delivery {delivery}).",
    "stop.cancel": "The bot is stopping: no order of it may stay behind.",
    "stop.close": "The bot is stopping and was asked to close its position.",
    "emergency.cancel": "Emergency stop: every order of the bot is withdrawn.",
}


def sentence(reason: Reason) -> str:
    template = _OURS.get(reason.code)
    return template.format(**reason.numbers) if template is not None else explain(reason)


def entry(
    bot: Bot,
    action: str,
    reason: Reason,
    *,
    now: datetime,
    price: Decimal | None,
    order: Order | None = None,
    checks: list[dict[str, Any]] | None = None,
    features: Mapping[str, float | None] | None = None,
    requested_by: str = "",
) -> JournalEntry:
    """An unsaved entry; the tick stores all of its entries at once. ``features`` are what the strategy saw."""
    return JournalEntry(
        bot=bot,
        order=order,
        action=action,
        code=reason.code,
        sentence=sentence(reason),
        numbers=dict(reason.numbers),
        checks=checks or [],
        features=features or {},
        requested_by=requested_by or f"strategy {bot.strategy}",
        price=price,
        created_at=now,
    )
