"""The numbers that stand for a grid's phases, exits, slots and notes."""

from __future__ import annotations

from typing import Final

from strategies.grid.config import MOST_GRIDS

# Phases.
NEW: Final = 0  # not stepped yet
ARMED: Final = 1  # waits for the trigger price
RUNNING: Final = 2
REBUILDING: Final = 3  # everything is being cancelled, the next step builds the grid again
CLOSING: Final = 4  # stopped; what is held is being closed at market
FINISHED: Final = 5
PHASES: Final = ("new", "armed", "running", "rebuilding", "closing", "finished")

# Exits.
NO_EXIT: Final = 0
STOP_LOSS_PRICE: Final = 1
TAKE_PROFIT_PRICE: Final = 2
STOP_LOSS_PERCENT: Final = 3
TAKE_PROFIT_PERCENT: Final = 4
EXITS: Final = (
    "",
    "grid.stop_loss_price",
    "grid.take_profit_price",
    "grid.stop_loss_percent",
    "grid.take_profit_percent",
)

# Slots and trades: an interval keeps its number, which is below the count of intervals, when the grid trails.
ENTRY_SLOT: Final = 0
CLOSE_SLOT: Final = 1
STOP_SLOT: Final = 2
FIRST_INTERVAL: Final = 3

# Notes.
TOLD_ARMED: Final = 0
TOLD_TRIGGERED: Final = 1
TOLD_BUILT: Final = 2
TOLD_CYCLE: Final = 3
TOLD_TRAILED_UP: Final = 4
TOLD_TRAILED_DOWN: Final = 5
TOLD_RANGE_LEFT: Final = 6
TOLD_EXIT: Final = 7
# The reason of each, and what its numbers are; that of an exit is the exit's.
NOTES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("grid.armed", ("price", "trigger")),
    ("grid.triggered", ("price", "trigger")),
    ("grid.built", ("price", "lower", "upper", "intervals")),
    ("grid.cycle", ("interval", "opened_at", "closed_at", "amount", "gross_profit")),
    ("grid.trailed_up", ("price", "lower", "upper")),
    ("grid.trailed_down", ("price", "lower", "upper")),
    ("grid.range_left", ("price", "lower", "upper")),
    ("", ("value", "limit")),
)
COUNTS: Final = ("interval", "intervals")

# By their numbers. The trades are one group: an entry or a close may close what intervals have opened.
SLOT_NAMES: Final = ("entry", "close", "stop", *(f"grid:{interval}" for interval in range(MOST_GRIDS)))
TRADE_NAMES: Final = ("grid/entry", "grid/close", "", *(f"grid/{interval}" for interval in range(MOST_GRIDS)))
