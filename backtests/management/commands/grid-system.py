"""``manage.py grid-system --candles FILE…``: a grid for each coin, from its class to a preset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backtests.analysis.grid_system.running import TOLD, GridSystem
from backtests.analysis.kinds import KINDS
from backtests.analysis.sources import NamedSource
from backtests.management.examining import (
    add_options,
    add_workers,
    asked_of,
    coins_of,
    own_runs,
    shown,
    table,
    told_in_a_line,
    write_json,
)
from backtests.preset import load_preset
from exchange.management.times import add_period


class Command(BaseCommand):
    help = "Classifies coins, searches a grid for each, tests it on the coin's worst weeks, and writes presets."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "base", nargs="?", type=Path, metavar="PRESET", help="a grid's preset, for all but the coin"
        )
        parser.add_argument("--candles", nargs="+", required=True, help="files, patterns of files, series of the store")
        add_period(parser)
        add_options(parser, KINDS["grid-system"])
        parser.add_argument("--json", dest="json_path", type=Path, metavar="OUT", help="the report as JSON")
        parser.add_argument("--presets", type=Path, metavar="FOLDER", help="a preset for each coin (YAML)")
        parser.add_argument(
            "--trials", type=Path, default=Path("grid-system.trials"), metavar="FOLDER", help="where trials are kept"
        )
        add_workers(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        kind = KINDS["grid-system"]
        with told_in_a_line(), own_runs(options, options["trials"]) as runs:
            base = load_preset(options["base"]) if options["base"] else None
            examined = kind.examine(coins_of(base, options), asked_of(kind, options), runs)
            for source, error in examined.found.failed:
                self.stderr.write(f"{source.name}: {error}")
            for source, found in examined.found.coins:
                self._tell(found)
                self._write_preset(source, found, options)
            write_json(options["json_path"], examined.contents)

    def _write_preset(self, source: NamedSource, found: GridSystem, options: Mapping[str, Any]) -> None:
        if options["presets"] is None or found.preset is None:
            return
        options["presets"].mkdir(parents=True, exist_ok=True)
        path = options["presets"] / f"{source.exchange}-{source.symbol.lower()}-{source.kind}-grid.yaml"
        path.write_text(found.preset.to_yaml(), encoding="utf-8")
        self.stdout.write(f"written as {path}")

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


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
