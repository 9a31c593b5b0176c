"""What the commands that run many back-tests have in common: arguments, progress, files, the way to stop."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from backtests.analysis.subject import Subject, load_subject
from backtests.management.times import moment
from backtests.preset import Preset
from backtests.search.definition import SearchDefinition
from backtests.search.evaluation import Period
from backtests.search.running import Progress, identity_of
from backtests.search.store import TrialStore
from backtests.search.workers import Workers, usual_workers
from backtests.statistics.verdict import Verdict
from exchange.candles.files import Candles


class ExaminingCommand(BaseCommand):
    """A subclass writes ``examine``; what it raises as ``ValueError`` or ``OSError`` is told in one line and exits with 1."""

    requires_system_checks = []
    subject_help = "a search file, or a preset"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", type=Path, metavar="SEARCH_OR_PRESET", help=self.subject_help)
        parser.add_argument("--candles", help="a candle file, a series of the store, or synthetic:NAME")
        parser.add_argument(
            "--from", dest="since", type=moment, metavar="TIME", help="2025-01-01 or 2025-01-01T12:00, UTC"
        )
        parser.add_argument("--to", dest="until", type=moment, metavar="TIME", help="the first moment that is left out")
        parser.add_argument("--json", dest="json_path", type=Path, metavar="OUT", help="the result as JSON")
        add_workers(parser)
        parser.add_argument(
            "--trials", type=Path, metavar="FOLDER", help="where trials are kept (SEARCH.trials, beside the search)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_a_line():
            self.examine(load(options), options)

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        raise NotImplementedError

    @contextmanager
    def trials_of(
        self, definition: SearchDefinition, preset: Preset, candles: Candles, options: Mapping[str, Any]
    ) -> Iterator[TrialStore]:
        """The file of a search over all candles: another search has another one, so that nothing is overwritten."""
        identity, parts = identity_of(definition, preset, candles)
        with TrialStore(
            trials_folder(options) / f"{identity[:16]}.sqlite", identity=identity, definition=parts
        ) as store:
            yield store

    def tell_verdict(self, verdict: Verdict) -> None:
        self.stdout.write(f"\n{verdict.level.value.upper()}: {verdict.sentence}")
        for finding in verdict.findings:
            self.stdout.write(f"  {finding.level.value:<9} {finding.sentence}")
        if verdict.missing:
            self.stdout.write(f"  not examined: {', '.join(verdict.missing).replace('_', ' ')}")


def add_workers(parser: CommandParser) -> None:
    count = usual_workers()
    parser.add_argument("--workers", type=int, default=count, help=f"processes ({count}, as there are processors)")


def load(options: Mapping[str, Any]) -> Subject:
    if options["workers"] < 1:
        raise ValueError(f"--workers is {options['workers']}: one at least")
    return load_subject(
        options["subject"],
        candles=options["candles"],
        since=options["since"],
        until=options["until"],
        store=settings.CANDLE_STORE,
    )


def workers_for(subject: Subject, options: Mapping[str, Any], preset: Preset | None = None) -> Workers:
    return Workers(preset or subject.preset, subject.candles, options["workers"], settings.STRATEGIES_DIR)


def trials_folder(options: Mapping[str, Any]) -> Path:
    subject: Path = options["subject"]
    folder: Path | None = options["trials"]
    return folder or subject.with_suffix(".trials")


def period_file(definition: SearchDefinition, subject: Subject, options: Mapping[str, Any], period: Period) -> Path:
    identity, _ = identity_of(definition, subject.preset, subject.candles, period)
    return trials_folder(options) / f"{identity[:16]}.sqlite"


@contextmanager
def bar(total: int, unit: str) -> Iterator[Progress]:
    """A progress bar with the time left, on standard error, when that is a terminal."""
    with tqdm(total=total, unit=f" {unit}", file=sys.stderr, disable=not sys.stderr.isatty()) as shown:

        def progress(count: int) -> None:
            shown.update(count)

        yield progress


@contextmanager
def told_in_a_line() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            "Stopped. What is done is kept: the same command goes on from there.", returncode=130
        ) from None
    except (ValueError, OSError) as error:
        raise CommandError(str(error)) from error


def write_json(path: Path | None, result: Mapping[str, Any]) -> None:
    if path is not None:
        path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def table(rows: list[list[str]]) -> str:
    """Columns of equal width, the first row being their names; numbers stand right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def shown(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.6g}"
