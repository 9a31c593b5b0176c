"""What the simulated market says of itself, for the pages that show its time."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError

import structlog
from django.conf import settings
from django.core.cache import cache

log = structlog.get_logger(__name__)

_CACHE_KEY = "simulator-status"
_CACHE_SECONDS = 2
_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SimulatedMarket:
    """``time`` is the market's, ``speed`` how many of its seconds pass in one of ours (0 when it is stepped by hand)."""

    reachable: bool
    time: datetime | None = None
    clock: str = ""
    speed: float = 0.0
    synthetic: bool = False
    source: str = ""

    @property
    def label(self) -> str:
        return "Synthetic market" if self.synthetic else "Replayed market"


def simulated_market() -> SimulatedMarket | None:
    """``None`` where there is no simulator; asked at most every two seconds by all processes together."""
    if not settings.SIMULATOR_URL:
        return None
    status = cache.get(_CACHE_KEY)
    if status is None:
        status = _ask(settings.SIMULATOR_URL)
        cache.set(_CACHE_KEY, status, _CACHE_SECONDS)
    return _parse(status) if status else SimulatedMarket(reachable=False)


def _ask(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{url}/simulator/status", timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            status: dict[str, Any] = json.load(answer)
            return status
    except (URLError, TimeoutError, ConnectionError) as error:
        log.warning("simulator does not answer", url=url, error=str(error))
        return {}


def _parse(status: dict[str, Any]) -> SimulatedMarket:
    source = status.get("source", "")
    clock = str(status["clock"])
    return SimulatedMarket(
        reachable=True,
        time=datetime.fromtimestamp(status["time"] / 1000, UTC),
        clock=clock,
        speed=float(status.get("speed") or 1) if clock != "stepped" else 0.0,
        synthetic=bool(status["synthetic"]),
        source=source if isinstance(source, str) else ", ".join(source),
    )
