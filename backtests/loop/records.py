"""What the loop works on: numpy records when it is compiled, objects and lists of the same names when it is Python.

Records, because machine code passes them on as a pointer, where each array would be counted in and out of every call.

What the strategy wants stands in a table by slot: ``standing[slot]``. ``active`` lists the slots that have an order
standing, in no order. ``fills`` has room for so many and is emptied by the caller whenever the loop says that it is
full. Prices and worth are in quote, amounts in base, times in milliseconds UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from strategies.lattice import Rules

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

# How a run stands when the loop returns.
PAUSED: Final = 0  # the candles asked for are done
FULL: Final = 1  # there may be no room for the next candle's fills
FINISHED: Final = 2  # the strategy has finished and nothing stands
LIQUIDATED: Final = 3

# What ``wanted`` returns when the rows are those of the step before.
AS_BEFORE: Final = -1

# Why an order was refused.
CROSSES: Final = 1
TOO_SMALL: Final = 2
TOO_LARGE: Final = 3
TOO_CHEAP: Final = 4
TOO_POOR: Final = 5
NOTHING_TO_REDUCE: Final = 6
WRONG_SIDE: Final = 7


# How many fills and refusals the tables have room for.
MOST_FILLS: Final = 4096
MOST_REFUSED: Final = 256
# How many sets of orders may be on their way to the exchange at once.
MOST_SENT: Final = 16


class Terms(NamedTuple):
    """``slippage`` is a fraction that takers pay, ``half_spread`` how far the best prices stand from the last one, as a
    fraction, ``impact`` what a taker moves the price by (``loop.prices``); ``share`` of a candle's volume is the most
    that fills in it, 0 for no limit; ``margin`` what the price has to pass a limit by (0 or a tick); ``maintenance`` the
    share of a linear position's value below which the account is liquidated, 0 for never; ``latency`` in ms."""

    rules: Rules
    slippage: float
    half_spread: float
    impact: float
    share: float
    margin: float
    leverage: float
    maintenance: float
    latency: int
    pessimistic: bool
    length: int  # of a candle


class Path(NamedTuple):
    timestamp: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Rows(NamedTuple):
    """``values`` is (rows + 1) × columns, its last row all NaN; ``of_candle`` the row that the points of a candle see, the
    last one where none is known; ``closes`` when each row's candle closed, 0 in the last."""

    values: Floats
    of_candle: Integers
    closes: Integers


class Funding(NamedTuple):
    """A long position pays ``rate`` of its worth at each ``timestamp``, a short one is paid."""

    timestamp: Integers
    rate: Floats


ACCOUNT: Final = {
    "candle": int,
    "started": bool,
    "price": float,  # of the last point
    "row": int,  # as of the last tick
    "quote": float,
    "amount": float,  # the position, signed
    "cost": float,  # what it was opened for, signed
    "realised": float,
    "fees": float,
    "funding": float,  # paid
    "funding_next": int,
    "locked_quote": float,
    "locked_base": float,
    "buy_amount": float,  # of open linear orders that can open a position
    "buy_worth": float,
    "sell_amount": float,
    "sell_worth": float,
    "active": int,
    "wanted": int,  # rows, as of the last tick
    "seen": int,
    "fills": int,
    "refused": int,
    "refusing": bool,  # something wanted was refused or thrown out: to be tried at the next point,
    "retry_at": int,  # or not before this time
    "taking": int,  # standing orders of which a part was taken, the rest to be taken at the next points
    "volume": float,  # of this candle,
    "taken": float,  # and what of it was filled
    "sending": int,  # sets of orders on their way to the exchange,
    "first_sent": int,  # the oldest of them
    "arrival": int,
    "stamp": int,
    "low": float,  # nothing happens while the price stays strictly between the two,
    "high": float,
    "until": int,  # before this time,
    "rows_matter": int,  # and without a new row of this kind (``strategies.kernel``)
    "quiet_low": float,  # the strategy's own part of it
    "quiet_high": float,
    "over": bool,
    "leaving_buys": bool,  # a protective stop of that side is being withdrawn: market orders wait a point,
    "leaving_sells": bool,
    "liquidated": bool,
    "ruin_price": float,  # at which the position was taken over,
    "ruin_point": int,
    "ruin_time": int,
    "steps": int,
    "points": int,  # so many more are walked through, then the loop returns,
    "quarter": int,  # before this one of the candle,
    "high_first": bool,  # whose way is this
    # What the account's other bots have part in (``backtests.portfolio``), all nothing where a bot is alone.
    "shared": bool,
    "spare": float,  # quote that is free beside this bot's own, for linear markets as equity less margin,
    "spare_base": float,  # and coins
    "beside": float,  # the others' position on this market,
    "beside_buy_amount": float,  # and their open linear orders on it
    "beside_buy_worth": float,
    "beside_sell_amount": float,
    "beside_sell_worth": float,
    "beyond": float,  # equity above the maintenance margin that is not of this market's position
}
STANDING: Final = {
    "active": bool,
    "place": int,  # in ``active``
    "sequence": int,
    "side": int,
    "type": int,
    "wished": float,  # as the strategy wants it
    "left": float,
    "price": float,
    "trigger": float,
    "meets": float,  # the price that fills or triggers it
    "held_at": float,  # the price by which money is held back for it
    "waits": bool,  # for its trigger
    "taking": bool,  # takes what it can at every point
    "reduce_only": bool,
    "protective": bool,
    "trade": int,
    "arrival": int,
    "stamp": int,
    "want": int,  # the row of ``wanted`` in the tick ``stamp``
    "done": int,  # the sequence that was last filled
    "part": int,  # the sequence of which a part is filled,
    "part_amount": float,  # that part,
    "part_value": float,  # and its worth
    "refused": int,  # the sequence that was last refused
    "denied": int,  # the sequence that the exchange itself last refused,
    "denials": int,  # so often in a row,
    "denied_at": int,  # the last time then
}
MET: Final = {"slot": int, "arrival": int, "distance": float}
FILL: Final = {
    "point": int,
    "timestamp": int,
    "slot": int,
    "sequence": int,
    "side": int,
    "price": float,
    "amount": float,
    "fee": float,
    "fee_in_base": bool,
    "is_maker": bool,
    "trade": int,
}
SEEN: Final = {
    "slot": int,
    "sequence": int,
    "side": int,
    "price": float,
    "amount": float,
    "fee_base": float,
    "timestamp": int,
    "done": bool,
}
WANTED: Final = {
    "slot": int,
    "sequence": int,
    "side": int,
    "type": int,
    "amount": float,
    "price": float,
    "trigger": float,
    "post_only": bool,
    "reduce_only": bool,
    "protective": bool,
    "trade": int,
}
REFUSED: Final = {"point": int, "slot": int, "sequence": int, "why": int}
