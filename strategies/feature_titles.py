"""What the built-in strategies' features are called where people read them, and how their numbers are to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    PRICE = "price"  # in quote
    NUMBER = "number"
    PERCENT = "percent"  # 5 is 5 %
    SHARE = "share"  # 0.05 is 5 %
    TIMES = "times"  # a multiple
    TREND = "trend"  # +1 up, -1 down, 0 none
    FLAG = "flag"  # 1 yes, 0 no
    PATTERN = "pattern"  # a candle pattern's number, 0 none
    MOMENT = "moment"  # milliseconds UTC


@dataclass(frozen=True, slots=True)
class FeatureTitle:
    """``group`` is the heading it stands under; ``place`` is where it stands among the others of its strategy."""

    title: str
    kind: Kind
    group: str = ""
    place: int = 0


_DCA: Final = {
    "rsi": FeatureTitle("RSI", Kind.NUMBER),
    "ema_fast": FeatureTitle("Fast average", Kind.PRICE),
    "ema_slow": FeatureTitle("Slow average", Kind.PRICE),
    "ema_cross": FeatureTitle("Averages crossed", Kind.TREND),
    "bollinger_percent": FeatureTitle("Place between the Bollinger bands", Kind.PERCENT),
    "signal": FeatureTitle("Signal from outside", Kind.TREND),
    "signal_at": FeatureTitle("Signal received", Kind.MOMENT),
}
_TREND: Final = {
    "open": FeatureTitle("Open", Kind.PRICE, "Candle"),
    "close": FeatureTitle("Close", Kind.PRICE, "Candle"),
    "volume_ratio": FeatureTitle("Volume to its mean", Kind.TIMES, "Candle"),
    "atr": FeatureTitle("ATR", Kind.PRICE, "Candle"),
    "ema_fast": FeatureTitle("Fast average", Kind.PRICE, "Trend"),
    "ema_slow": FeatureTitle("Slow average", Kind.PRICE, "Trend"),
    "adx": FeatureTitle("ADX", Kind.NUMBER, "Trend"),
    "adx_peak": FeatureTitle("Its peak lately", Kind.NUMBER, "Trend"),
    "plus_di": FeatureTitle("+DI", Kind.NUMBER, "Trend"),
    "minus_di": FeatureTitle("−DI", Kind.NUMBER, "Trend"),
    "zone_low": FeatureTitle("Distance to a long pullback", Kind.PRICE, "Entries"),
    "zone_high": FeatureTitle("Distance to a short pullback", Kind.PRICE, "Entries"),
    "highest": FeatureTitle("Breakout above", Kind.PRICE, "Entries"),
    "lowest": FeatureTitle("Breakout below", Kind.PRICE, "Entries"),
}
_SMC: Final = {
    "close": FeatureTitle("Close", Kind.PRICE, "Candle"),
    "atr": FeatureTitle("ATR", Kind.PRICE, "Candle"),
    "volume_ratio": FeatureTitle("Volume to its mean", Kind.TIMES, "Candle"),
    **{
        f"trend_{frame}": FeatureTitle(f"Trend {frame}", Kind.TREND, "Structure") for frame in ("15m", "1h", "4h", "1d")
    },
    **{
        f"{end}_{frame}": FeatureTitle(f"{title} {frame}", Kind.PRICE, "Dealing ranges")
        for frame in ("1h", "4h", "1d")
        for end, title in (("high", "Upper end"), ("low", "Lower end"))
    },
    "place": FeatureTitle("Place in the range of 1h", Kind.SHARE, "Dealing ranges"),
    "pool_above": FeatureTitle("Pool above", Kind.PRICE, "Liquidity"),
    "pool_below": FeatureTitle("Pool below", Kind.PRICE, "Liquidity"),
    "swept_up": FeatureTitle("Highs swept lately", Kind.FLAG, "Liquidity"),
    "swept_down": FeatureTitle("Lows swept lately", Kind.FLAG, "Liquidity"),
    **{
        f"{side}_{name}": FeatureTitle(title, kind, group)
        for side, group, extreme in (("demand", "Demand", "Its lowest low"), ("supply", "Supply", "Its highest high"))
        for name, title, kind in (
            ("pattern", "Entry pattern", Kind.PATTERN),
            ("extreme", extreme, Kind.PRICE),
            ("score", "Zone score", Kind.NUMBER),
            ("bottom", "Zone from", Kind.PRICE),
            ("top", "Zone to", Kind.PRICE),
        )
    },
}
_REGIME: Final = {
    "adx": FeatureTitle("ADX", Kind.NUMBER),
    "ema_fast": FeatureTitle("Fast average", Kind.PRICE),
    "ema_slow": FeatureTitle("Slow average", Kind.PRICE),
    "atr_percent": FeatureTitle("ATR of the price", Kind.PERCENT),
    "volume_ratio": FeatureTitle("Volume to its mean", Kind.TIMES),
}
# By the strategy's name; ``regime`` is a part of the hybrid.
_TITLES: Final[Mapping[str, Mapping[str, FeatureTitle]]] = {
    "dca": _DCA,
    "trend": _TREND,
    "smc": _SMC,
    "regime": _REGIME,
}
_FAMILIES: Final = {"regime": "Regime", "dca": "DCA", "trend": "Trend", "grid": "Grid", "smc": "Smart Money Concepts"}
_CANDLE_CLOSE: Final = FeatureTitle("Candle closed", Kind.MOMENT, place=-1)
# As strategies.smc.patterns numbers them: importing that would bring NumPy into the web processes.
_PATTERNS: Final = {1: "engulfing", 2: "pin bar", 3: "inside break"}
_LAST: Final = 1000


def title_of(strategy: str, name: str) -> FeatureTitle:
    """Of a strategy of one's own, whatever its name says. ``family.name`` is a feature of a part of the strategy."""
    family, dot, own = name.partition(".")
    if dot:
        found = _CANDLE_CLOSE if own == "candle_close" else title_of(family, own)
        places = list(_FAMILIES)
        part = places.index(family) if family in places else len(places)
        return replace(found, group=_FAMILIES.get(family, _in_words(family)), place=part * 10 * _LAST + found.place)
    titles = _TITLES.get(strategy, {})
    if name not in titles:
        return FeatureTitle(_in_words(name), Kind.NUMBER, place=_LAST)
    return replace(titles[name], place=list(titles).index(name))


def pattern_name(number: float) -> str:
    return _PATTERNS.get(int(number), "none")


def _in_words(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
