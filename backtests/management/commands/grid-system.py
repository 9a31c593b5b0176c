"""``manage.py grid-system --candles FILE…``: a grid for each coin, from its class to a preset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from backtests.analysis.grid_system.running import OBJECTIVES, TOLD, GridSystem, Settings, grid_system
from backtests.analysis.ranking import of_coin
from backtests.analysis.sources import NamedSource, named_sources
from backtests.data import load_candles
from backtests.management.examining import add_workers, bar, shown, table, told_in_a_line, write_json
from backtests.management.times import moment
from backtests.preset import Preset, load_preset, preset_of
from backtests.search.workers import Workers

USUAL_TIMEFRAME: Final = "5m"
# Those of an account without a discount, on Bybit and on Binance.
FEES: Final = {"spot": {"maker": "0.001", "taker": "0.001"}, "linear": {"maker": "0.0002", "taker": "0.00055"}}
USUAL_INVESTMENT: Final = 10_000


class Command(BaseCommand):
    help = "Classifies coins, searches a grid for each, tests it on the coin's worst weeks, and writes presets."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        usual = Settings()
        parser.add_argument(
            "base", nargs="?", type=Path, metavar="PRESET", help="a grid's preset, for all but the coin"
        )
        parser.add_argument("--candles", nargs="+", required=True, help="files, patterns of files, series of the store")
        parser.add_argument(
            "--from", dest="since", type=moment, metavar="TIME", help="2025-01-01 or 2025-01-01T12:00, UTC"
        )
        parser.add_argument("--to", dest="until", type=moment, metavar="TIME", help="the first moment that is left out")
        parser.add_argument("--objective", choices=OBJECTIVES, default=usual.objective, help=f"({usual.objective})")
        parser.add_argument(
            "--fewest-trades",
            type=int,
            default=usual.fewest_trades,
            help=f"a grid must have made ({usual.fewest_trades})",
        )
        parser.add_argument(
            "--stress-days",
            type=float,
            default=usual.storm_days,
            help=f"length of a stress window ({usual.storm_days:g})",
        )
        parser.add_argument("--stress-windows", type=int, default=usual.storms, help=f"how many ({usual.storms})")
        parser.add_argument("--json", dest="json_path", type=Path, metavar="OUT", help="the report as JSON")
        parser.add_argument("--presets", type=Path, metavar="FOLDER", help="a preset for each coin (YAML)")
        parser.add_argument(
            "--trials", type=Path, default=Path("grid-system.trials"), metavar="FOLDER", help="where trials are kept"
        )
        add_workers(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_a_line():
            asked = Settings(
                options["objective"], options["fewest_trades"], options["stress_days"], options["stress_windows"]
            )
            found = []
            for source in named_sources(options["candles"]):
                try:
                    found.append(self._one(source, asked, options))
                except ValueError as error:
                    self.stderr.write(f"{source.name}: {error}")
            if not found:
                raise ValueError("a grid could be searched for none of these coins")
            write_json(options["json_path"], {"coins": [each.to_json() for each in found]})

    def _one(self, source: NamedSource, asked: Settings, options: Mapping[str, Any]) -> GridSystem:
        base = load_preset(options["base"]) if options["base"] else usual_preset(source)
        preset = of_coin(base, source.symbol) if options["base"] else base
        if preset.strategy != "grid":
            raise ValueError(f"strategy is {preset.strategy}: the grid system searches presets of strategy grid")
        candles, _ = load_candles(
            source.source,
            timeframe=preset.timeframe,
            since=options["since"],
            until=options["until"],
            gaps=preset.gaps,
            store=settings.CANDLE_STORE,
        )
        with (
            Workers(preset, candles, options["workers"], settings.STRATEGIES_DIR) as workers,
            bar(0, f"trials of {source.name}") as progress,
        ):
            found = grid_system(source.name, preset, candles, workers, options["trials"], asked, progress)
        self._tell(found)
        if options["presets"] is not None and found.preset is not None:
            options["presets"].mkdir(parents=True, exist_ok=True)
            path = options["presets"] / f"{source.exchange}-{source.symbol.lower()}-{source.kind}-grid.yaml"
            path.write_text(found.preset.to_yaml(), encoding="utf-8")
            self.stdout.write(f"written as {path}")
        return found

    def _tell(self, found: GridSystem) -> None:
        coin = found.classified
        self.stdout.write(
            f"\n{found.name}: {coin.coin_class}, it moves {100 * coin.movement:.2f} % in four hours, {coin.turnover:,.0f} a day, "
            f"largest gap {100 * coin.gap:.2f} % ({coin.because})"
        )
        if found.best is None or found.best.measures is None:
            self.stdout.write(f"none of {found.coarse} grids traded often enough")
            return
        parameters = ", ".join(f"{path} {value}" for path, value in found.best.parameters.items())
        self.stdout.write(f"best of {found.coarse} coarse and {found.fine} fine grids: {parameters}")
        rows = [["period", "range", "change", *TOLD]]
        rows.append(["all", "", "", *(shown(found.best.measures[name]) for name in TOLD)])
        for each in found.stressed:
            measures = each.trial.measures or {}
            rows.append(
                [
                    f"{_day(each.storm.period.begin)} – {_day(each.storm.period.end)}",
                    f"{100 * each.storm.moved:.1f} %",
                    f"{100 * each.storm.change:.1f} %",
                    *(shown(measures.get(name)) for name in TOLD),
                ]
            )
        self.stdout.write(table(rows))


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


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
