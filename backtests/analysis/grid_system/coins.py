"""The grid system over many coins: the preset that each one's search begins with, and what could not be searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from backtests.analysis.grid_system.running import GridSystem, Settings, grid_system
from backtests.analysis.ranking import of_coin
from backtests.analysis.runs import Market, Runs
from backtests.analysis.sources import NamedSource
from backtests.preset import Preset, preset_of
from exchange.candles.files import Candles

USUAL_TIMEFRAME: Final = "5m"
# Those of an account without a discount, on Bybit and on Binance.
FEES: Final = {"spot": {"maker": "0.001", "taker": "0.001"}, "linear": {"maker": "0.0002", "taker": "0.00055"}}
USUAL_INVESTMENT: Final = 10_000

Load = Callable[[NamedSource, Preset], Candles]


@dataclass(frozen=True, slots=True)
class GridSystems:
    """``failed`` says of each coin that could not be searched why not."""

    coins: tuple[tuple[NamedSource, GridSystem], ...]
    failed: tuple[tuple[NamedSource, str], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "coins": [{"source": source.source, **found.to_json()} for source, found in self.coins],
            "failed": [{"name": source.name, "source": source.source, "error": error} for source, error in self.failed],
        }


def grid_systems(
    base: Preset | None, sources: Sequence[NamedSource], load: Load, settings: Settings, runs: Runs
) -> GridSystems:
    """``base`` is a grid's preset for all but the coin; without one it is :func:`usual_preset`. Raises ``ValueError`` when
    no coin could be searched."""
    answers = runs.together([partial(_one, base, source, load, settings, runs) for source in sources])
    found = [(source, each) for source, each in zip(sources, answers, strict=True) if isinstance(each, GridSystem)]
    failed = [(source, each) for source, each in zip(sources, answers, strict=True) if isinstance(each, str)]
    if not found:
        raise ValueError(f"a grid could be searched for none of these coins; {failed[0][0].name}: {failed[0][1]}")
    return GridSystems(tuple(found), tuple(failed))


def _one(base: Preset | None, source: NamedSource, load: Load, settings: Settings, runs: Runs) -> GridSystem | str:
    try:
        preset = preset_for(base, source)
        return grid_system(source.name, preset, Market(source.source, load(source, preset)), settings, runs)
    except ValueError as error:
        return str(error)


def preset_for(base: Preset | None, source: NamedSource) -> Preset:
    return usual_preset(source) if base is None else of_coin(base, source.symbol)


def usual_preset(source: NamedSource) -> Preset:
    """A grid with usual fees and settings, on the market that the candles' name says. Its prices are not rounded."""
    return preset_of(
        {
            "symbol": source.symbol,
            "market": source.kind,
            "timeframe": source.timeframe or USUAL_TIMEFRAME,
            "strategy": "grid",
            "config": {
                "direction": "long",
                "range_percent": 10,
                "grids": 20,
                "investment": USUAL_INVESTMENT,
                "on_range_left": "recentre",
            },
            "initial_balance": USUAL_INVESTMENT,
            "fees": FEES[source.kind],
            "slippage": "0.0002",
            "fill": "through",
        }
    )
