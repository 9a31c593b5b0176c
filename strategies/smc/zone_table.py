"""Zones of one timeframe as a table, the order of their birth being that of the rows."""

from __future__ import annotations

from typing import NamedTuple

from strategies.indicators import Array
from strategies.smc.swings import Rows


class Zones(NamedTuple):
    """One entry per zone: ``direction`` +1 for demand (bullish) and −1 for supply, the row of the candle it was made
    from, the row at whose close it is known, the row at whose close it is over (used up or expired; it may lie beyond
    the series), and its prices in quote."""

    direction: Rows
    origin: Rows
    born: Rows
    died: Rows
    bottom: Array
    top: Array
