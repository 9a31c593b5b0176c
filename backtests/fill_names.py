"""Names in the place of a run's numbers, and the fills that a liquidation makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from strategies.kernel import KernelStrategy
from strategies.round_trips import group_of

if TYPE_CHECKING:
    from backtests.loop.records import Integers

# The slot of the fills that a liquidation makes.
LIQUIDATION: Final = "liquidation"
# Of a key made of slot and trade: more trades than any run makes.
_TRADE_BITS: Final = 40


class NamedFills(NamedTuple):
    """Numpy records whose slots and trades are places in these lists."""

    fills: Any
    slots: list[str]
    trades: list[str]


def named(strategy: KernelStrategy[Any, Any, Any], fills: Any, ruined: Any) -> NamedFills:
    """The fills' numbers become places in lists of names. ``ruined`` is the account where it was liquidated."""
    slot_numbers, slot_of = np.unique(fills["slot"], return_inverse=True)
    # A trade's name may need its slot.
    keys, key_of = np.unique((fills["slot"] << _TRADE_BITS) + fills["trade"], return_inverse=True)
    of_keys = map(strategy.names, (keys >> _TRADE_BITS).tolist(), (keys & ((1 << _TRADE_BITS) - 1)).tolist())
    slots, slot_places = _places([strategy.names(number, 0)[0] for number in slot_numbers.tolist()])
    trades, trade_places = _places([trade for _, trade in of_keys])
    fills["slot"], fills["trade"] = slot_places[slot_of], trade_places[key_of]
    return closed(fills, slots, trades, ruined)


def closed(fills: Any, slots: list[str], trades: list[str], ruined: Any) -> NamedFills:
    """With what a liquidation makes, where the account was liquidated."""
    if ruined is not None:
        fills = with_liquidation(fills, slots, trades, ruined)
    return NamedFills(fills.view(np.recarray), slots, trades)


def _places(names: list[str]) -> tuple[list[str], Integers]:
    """Each name once, and where each of ``names`` stands among them."""
    once = list(dict.fromkeys(names))
    place = dict(zip(once, range(len(once)), strict=True))
    return once, np.fromiter(map(place.__getitem__, names), np.int64, len(names))


def with_liquidation(fills: Any, slots: list[str], trades: list[str], money: Any) -> Any:
    """With a fill for each trade that was open when the account was liquidated; for a group, one in its first one's name."""
    still_open = np.zeros(len(trades))
    in_base = np.where(fills["fee_in_base"], fills["fee"], 0.0)
    leaders: dict[str, int] = {}
    # The "/" keeps a group apart from a trade of that name.
    members = [f"{group}/" if (group := group_of(name)) else name for name in trades]
    by_leader = np.array([leaders.setdefault(name, place) for place, name in enumerate(members)], dtype=np.int64)
    in_order = by_leader[fills["trade"]]
    np.add.at(still_open, in_order, fills["side"] * fills["amount"] - in_base)
    _, first = np.unique(in_order, return_index=True)
    begun = in_order[np.sort(first)]
    ended = begun[np.abs(still_open[begun]) > 1e-9 * np.abs(still_open).max(initial=0.0)]
    closing = np.zeros(len(ended), fills.dtype)
    closing["point"], closing["timestamp"] = money.ruin_point, money.ruin_time
    closing["slot"], closing["trade"] = len(slots), ended
    closing["side"] = -np.sign(still_open[ended]).astype(np.int64)
    closing["price"], closing["amount"] = money.ruin_price, np.abs(still_open[ended])
    slots.append(LIQUIDATION)
    return np.concatenate((fills, closing))
