"""Names in the place of a run's numbers, and the fills that a liquidation makes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from strategies.kernel import KernelStrategy

# The slot of the fills that a liquidation makes.
LIQUIDATION: Final = "liquidation"


def named(strategy: KernelStrategy[Any, Any, Any], fills: Any) -> tuple[list[str], list[str]]:
    """The names of slots and trades; the fills' numbers become places in these lists."""
    slots, trades = dict[str, int](), dict[str, int]()
    slot_numbers, slot_of = np.unique(fills["slot"], return_inverse=True)
    # A trade's name may need its slot.
    keys, key_of = np.unique(fills["slot"] * (1 << 40) + fills["trade"], return_inverse=True)
    trade_names = (strategy.names(key >> 40, key & ((1 << 40) - 1))[1] for key in keys.tolist())
    trade_places = np.array([trades.setdefault(name, len(trades)) for name in trade_names], np.int64)
    slot_names = (strategy.names(number, 0)[0] for number in slot_numbers.tolist())
    slot_places = np.array([slots.setdefault(name, len(slots)) for name in slot_names], np.int64)
    fills["trade"], fills["slot"] = trade_places[key_of], slot_places[slot_of]
    return list(slots), list(trades)


def with_liquidation(fills: Any, slots: list[str], trades: list[str], money: Any) -> Any:
    """With a fill for each trade that was open when the account was liquidated."""
    still_open = np.zeros(len(trades))
    in_base = np.where(fills["fee_in_base"], fills["fee"], 0.0)
    np.add.at(still_open, fills["trade"], fills["side"] * fills["amount"] - in_base)
    _, first = np.unique(fills["trade"], return_index=True)
    begun = fills["trade"][np.sort(first)]
    ended = begun[np.abs(still_open[begun]) > 1e-9 * np.abs(still_open).max(initial=0.0)]
    closing = np.zeros(len(ended), fills.dtype)
    closing["point"], closing["timestamp"] = money.ruin_point, money.ruin_time
    closing["slot"], closing["trade"] = len(slots), ended
    closing["side"] = -np.sign(still_open[ended]).astype(np.int64)
    closing["price"], closing["amount"] = money.ruin_price, np.abs(still_open[ended])
    slots.append(LIQUIDATION)
    return np.concatenate((fills, closing))
