"""``manage.py rank PRESET.yaml --candles 'candles/*_spot_5m_*.parquet'``: one strategy over many coins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backtests.analysis.kinds import KINDS
from backtests.analysis.ranking import FIGURES, Ranking
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
    help = (
        "Runs one preset on many coins and ranks them; prices are not rounded, for increments differ from coin to coin."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("preset", type=Path)
        parser.add_argument(
            "--candles",
            nargs="+",
            required=True,
            help="files, patterns of files ('*_spot_5m_*.parquet'), series of the store",
        )
        add_period(parser)
        add_options(parser, KINDS["rank"])
        parser.add_argument("--json", dest="json_path", type=Path, metavar="OUT", help="the result as JSON")
        add_workers(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        kind = KINDS["rank"]
        # No search is made, so no trials are kept.
        with told_in_a_line(), own_runs(options, Path()) as runs:
            examined = kind.examine(coins_of(load_preset(options["preset"]), options), asked_of(kind, options), runs)
            self._tell(examined.found)
            write_json(options["json_path"], examined.contents)

    def _tell(self, found: Ranking) -> None:
        rows = [["coin", *FIGURES, "buy and hold"]]
        rows += [
            [each.name, *(shown(each.measures[name]) for name in FIGURES), shown(each.held)]
            for each in found.run
            if each.measures is not None
        ]
        self.stdout.write(table(rows))
        median = found.distribution().get(found.by, {}).get("50")
        self.stdout.write(
            f"{100 * found.profitable:.0f} % of {len(found.run)} coins earned something; median {found.by} {shown(median)}; "
            f"mean correlation of their days {shown(found.mean_correlation)}"
        )
        for each in found.entries:
            if each.measures is None:
                self.stderr.write(f"{each.name} could not be run: {each.error}")
