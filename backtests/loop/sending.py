"""Latency: what a point decides reaches the exchange, whole, at the first point at or after its time plus the latency.

The rows of ``wanted`` are blocks of ``t.block`` rows: the first one is what the strategy has just written, the others
are a ring of what is on its way. Cancels and orders of one decision arrive together, before the tick of the point at
which they arrive; that tick already sees the fills of what arrived.
"""

from __future__ import annotations

from typing import Any

from backtests.loop.orders import reconcile
from backtests.loop.records import AS_BEFORE, MOST_SENT
from strategies.compiled import compiled


@compiled
def deliver(terms: Any, t: Any, a: Any, price: float, point: int, timestamp: int) -> None:
    """What has arrived by now."""
    while a.sending > 0 and t.due[a.first_sent] <= timestamp:
        number = a.first_sent
        a.first_sent = (number + 1) % MOST_SENT
        a.sending -= 1
        reconcile(terms, t, a, (number + 1) * t.block, t.counts[number], price, point, timestamp)


@compiled
def send(terms: Any, t: Any, a: Any, rows: int, has_fills: bool, timestamp: int) -> None:
    """Sends what is wanted, unless nothing has changed since the last time."""
    newest = (a.first_sent + a.sending + MOST_SENT - 1) % MOST_SENT
    count = t.counts[newest] if rows == AS_BEFORE else rows
    source = (newest + 1) * t.block if rows == AS_BEFORE else 0
    if not has_fills and not a.refusing and (rows == AS_BEFORE or is_block(t, newest, rows)):
        return
    place = (a.first_sent + a.sending) % MOST_SENT
    for number in range(count):
        copied(t.wanted[(place + 1) * t.block + number], t.wanted[source + number])
    t.counts[place] = count
    t.due[place] = timestamp + terms.latency
    a.sending += 1
    a.refusing = False


@compiled
def is_block(t: Any, block: int, count: int) -> bool:
    """Whether the rows just written are those of a block."""
    if t.counts[block] != count:
        return False
    for number in range(count):
        one, two = t.wanted[number], t.wanted[(block + 1) * t.block + number]
        if (
            one.slot != two.slot
            or one.sequence != two.sequence
            or one.side != two.side
            or one.type != two.type
            or one.amount != two.amount
            or one.price != two.price
            or one.trigger != two.trigger
        ):
            return False
    return True


@compiled
def copied(to: Any, row: Any) -> None:
    to.slot = row.slot
    to.sequence = row.sequence
    to.side = row.side
    to.type = row.type
    to.amount = row.amount
    to.price = row.price
    to.trigger = row.trigger
    to.post_only = row.post_only
    to.reduce_only = row.reduce_only
    to.protective = row.protective
    to.trade = row.trade
