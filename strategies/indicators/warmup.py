"""How many candles a smoothing needs until what came before them no longer shows.

An exponential average never forgets quite: after *n* candles a share of (1 − alpha)ⁿ of its first value is left. A live
bot sees a window of candles only, so the window must be long enough for that rest to vanish.
"""

from __future__ import annotations

from functools import cache
from typing import Final

# The rest of the past that may be left. Features are promised to 1e-9: the other five digits are for features
# that are read on a scale of 100, and for windows that begin in a market a thousand times wilder than they end.
REST: Final = 1e-14


@cache
def settling(*alphas: float) -> int:
    """Candles after its first value until a chain of exponential averages has forgotten it.

    Each average smooths the one before it by its own ``alpha`` (0 < alpha ≤ 1), and all of them begin with a wrong
    value of size 1. The error of the last one follows the same recursion as the averages and is simply carried on until
    it is below ``REST``. Raises ``ValueError`` for another alpha.
    """
    if not alphas or not all(0.0 < alpha <= 1.0 for alpha in alphas):
        raise ValueError(f"Smoothing factors lie above 0 and at most at 1, these are {alphas}.")
    errors = [1.0] * len(alphas)
    candles = 0
    while errors[-1] >= REST:
        entering = 0.0
        for place, alpha in enumerate(alphas):
            errors[place] += alpha * (entering - errors[place])
            entering = errors[place]
        candles += 1
    return candles


def ema_alpha(period: int) -> float:
    return 2.0 / (period + 1.0)


def wilder_alpha(period: int) -> float:
    return 1.0 / period
