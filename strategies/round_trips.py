"""Which round trip a fill belongs to: the rule that the ledger of bots and the back-tests share.

An order names its round trip (``WantedOrder.trade``): a small position of its own, from flat to flat. What is filled closes
that position first and opens it again with what is left. ``deal:3`` stands alone. ``grid/7`` is one of the group ``grid``:
before it opens, a fill closes what is open the other way in its group, the oldest first, since one order may close what
several have opened (all of a grid, when it stops). So a group is never long and short at once.
"""

from __future__ import annotations


def group_of(trade: str) -> str:
    """What stands before the last ``/`` of a trade's name; empty for one that stands alone."""
    return trade.rpartition("/")[0]
