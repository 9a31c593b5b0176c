"""Numbers as people read them: thousands apart, no useless zeros, a true minus sign."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "\N{MINUS SIGN}"


def exact(value: Decimal) -> str:
    """Every digit that counts: ``1234.500`` is ``1,234.5``."""
    text = f"{value:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return _with_true_minus(text)


def rounded(value: Decimal) -> str:
    """For computed prices: five significant digits at least, and never fewer than two decimals above one."""
    size = abs(value)
    places = 2 if size >= 1000 else 4 if size >= 1 else 0
    if not places:
        places = 4 - value.adjusted() if value else 2
    return exact(value.quantize(Decimal(1).scaleb(-min(places, 18)), rounding=ROUND_HALF_EVEN))


def money(value: Decimal) -> str:
    """A sum in a quote coin: two decimals, four when it is below one (and anything is left of it then)."""
    places = 4 if Decimal("0.00005") < abs(value) < 1 else 2
    return _with_true_minus(f"{_without_negative_zero(value, places):,f}")


def signed_money(value: Decimal) -> str:
    text = money(value)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def signed_percent(share: Decimal) -> str:
    """``0.0123`` is ``+1.23 %``."""
    number = _without_negative_zero(share * 100, 2)
    return f"{'+' if number > 0 else ''}{_with_true_minus(f'{number:,f}')} %"


def duration(seconds: float) -> str:
    """The two biggest units: ``3 s``, ``4 min``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def age(moment: datetime, now: datetime) -> str:
    return duration((now - moment).total_seconds())


def _without_negative_zero(value: Decimal, places: int) -> Decimal:
    number = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return number if number else abs(number)


def _with_true_minus(text: str) -> str:
    return text.replace("-", MINUS)
