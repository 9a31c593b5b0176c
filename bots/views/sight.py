"""What a bot sees and what it has resting: the newest row of its strategy's features in words, and its orders by distance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from bots import number_format
from bots.models import Order, Snapshot
from strategies.feature_titles import FeatureTitle, Kind, pattern_name, title_of

NEAREST = 8
_FACTS = ("kind", "phase", "pattern", "zone_score", "zone_bottom", "zone_top", "reward", "with_trend")
_TRENDS = {1.0: ("up", "up"), -1.0: ("down", "down"), 0.0: ("none", "")}


@dataclass(frozen=True, slots=True)
class Seen:
    """One value: ``tone`` is the class that colours it; a ``text`` of nothing is not known yet."""

    title: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """``groups`` are the values by their headings."""

    groups: dict[str, list[Seen]]
    candle_closed: datetime | None

    @property
    def knows_nothing(self) -> bool:
        return not any(seen.text for group in self.groups.values() for seen in group)


@dataclass(frozen=True, slots=True)
class Resting:
    """``away`` is how far the order's price is from the market's, as a fraction of it."""

    order: Order
    title: str
    price: Decimal
    away: Decimal | None


def sight_of(strategy: str, snapshot: Snapshot | None) -> Sight | None:
    """``None`` for a strategy that looks at no candles, and before the first tick."""
    if snapshot is None or not snapshot.features:
        return None
    return Sight(seen_in(strategy, snapshot.features), _moment(snapshot.candle_close))


def seen_in(strategy: str, features: dict[str, float | None]) -> dict[str, list[Seen]]:
    """The values of a stored row by heading, in the strategy's own order. JSON of the database sorts its keys, the titles
    do not."""
    groups: dict[str, list[Seen]] = {}
    for title, value in sorted(_titled(strategy, features), key=lambda pair: pair[0].place):
        text, tone = _shown(title, value)
        groups.setdefault(title.group, []).append(Seen(title.title, text, tone))
    return groups


def signal_facts(metadata: dict[str, Any]) -> list[tuple[str, Any]]:
    """What a signal was given on, the telling things first."""
    known = [name for name in _FACTS if name in metadata]
    return [(name, metadata[name]) for name in (*known, *sorted(set(metadata) - set(known)))]


def nearest_orders(orders: list[Order], price: Decimal | None) -> list[Resting]:
    """Highest price first; of many the ones that the market would meet first."""
    found = []
    for order in orders:
        at = order.price or order.trigger_price
        if at is not None:
            away = (at - price) / price if price else None
            found.append(Resting(order, order.slot.replace("_", " ").replace(":", " "), at, away))
    found.sort(key=lambda each: abs(each.away or Decimal(0)))
    return sorted(found[:NEAREST], key=lambda each: each.price, reverse=True)


def _titled(strategy: str, features: dict[str, float | None]) -> list[tuple[FeatureTitle, float | None]]:
    return [(title_of(strategy, name), value) for name, value in features.items()]


def _shown(title: FeatureTitle, value: float | None) -> tuple[str, str]:
    if value is None:
        return "", ""
    match title.kind:
        case Kind.TREND:
            return _TRENDS.get(value, (f"{value:g}", ""))
        case Kind.FLAG:
            return ("yes" if value else "no"), ""
        case Kind.PATTERN:
            return pattern_name(value), ""
        case Kind.MOMENT:
            return f"{_moment(value):%b %d, %H:%M:%S}", ""
    number = Decimal(repr(value))
    match title.kind:
        case Kind.PERCENT:
            return f"{number_format.exact(number.quantize(Decimal('0.01')))} %", ""
        case Kind.SHARE:
            return f"{number_format.exact((number * 100).quantize(Decimal('0.1')))} %", ""
        case Kind.TIMES:
            return f"{number_format.exact(number.quantize(Decimal('0.01')))} ×", ""
        case Kind.NUMBER if abs(number) < 1000:
            return number_format.exact(number.quantize(Decimal("0.01"))), ""
    return _five_digits(number), ""


def _five_digits(number: Decimal) -> str:
    """Five significant digits, and two decimals of what has more before the point."""
    places = max(2, 4 - number.adjusted()) if number else 2
    return number_format.exact(number.quantize(Decimal(1).scaleb(-min(places, 18)), rounding=ROUND_HALF_EVEN))


def _moment(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
