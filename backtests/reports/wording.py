"""Figures as people read them: thousands apart, a true minus sign, a dash for what is not defined."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
LARGE = 10_000
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


def money(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    places = 4 if 0.00005 < abs(value) < 1 else 2
    return _true_minus(f"{value:,.{places}f}")


def sum_of(value: float | None, coin: str) -> str:
    text = money(value)
    return text if text == NOTHING else f"{text} {coin}"


def signed_money(value: float | None) -> str:
    text = money(value)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def percent(share: float | None) -> str:
    """``0.1234`` is ``12.34 %``."""
    return NOTHING if share is None or not math.isfinite(share) else _true_minus(f"{share * 100:,.2f}") + " %"


def signed_percent(share: float | None) -> str:
    text = percent(share)
    return f"+{text}" if share is not None and share > 0 and text.strip("0., %") else text


def ratio(value: float | None) -> str:
    """One that is held against next to nothing is only told to be large."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= LARGE:
        return f"> {LARGE:,}" if value > 0 else f"< {MINUS}{LARGE:,}"
    return _true_minus(f"{value:,.2f}")


def number(value: float | None) -> str:
    """Five significant digits and no useless zeros."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= 1000:
        return _true_minus(f"{value:,.0f}")
    return _true_minus(f"{value:.5g}")


def moment(timestamp: int | None) -> str:
    return NOTHING if timestamp is None else f"{_utc(timestamp):%Y-%m-%d %H:%M}"


def day(timestamp: int) -> str:
    return f"{_utc(timestamp):%Y-%m-%d}"


def duration(milliseconds: float | None) -> str:
    """The two biggest units: ``4 min``, ``2 h 5 min``, ``3 d 4 h``."""
    if milliseconds is None or not math.isfinite(milliseconds):
        return NOTHING
    if milliseconds < _MINUTE:
        return f"{milliseconds / 1000:.0f} s"
    minutes, hours, days = int(milliseconds // _MINUTE), int(milliseconds // _HOUR), int(milliseconds // _DAY)
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def _utc(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp / 1000, tz=UTC)


def _true_minus(text: str) -> str:
    return text.replace("-", MINUS) if text.strip("-0.,") else text.removeprefix("-")
