"""``/health``: is everything that trading needs alive? For people, load balancers and container orchestrators."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import F, Max, Min
from django.db.models.functions import Coalesce
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from bots.models import Bot
from traderagent import heartbeats

# A running bot whose last tick is older than this, or than three of its intervals, is not being ticked.
_TICKS_LATE_SECONDS = 30.0
_SIMULATOR_TIMEOUT_SECONDS = 0.5


@dataclass(frozen=True)
class Check:
    ok: bool
    detail: str = ""
    figures: dict[str, float | int | None] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **({"detail": self.detail} if self.detail else {}), **self.figures}


def _timed(check: Callable[[], Check]) -> Check:
    begin = time.perf_counter()
    result = check()
    result.figures["milliseconds"] = round((time.perf_counter() - begin) * 1000, 1)
    return result


def _ticks(now: datetime) -> Check:
    """Asks the database once: whether it answers, and when the bots were last ticked."""
    found = Bot.objects.ticking().aggregate(
        newest=Max(Coalesce(F("last_tick_at"), F("started_at"))), shortest=Min("tick_interval")
    )
    if found["newest"] is None:
        return Check(ok=True, detail="No bot is running.", figures={"last_tick_age_seconds": None})
    age = (now - found["newest"]).total_seconds()
    late = max(_TICKS_LATE_SECONDS, 3.0 * found["shortest"])
    return Check(
        ok=age <= late,
        detail="" if age <= late else f"Bots are running, but none was ticked for {age:.0f} s.",
        figures={"last_tick_age_seconds": round(age, 1)},
    )


def _processes(now_ms: int) -> dict[str, Check]:
    checks = {}
    for name, written in heartbeats.read().items():
        if written is None:
            checks[name] = Check(ok=False, detail=f"No sign of life from {name}.", figures={"age_seconds": None})
        else:
            checks[name] = Check(ok=True, figures={"age_seconds": round(max(0, now_ms - written) / 1000, 1)})
    return checks


def _simulator(url: str) -> Check:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=_SIMULATOR_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/simulator/status")
        status = connection.getresponse().status
    except (OSError, HTTPException):
        return Check(ok=False, detail="The exchange simulator does not answer.")
    finally:
        connection.close()
    ok = status == HTTPStatus.OK
    return Check(ok=ok, detail="" if ok else f"The exchange simulator answers {status}.")


def checks(now: datetime) -> dict[str, Check]:
    found: dict[str, Check] = {}
    try:
        ticks = _timed(lambda: _ticks(now))
        found["database"] = Check(ok=True, figures={"milliseconds": ticks.figures.pop("milliseconds")})
        found["ticks"] = ticks
    except (DatabaseError, InterfaceError):
        found["database"] = Check(ok=False, detail="The database does not answer.")
        found["ticks"] = Check(ok=False, detail="Unknown without the database.")
    try:
        begin = time.perf_counter()
        processes = _processes(int(now.timestamp() * 1000))
        elapsed = round((time.perf_counter() - begin) * 1000, 1)
        found["redis"] = Check(ok=True, figures={"milliseconds": elapsed})
        found.update(processes)
    except RedisError:
        found["redis"] = Check(ok=False, detail="Redis does not answer.")
        found.update({name: Check(ok=False, detail="Unknown without Redis.") for name in heartbeats.PROCESSES})
    if settings.SIMULATOR_URL:
        found["simulator"] = _timed(lambda: _simulator(settings.SIMULATOR_URL))
    return found


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when all is well, 503 when anything is not; the body names what. Tells nothing that needs a login."""
    found = checks(timezone.now())
    well = all(check.ok for check in found.values())
    body = {"status": "ok" if well else "failing", "checks": {name: check.as_json() for name, check in found.items()}}
    return JsonResponse(body, status=HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """This web process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})
