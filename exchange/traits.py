"""What exchanges do differently where an order's safety depends on it, as facts that the platform can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from strategies.contract import MarketKind


class DuplicateIds(StrEnum):
    """What becomes of a second order under a client order id that was used before."""

    REFUSED = "refused"  # whatever became of the first one
    REFUSED_WHILE_OPEN = "refused_while_open"  # accepted again once the first one is over
    FIRST_RETURNED = "first_returned"  # answered with the first order; nothing new is made
    ACCEPTED = "accepted"  # the exchange does not look at it, or takes none


@dataclass(frozen=True, slots=True)
class VenueTraits:
    """One exchange's conduct. The defaults are the careful reading for an exchange that nobody has looked at.

    ``amends`` names the kinds of market where a resting limit order can be changed in place, ``amends_stops`` those
    where an untriggered stop order can be too; elsewhere an order is cancelled and placed anew. ``stop_orders`` names
    the kinds of market where the exchange itself holds stop-market orders.

    ``fills_by_symbol`` says that executions are listed per symbol only. Where ``fills_carry_client_id`` is false, the
    gateway asks for it once per order, so that its reports have it all the same.

    ``not_found_lag`` is how long after a sending "no such order" proves nothing; ``fills_lag`` how long after an
    order's end its executions may still be missing.
    """

    client_order_ids: bool = True
    finds_by_client_id: bool = False
    fills_carry_client_id: bool = False
    fills_by_symbol: bool = False
    duplicate_ids: DuplicateIds = DuplicateIds.ACCEPTED
    amends: frozenset[MarketKind] = frozenset()
    amends_stops: frozenset[MarketKind] = frozenset()
    stop_orders: frozenset[MarketKind] = frozenset()
    not_found_lag: timedelta = timedelta(seconds=10)
    fills_lag: timedelta = timedelta(seconds=10)
