"""Sizes from how trades have turned out: Kelly's fraction and Vince's optimal f.

Both are the fraction with the fastest growth *if* the future is as the record. It never quite is, and beyond the best
fraction growth falls while risk goes on rising: trade a part of it (``fraction``), and never more than a ``cap``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strategies.compiled import compiled

# Halvings of the interval in which optimal f lies: the 60th is narrower than a float can tell.
_HALVINGS: Final = 60


def kelly_fraction(win_rate: float, payoff: float) -> float:
    """The share of the equity to bet when a win pays ``payoff`` times what a loss costs; 0 without an edge.

    J. L. Kelly, A New Interpretation of Information Rate, Bell System Technical Journal 35 (1956): for even money
    f = p − q, so 0.2 at p = 0.6. For other payoffs f = p − q / b (E. O. Thorp, The Kelly Criterion, 2006): 0.25 for a
    fair coin that pays 2 to 1. Raises ``ValueError`` for a rate outside 0 … 1 or a payoff that is not above 0.
    """
    _check_odds(win_rate, payoff)
    return kelly_share.plain(win_rate, payoff)


@compiled
def kelly_share(win_rate: float, payoff: float) -> float:
    """:func:`kelly_fraction` for compiled steps: nothing is checked."""
    return max(win_rate - (1.0 - win_rate) / payoff, 0.0)


def kelly_of_trades(profits: Sequence[float]) -> float:
    """Kelly's fraction with the rate and the averages of a record (``profits`` in quote, losses negative).

    The formula knows two outcomes only; :func:`optimal_f` takes the trades as they were. 0 for a record without a win.
    Raises ``ValueError`` without a loss: such a record says nothing about what can be lost.
    """
    wins, losses = [each for each in profits if each > 0.0], [-each for each in profits if each < 0.0]
    if not losses:
        raise ValueError("A record without a loss has no Kelly fraction.")
    if not wins:
        return 0.0
    payoff = (sum(wins) / len(wins)) / (sum(losses) / len(losses))
    return kelly_fraction(len(wins) / (len(wins) + len(losses)), payoff)


def kelly_amount(
    equity: float, win_rate: float, payoff: float, stop_distance: float, *, fraction: float = 0.5, cap: float = 2.0
) -> float:
    """Base that risks ``fraction`` of Kelly's share of the equity at the stop, at most ``cap`` percent of the equity.

    What is lost at the stop (``stop_distance``, quote) is the bet. ``fraction`` is above 0 and at most 1; half of
    Kelly's share keeps three quarters of the growth (Thorp, 2006).
    """
    _check_fraction(fraction)
    if not stop_distance > 0.0 or not cap > 0.0:
        raise ValueError(f"stop_distance is {stop_distance} and cap {cap}: both must be above 0.")
    _check_odds(win_rate, payoff)
    return kelly_risked.plain(equity, win_rate, payoff, stop_distance, fraction, cap)


@compiled
def kelly_risked(
    equity: float, win_rate: float, payoff: float, stop_distance: float, fraction: float, cap: float
) -> float:
    """:func:`kelly_amount` for compiled steps: nothing is checked."""
    share = min(fraction * kelly_share(win_rate, payoff), cap / 100.0)
    return max(equity, 0.0) * share / stop_distance


def optimal_f(profits: Sequence[float]) -> float:
    """The fixed fraction that would have multiplied the equity most over these trades; 0 when they lost on average.

    Ralph Vince, Portfolio Management Formulas, 1990: each trade multiplies the equity by 1 + f × profit / largest
    loss, and f maximises the product. For +9, +18, +7, +1, +10, −5, −3, −17, −7 it is 0.24 (Kelly's formula on the
    averages says 0.16); for +2, −1 it is 0.25. ``profits`` are of one unit, in quote. Raises ``ValueError`` without a
    loss: any fraction would have been too small.
    """
    worst = -min(profits, default=0.0)
    if worst <= 0.0:
        raise ValueError("A record without a loss has no optimal f.")
    returns = [profit / worst for profit in profits]
    if sum(returns) <= 0.0:
        return 0.0
    # The logarithm of the product is concave: its slope falls from above 0 at f = 0 to minus infinity at f = 1.
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if middle < 1.0 and sum(each / (1.0 + middle * each) for each in returns) > 0.0:
            low = middle
        else:
            high = middle
    return low


def terminal_wealth(profits: Sequence[float], f: float) -> float:
    """Vince's terminal wealth relative: what the equity is multiplied by when each trade risks ``f`` of it."""
    worst = -min(profits, default=0.0)
    if worst <= 0.0:
        raise ValueError("A record without a loss has no terminal wealth relative.")
    wealth = 1.0
    for profit in profits:
        wealth *= 1.0 + f * profit / worst
    return wealth


def optimal_f_amount(
    equity: float, profits: Sequence[float], unit: float, *, fraction: float = 1.0, cap: float = 2.0
) -> float:
    """Base at ``fraction`` of optimal f: one ``unit`` (base; what ``profits`` are of) for every largest loss / f of equity.

    At most so much that the largest loss of the record would cost ``cap`` percent of the equity. Vince's example above:
    one unit for every 17 / 0.24 = 70.83.
    """
    _check_fraction(fraction)
    if not unit > 0.0 or not cap > 0.0:
        raise ValueError(f"unit is {unit} and cap {cap}: both must be above 0.")
    share = min(fraction * optimal_f(profits), cap / 100.0)
    return max(equity, 0.0) * share / -min(profits) * unit


def _check_fraction(fraction: float) -> None:
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"fraction is {fraction}: it must be above 0 and at most 1.")


def _check_odds(win_rate: float, payoff: float) -> None:
    if not 0.0 <= win_rate <= 1.0:
        raise ValueError(f"win_rate is {win_rate}: it must be from 0 to 1.")
    if not payoff > 0.0:
        raise ValueError(f"payoff is {payoff}: it must be above 0.")
