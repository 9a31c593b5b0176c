"""The kinds of examination: what each asks, what it can be told, and about how many runs it needs.

One table for the commands, the API and the pages; a further kind is a further line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from backtests.analysis import examinations
from backtests.analysis.grid_system import running as grids
from backtests.analysis.grid_system.spaces import COARSE, FINE
from backtests.analysis.monte_carlo import Settings
from backtests.analysis.options import Option
from backtests.analysis.ranking import FIGURES
from backtests.analysis.robustness import USUAL_TOLERABLE_DRAWDOWN
from backtests.analysis.sensitivity import MOST_AXES, axes_of
from backtests.analysis.walk_forward import Plan
from backtests.search.definition import SearchDefinition
from backtests.search.parameters import grid_size

Asked = Mapping[str, Any]
# Of the search, which there may not be; the options; how many coins.
Estimate = Callable[[SearchDefinition | None, Asked, int], int]
# A map of two values to each side of two parameters.
_AROUND: Final = 25


class Searching(StrEnum):
    """Whether a kind wants parameters to try besides a preset."""

    NEVER = "never"
    IF_GIVEN = "if given"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Kind:
    """``name`` is that of the command. ``examine`` is one of ``backtests.analysis.examinations``: of a ``Subject``, or with
    ``many`` of ``Coins``. ``estimate`` is for progress only, ``summary`` picks from the result what a list tells of it.
    Without a preset ``preset_optional`` takes a usual one. Where pieces bring their own candles nothing is ``mapped``.
    """

    name: str
    title: str
    question: str
    examine: Callable[[Any, Asked, Any], examinations.Examined[Any]]
    estimate: Estimate
    options: tuple[Option, ...] = ()
    searching: Searching = Searching.ALWAYS
    many: bool = False
    preset_optional: bool = False
    mapped: bool = True
    summary: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda _: {}


def _picked(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: told[name] for name in names}


def _trials(definition: SearchDefinition | None) -> int:
    return 0 if definition is None else definition.trials


def _map_size(definition: SearchDefinition | None, asked: Asked) -> int:
    return 0 if definition is None else grid_size(axes_of(definition, asked["parameter"]))


def _grids(asked: Asked, coins: int) -> int:
    coarse = max(len(ranges) * len(lines) for ranges, lines in COARSE.values())
    return int(coins * (coarse + (FINE + 1) ** 2 + asked["stress_windows"]))


_plan, _usual, _grid = Plan(), Settings(), grids.Settings()
_WINDOWS = Option("windows", _plan.count, "how many windows", least=1, most=1_000)
_ANCHORED = Option("anchored", False, "train on everything since the beginning")
_SEED = Option("seed", _usual.seed, "of all chance", most=2**32 - 1)
_TOLERABLE = Option(
    "tolerable_drawdown", USUAL_TOLERABLE_DRAWDOWN, "a fraction, for the verdict", most=1.0, inside=True
)


def _histories(runs: int, reruns: int) -> tuple[Option, Option]:
    return (
        Option("runs", runs, "reckoned histories of each kind", least=1, most=1_000_000),
        Option("reruns", reruns, "runs on each kind of perturbed candles", most=100_000),
    )


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "optimise",
            "Optimisation",
            "Which parameters did best, and is that more than luck?",
            examinations.examine_search,
            lambda definition, asked, coins: _trials(definition) + _AROUND + 2 * int(asked["reruns"]),
            (*_histories(5_000, 20), _SEED, _TOLERABLE),
            summary=lambda told: {"best": told["chosen"]["best"], "failed": told["chosen"]["failed"]},
        ),
        Kind(
            "walk-forward",
            "Walk-forward",
            "Does what was best go on to earn?",
            examinations.examine_walk_forward,
            lambda definition, asked, coins: int(asked["windows"]) * (_trials(definition) + 2),
            (
                _WINDOWS,
                Option(
                    "train_share",
                    _plan.train_share,
                    "part of a window that is trained on",
                    most=1.0,
                    inside=True,
                ),
                Option("embargo_hours", 0.0, "between training and test, for what reaches across", most=100_000.0),
                _ANCHORED,
            ),
            summary=lambda told: _picked(told, "efficiency", "consistency", "out_of_sample_return"),
        ),
        Kind(
            "monte-carlo",
            "Monte Carlo",
            "What else could have come of it?",
            examinations.examine_monte_carlo,
            lambda definition, asked, coins: _trials(definition) + 2 * int(asked["reruns"]),
            (
                *_histories(_usual.runs, _usual.reruns),
                Option("noise", _usual.noise, "as a share of the market's own deviation", most=100.0),
                _SEED,
                _TOLERABLE,
            ),
            searching=Searching.IF_GIVEN,
            summary=lambda told: _picked(told, "initial", "final"),
        ),
        Kind(
            "sensitivity",
            "Sensitivity",
            "Does it hang on exact parameters?",
            examinations.examine_sensitivity,
            lambda definition, asked, coins: _map_size(definition, asked),
            (Option("parameter", (), f"an axis, as in config.grids; {MOST_AXES} at most, else the first ones"),),
            summary=lambda told: {"best": told["at"]},
        ),
        Kind(
            "robustness",
            "Robustness",
            "Is it to be believed? Everything at once, in one verdict.",
            examinations.examine_robustness,
            lambda definition, asked, coins: (
                _trials(definition) * (int(asked["windows"]) + 1)
                + 2 * int(asked["windows"])
                + _AROUND
                + 2 * int(asked["reruns"])
            ),
            (_WINDOWS, _ANCHORED, *_histories(_usual.runs, _usual.reruns), _SEED, _TOLERABLE),
            summary=lambda told: _picked(told, "best"),
        ),
        Kind(
            "rank",
            "Ranking",
            "Which coins does it earn on?",
            examinations.examine_ranking,
            lambda definition, asked, coins: coins,
            (Option("by", "sharpe", "the figure to rank by", choices=FIGURES),),
            searching=Searching.NEVER,
            many=True,
            mapped=False,
            summary=lambda told: {
                "coins": len(told["ranking"]),
                "first": told["ranking"][0]["name"],
                **_picked(told, "profitable", "mean_correlation"),
            },
        ),
        Kind(
            "grid-system",
            "Grid system",
            "Which grid is right for a coin?",
            examinations.examine_grids,
            lambda definition, asked, coins: _grids(asked, coins),
            (
                Option("objective", _grid.objective, "what a grid is chosen by", choices=grids.OBJECTIVES),
                Option("fewest_trades", _grid.fewest_trades, "a grid must have made"),
                Option("stress_days", _grid.storm_days, "length of a stress window", most=3_650.0, inside=True),
                Option("stress_windows", _grid.storms, "how many stress windows", most=100),
            ),
            searching=Searching.NEVER,
            many=True,
            preset_optional=True,
            summary=lambda told: {
                "coins": len(told["coins"]),
                "with_preset": sum(coin["preset"] is not None for coin in told["coins"]),
                "failed": len(told["failed"]),
            },
        ),
    )
}
