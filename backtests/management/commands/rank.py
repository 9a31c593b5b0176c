"""``manage.py rank PRESET.yaml --candles 'candles/*_spot_5m_*.parquet'``: one strategy over many coins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from backtests.analysis.ranking import FIGURES, Ranking, rank
from backtests.analysis.sources import named_sources
from backtests.management.examining import add_workers, bar, shown, table, told_in_a_line, write_json
from backtests.management.times import moment
from backtests.preset import load_preset
from backtests.search.workers import Workers, nothing


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
        parser.add_argument(
            "--from", dest="since", type=moment, metavar="TIME", help="2025-01-01 or 2025-01-01T12:00, UTC"
        )
        parser.add_argument("--to", dest="until", type=moment, metavar="TIME", help="the first moment that is left out")
        parser.add_argument("--by", choices=FIGURES, default="sharpe", help="the figure to rank by (sharpe)")
        parser.add_argument("--json", dest="json_path", type=Path, metavar="OUT", help="the result as JSON")
        add_workers(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_a_line():
            preset, sources = load_preset(options["preset"]), named_sources(options["candles"])
            with (
                Workers(preset, nothing(), options["workers"], settings.STRATEGIES_DIR) as workers,
                bar(len(sources), "coins") as progress,
            ):
                found = rank(
                    preset,
                    sources,
                    workers,
                    by=options["by"],
                    since=options["since"],
                    until=options["until"],
                    store=settings.CANDLE_STORE,
                    progress=progress,
                )
            self._tell(found)
            write_json(options["json_path"], {"preset": preset.model_dump(mode="json"), **found.to_json()})

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
