"""How long an order that the exchange refused is not sent again: for bots, and for the back-tests of them.

A wish is tried again as long as it is wanted, ever more slowly: an exchange that is asked at every tick for what it
refuses shuts the account out.
"""

from __future__ import annotations

from typing import Final

from strategies.compiled import compiled

FIRST_WAIT_MS: Final = 1_000
LONGEST_WAIT_MS: Final = 300_000
LONGEST_WAIT_FOR_STOP_MS: Final = 30_000
# Doubled so often, the first wait is longer than any.
_MOST_DOUBLINGS: Final = 20


@compiled
def wait_ms(refusals: int, protective: bool) -> int:
    """After so many refusals of one wish in a row. A position does not wait for its stop, unless that was refused twice."""
    counted = refusals - 1 if protective else refusals
    if counted <= 0:
        return 0
    longest = LONGEST_WAIT_FOR_STOP_MS if protective else LONGEST_WAIT_MS
    return min(FIRST_WAIT_MS << min(counted - 1, _MOST_DOUBLINGS), longest)
