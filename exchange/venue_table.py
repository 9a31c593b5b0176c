"""What the exchanges do differently, in one table; ``docs/exchanges.md`` shows it to users.

Every entry is from the exchange's own documents, whose addresses stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from exchange.traits import DuplicateIds, VenueTraits
from strategies.contract import MarketKind

_SPOT = frozenset({MarketKind.SPOT})
_BOTH = frozenset(MarketKind)

TRAITS: Mapping[str, VenueTraits] = {
    # https://bybit-exchange.github.io/docs/v5/order/create-order, …/amend-order, …/execution
    "bybit": VenueTraits(
        finds_by_client_id=True,
        fills_carry_client_id=True,
        duplicate_ids=DuplicateIds.REFUSED,
        amends=_BOTH,
        amends_stops=_BOTH,
        stop_orders=_BOTH,
        not_found_lag=timedelta(seconds=3),
        fills_lag=timedelta(seconds=10),
    ),
}
# An exchange that nobody has looked at: ids are sent along, and nothing is taken for granted.
CAREFUL = VenueTraits()


def traits_of(exchange_id: str) -> VenueTraits:
    return TRAITS.get(exchange_id, CAREFUL)
