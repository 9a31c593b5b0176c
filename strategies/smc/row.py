"""The order of a feature row: what the steps look at, by place."""

from __future__ import annotations

from typing import Final

CLOSE: Final = 0
ATR: Final = 1
VOLUME_RATIO: Final = 2
PLACE: Final = 3
TREND_1H: Final = 4
TREND_4H: Final = 5
TREND_1D: Final = 6
# What one side looks at begins at LONG or SHORT.
LONG: Final = 7
SHORT: Final = 17
PATTERN: Final = 0
EXTREME: Final = 1
SCORE: Final = 2
BOTTOM: Final = 3
TOP: Final = 4
SWEPT: Final = 5
# Where liquidity lies, in the order in which equally near ones are taken.
FIRST_TARGET: Final = 6
TARGETS: Final = 4

COLUMNS: Final = (
    "close", "atr", "volume_ratio", "place", "trend_1h", "trend_4h", "trend_1d",
    "demand_pattern", "demand_extreme", "demand_score", "demand_bottom", "demand_top", "swept_up",
    "pool_above", "high_1h", "high_4h", "high_1d",
    "supply_pattern", "supply_extreme", "supply_score", "supply_bottom", "supply_top", "swept_down",
    "pool_below", "low_1h", "low_4h", "low_1d",
)  # fmt: skip
