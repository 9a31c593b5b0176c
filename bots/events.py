"""Recording what happened: one row, one log line, one hint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from bots import hints
from bots.models import Bot, Event, EventKind, Order, Severity

log = structlog.get_logger("bots.events")

_LOG = {Severity.INFO: log.info, Severity.WARNING: log.warning, Severity.CRITICAL: log.error}


def record(
    kind: EventKind,
    message: str,
    *,
    now: datetime,
    bot: Bot | None = None,
    order: Order | None = None,
    severity: Severity = Severity.INFO,
    data: dict[str, Any] | None = None,
) -> Event:
    """``data`` must be JSON; money in it is text."""
    event = Event.objects.create(
        kind=kind, message=message, bot=bot, order=order, severity=severity, data=data or {}, created_at=now
    )
    name = bot.name if bot else None
    _LOG[severity](message, kind=kind.value, bot=name, order=order.client_order_id if order else None)
    hints.publish(
        "event",
        bot=name,
        data={"kind": kind.value, "severity": severity.value, "message": message, "at": now.isoformat()},
    )
    return event
