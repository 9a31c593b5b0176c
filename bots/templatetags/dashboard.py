"""Template filters and tags of the dashboard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from bots import number_format
from bots.simulation import simulated_market
from bots.views.sight import signal_facts
from web.schema_forms import slot_id

register = template.Library()

_NUMBER = re.compile(r"-?\d+(\.\d+)?")

_NOTHING = mark_safe('<span class="faint" aria-label="none">–</span>')
_NEVER = mark_safe('<span class="faint">never</span>')
_NO_DATA = mark_safe('<span class="faint small">no data yet</span>')


@register.inclusion_tag("bots/_market_clock.html")
def market_clock() -> dict[str, Any]:
    """The simulated market's time; nothing where the market is real."""
    return {"market": simulated_market()}


@register.filter
def exact(value: Decimal | None) -> str:
    """An amount or price as the exchange wrote it, without useless zeros."""
    return _NOTHING if value is None else number_format.exact(value)


@register.filter
def rounded(value: Decimal | None) -> str:
    return _NOTHING if value is None else number_format.rounded(value)


@register.filter
def per(value: Decimal, amount: Decimal) -> Decimal | None:
    """An average price: ``value`` in quote per ``amount`` in base."""
    return value / amount if amount else None


@register.filter
def money(value: Decimal | None) -> str:
    return _NOTHING if value is None else number_format.money(value)


@register.filter
def plain(value: Any) -> str:
    """A value of a configuration or of a reason: numbers without useless zeros, yes and no, a dash for nothing."""
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    # What a strategy reckoned in floats has noise in its last digits.
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return number_format.exact(Decimal(text)) if _NUMBER.fullmatch(text) else text


@register.filter
def words(name: str) -> str:
    """``opened_at`` as people write it."""
    return name.replace("_", " ")


@register.filter
def pnl(value: Decimal | None) -> SafeString:
    """A signed sum in its colour."""
    if value is None:
        return _NOTHING
    return format_html('<span class="num {}">{}</span>', _direction(value), number_format.signed_money(value))


@register.filter
def signed_percent(share: Decimal) -> str:
    """``0.0123`` is ``+1.23 %``."""
    return number_format.signed_percent(share)


def _direction(value: Decimal) -> str:
    return "up" if value > 0 else "down" if value < 0 else "flat"


@register.simple_tag
def ago(moment: datetime | None, now: datetime) -> SafeString:
    """How long ago, kept counting by the page's script."""
    if moment is None:
        return _NEVER
    return format_html(
        '<time class="num" datetime="{}" title="{} UTC" data-ago>{}</time>',
        moment.isoformat(),
        f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        number_format.age(moment, now),
    )


@register.filter
def stamp(moment: datetime | None) -> SafeString:
    """A market time, to the second."""
    if moment is None:
        return _NOTHING
    utc = moment.astimezone(UTC)
    return format_html('<time class="num" datetime="{}">{}</time>', utc.isoformat(), f"{utc:%b %d, %H:%M:%S}")


_WIDTH, _HEIGHT, _INSET = 120, 32, 2


@register.filter
def sparkline(values: Sequence[Decimal]) -> SafeString:
    """Profit over time as an inline SVG: the line, its area down to zero, green above and red below."""
    if len(values) < 2:
        return _NO_DATA
    numbers = [float(value) for value in values]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    span = (high - low) or 1.0
    stride = _WIDTH / (len(numbers) - 1)

    def y(value: float) -> float:
        return _INSET + (high - value) / span * (_HEIGHT - 2 * _INSET)

    line = " ".join(f"{index * stride:.1f},{y(value):.1f}" for index, value in enumerate(numbers))
    return format_html(
        '<svg class="spark {}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<line class="spark-zero" x1="0" x2="{}" y1="{}" y2="{}"/><polygon points="0,{} {} {},{}"/>'
        '<polyline points="{}"/></svg>',
        _direction(values[-1]),
        _WIDTH,
        _HEIGHT,
        f"Profit from {number_format.signed_money(values[0])} to {number_format.signed_money(values[-1])}",
        _WIDTH,
        f"{y(0.0):.1f}",
        f"{y(0.0):.1f}",
        f"{y(0.0):.1f}",
        line,
        _WIDTH,
        f"{y(0.0):.1f}",
        line,
    )


@register.filter
def facts(metadata: dict[str, Any]) -> list[tuple[str, Any]]:
    """A signal's metadata in the order in which it is read."""
    return signal_facts(metadata)


@register.filter
def slot(field_name: str, kind: str) -> str:
    """The HTML id of a form field's ``help`` or ``error`` slot."""
    return slot_id(kind, field_name)
