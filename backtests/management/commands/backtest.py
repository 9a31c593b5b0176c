"""``manage.py backtest``: a preset over candles, from the shell to the figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backtests.portfolio.preset import is_portfolio
from backtests.preset import Preset, PresetInvalid, load_preset
from exchange.management.times import add_period

if TYPE_CHECKING:
    from backtests.data import DataReport
    from backtests.outcome import Outcome
    from backtests.portfolio.outcome import PortfolioOutcome
    from exchange.candles.files import Candles

STDOUT: Final = "-"
MINUTE_MS: Final = 60_000


class Command(BaseCommand):
    help = (
        "Runs a preset, or a portfolio of bots, over candles and tells what came of it (docs/backtesting/running.md)."
    )
    # Nothing of the database is looked at.
    requires_system_checks: list[str] = []
    # Called from the shell, not by other code: the process may begin anew.
    owns_process = False

    def run_from_argv(self, argv: list[str]) -> None:
        self.owns_process = True
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("preset", type=Path, help="a YAML file (docs/backtesting/presets.md)")
        parser.add_argument(
            "--candles",
            required=True,
            action="append",
            metavar="FILE_OR_STORE",
            help="a Parquet or CSV file, a series of the store (bybit/linear/ETHUSDT), or synthetic:NAME; for a portfolio "
            "SYMBOL=FILE_OR_STORE for each symbol, or an exchange of the store (bybit)",
        )
        add_period(parser, "where trading begins, after what lies before as warm-up", "where it ends, exclusive")
        parser.add_argument("--json", metavar="OUT", help="writes the whole result; - for standard output")
        parser.add_argument("--html", metavar="OUT", type=Path, help="writes a report to look at")

    def handle(
        self,
        *args: Any,
        preset: Path,
        candles: list[str],
        since: int | None,
        until: int | None,
        json: str | None,
        html: Path | None,
        **_: Any,
    ) -> None:
        if since is not None and until is not None and until <= since:
            raise CommandError("--to must be later than --from.")
        for out in (json if json != STDOUT else None, html):
            if out is not None and not Path(out).absolute().parent.is_dir():
                raise CommandError(f"{out} cannot be written: there is no folder {Path(out).absolute().parent}.")
        if is_portfolio(preset):
            self._tell_portfolio(self._portfolio(preset, candles, since, until), json, html)
            return
        if len(candles) > 1:
            raise CommandError("--candles stands once for a preset of one bot; a portfolio has a list of bots.")
        try:
            chosen = load_preset(preset)
        except PresetInvalid as error:
            raise CommandError(str(error)) from error
        self._compile_apart([chosen])
        found, report = self._candles(chosen, candles[0], since, until)
        outcome = self._run(chosen, found, report, since)
        from backtests.outcome_json import write_json

        self._write_json(lambda out: write_json(outcome, out), json)
        if html is not None:
            from backtests.reports.html import write_html

            write_html(outcome, html)
        if json != STDOUT:
            from backtests.outcome_text import lines

            self.stdout.write("\n".join(lines(outcome)))

    def _compile_apart(self, presets: Sequence[Preset]) -> None:
        if self.owns_process:
            from backtests.machine_code import compile_apart

            compile_apart(presets)

    def _portfolio(self, path: Path, candles: list[str], since: int | None, until: int | None) -> PortfolioOutcome:
        from backtests.portfolio.loading import load_all, sources_of
        from backtests.portfolio.preset import load_portfolio
        from backtests.portfolio.running import portfolio_back_test

        try:
            portfolio = load_portfolio(path)
            self._compile_apart([bot.preset for bot in portfolio.bots])
            found, reports = load_all(
                portfolio, sources_of(portfolio, candles), since=since, until=until, store=settings.CANDLE_STORE
            )
            with _progress_in_time(found) as progress:
                return portfolio_back_test(portfolio, found, begin=since, data_reports=reports, progress=progress)
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _tell_portfolio(self, outcome: PortfolioOutcome, json: str | None, html: Path | None) -> None:
        from backtests.portfolio.outcome_json import write_json
        from backtests.portfolio.outcome_text import lines

        self._write_json(lambda out: write_json(outcome, out), json)
        if html is not None:
            from backtests.portfolio.report import write_html

            write_html(outcome, html)
        if json != STDOUT:
            self.stdout.write("\n".join(lines(outcome)))

    def _candles(self, preset: Preset, source: str, since: int | None, until: int | None) -> tuple[Candles, DataReport]:
        from backtests.data import load_candles
        from backtests.warm_up import warm_up_ms
        from exchange.candles.files import CandleFileError
        from strategies.registry import get_strategy

        before = 0 if since is None else warm_up_ms(get_strategy(preset.strategy), preset.strategy_config)
        try:
            return load_candles(
                source,
                timeframe=preset.timeframe,
                since=None if since is None else since - before,
                until=until,
                gaps=preset.gaps,
                store=settings.CANDLE_STORE,
            )
        except CandleFileError as error:
            raise CommandError(str(error)) from error

    def _run(self, preset: Preset, candles: Candles, report: DataReport, since: int | None) -> Outcome:
        from backtests.running import back_test
        from strategies import registry
        from strategies.user_files import problem_of

        own = registry.source_of(preset.strategy)
        try:
            begin = 0 if since is None else int(candles.timestamp.searchsorted(since))
            with _progress(len(candles) - begin) as progress:
                return back_test(preset, candles, begin=since, data_report=report, progress=progress)
        except PresetInvalid as error:
            raise CommandError(str(error)) from error
        except Exception as error:
            if own is not None:
                raise CommandError(str(problem_of(own, error))) from error
            if isinstance(error, ValueError):
                raise CommandError(str(error)) from error
            raise  # a fault of the program itself is shown whole

    def _write_json(self, write: Callable[[BinaryIO], None], target: str | None) -> None:
        if target is None:
            return
        if target == STDOUT:
            write(sys.stdout.buffer)
            return
        try:
            with Path(target).open("wb") as out:
                write(out)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error}") from error


@contextmanager
def _progress(total: int, unit: str = "candles") -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error where somebody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit=f" {unit}", unit_scale=True, leave=False) as bar:

        def told(done: int) -> None:
            bar.update(done - bar.n)

        yield told


@contextmanager
def _progress_in_time(candles: list[Candles]) -> Iterator[Callable[[int], None] | None]:
    """The same for several markets, by the minutes that they have gone through."""
    first, last = min(int(each.timestamp[0]) for each in candles), max(int(each.timestamp[-1]) for each in candles)
    with _progress((last - first) // MINUTE_MS, "minutes") as told:
        yield None if told is None else lambda time: told((time - first) // MINUTE_MS)
