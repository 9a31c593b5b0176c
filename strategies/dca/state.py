"""Everything a running DCA bot remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

from strategies.dca.ladder import MOST_SAFETY_ORDERS, MOST_STEPS
from strategies.state import PlainState

# Phases.
WAITING: Final = 0  # no deal; the next one starts when nothing hinders it
STARTING: Final = 1  # the base order is wanted
OPEN: Final = 2  # safety orders and take profit stand
CLOSING: Final = 3  # what is held is being closed at market
FINISHED: Final = 4

# Why a deal ends.
TOOK_PROFIT: Final = 1
STOP_LOSS: Final = 2
TRAILED: Final = 3
DEAL_TIME: Final = 4
LEFT_OVER: Final = 5
ENDS: Final = ("", "dca.took_profit", "dca.stop_loss", "dca.trailed", "dca.deal_time", "dca.left_over")

# Why the bot stops.
AFTER_ALL_DEALS: Final = 1
AFTER_STOP_LOSS: Final = 2

# What hinders a start, first what is asked first.
NOTHING: Final = 0
COOL_DOWN: Final = 1
DAILY_LOSS: Final = 2
MIN_PRICE: Final = 3
MAX_PRICE: Final = 4
CONDITION: Final = 5
SIZE: Final = 6


@dataclass(slots=True)
class DcaState(PlainState):
    """Prices in quote, amounts in base and without a sign: what a short deal holds is what it sold.

    ``held`` is the position by this state's own count, fees in base taken off, dust of earlier deals included.
    ``entered`` and ``spent`` are what the deal's entries traded, before fees; their ratio is the average price.
    ``exited`` is what was closed since the last entry, at that same average.
    """

    WORDS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "phase": ("waiting", "starting", "open", "closing", "finished"),
        "hindrance": (
            "",
            "dca.waits_cool_down",
            "dca.waits_daily_loss",
            "dca.waits_min_price",
            "dca.waits_max_price",
            "dca.waits_condition",
            "dca.waits_size",
        ),
        "close_code": ENDS,
        "finish_code": ("", "dca.finished", "dca.finished_by_stop_loss"),
    }
    CAPACITIES: ClassVar[Mapping[str, int]] = {
        "safety_prices": MOST_SAFETY_ORDERS,
        "safety_amounts": MOST_SAFETY_ORDERS,
        "safety_done": MOST_SAFETY_ORDERS,
        "profit_prices": MOST_STEPS,
        "profit_amounts": MOST_STEPS,
        "profit_filled": MOST_STEPS,
        "profit_done": MOST_STEPS,
        "profit_sequences": MOST_STEPS,
    }

    phase: int = WAITING
    deal: int = 0  # the number of the current or last deal, from 1
    hindrance: int = NOTHING  # what was last told to hinder a start
    started_at: int = 0  # when the deal's base order was first wanted
    ended_at: int = 0  # when the last deal was over; 0 before that

    base_amount: float = 0.0
    base_filled: float = 0.0
    base_spent: float = 0.0
    base_price: float = 0.0  # average fill of the base order; 0 while it is not complete

    # One for each safety order of the configuration; done are also those that are never wanted.
    safety_prices: list[float] = field(default_factory=list)
    safety_amounts: list[float] = field(default_factory=list)
    safety_done: list[bool] = field(default_factory=list)

    entered: float = 0.0
    spent: float = 0.0
    exited: float = 0.0
    held: float = 0.0
    earned: float = 0.0  # quote, of this deal, before fees

    profit_prices: list[float] = field(default_factory=list)  # one for each step; 0 while nothing is entered
    profit_amounts: list[float] = field(default_factory=list)  # of the step's order, what is filled of it included
    profit_filled: list[float] = field(default_factory=list)  # of the step's present order
    profit_done: list[bool] = field(default_factory=list)
    profit_sequences: list[int] = field(default_factory=list)
    best: float = 0.0  # the best price since a trailing take profit was reached; 0 while it was not

    stop_price: float = 0.0  # 0 when there is none
    stop_sequence: int = 0
    stop_amount: float = 0.0  # of the stop order at the exchange; 0 when none is wanted
    beyond_since: int = 0  # timestamp since when the price is beyond the stop; 0 when it is not

    close_sequence: int = 0
    close_filled: float = 0.0
    close_amount: float = 0.0  # what is filled of it included
    close_code: int = 0  # why the deal is being closed

    day: int = -1  # UTC days since 1970
    day_realised: float = 0.0  # realised P&L when the day began
    realised: float = 0.0  # realised P&L as last seen
    used_row: int = -1  # close of the candle whose cross has started a deal
    used_signal: float = -1.0  # time of the signal that has started a deal
    finish_code: int = 0

    def sized(self, safety_orders: int, steps: int) -> Self:
        """With room for so many safety orders and take-profit steps; ``self`` where there is. What was not there is
        done and has no price: snapshots of older versions list only the orders that a deal has."""
        if len(self.safety_done) >= safety_orders and len(self.profit_done) >= steps:
            return self
        state = self.copy()
        fillings: dict[str, Any] = {
            "safety_prices": 0.0,
            "safety_amounts": 0.0,
            "safety_done": True,
            "profit_prices": 0.0,
            "profit_amounts": 0.0,
            "profit_filled": 0.0,
            "profit_done": True,
            "profit_sequences": 0,
        }
        for name, filling in fillings.items():
            values = getattr(state, name)
            count = safety_orders if name.startswith("safety") else steps
            values.extend([filling] * (count - len(values)))
        return state
