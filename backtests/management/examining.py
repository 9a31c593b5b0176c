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

from backtests.analysis.examinations import Coins, Examined
from backtests.analysis.kinds import KINDS, Kind
from backtests.analysis.options import read_options
from backtests.analysis.runs import OwnRuns
from backtests.analysis.sources import NamedSource, named_sources
from backtests.analysis.subject import Subject, load_subject
from backtests.data import load_candles
from backtests.preset import Preset
from backtests.search.definition import SearchDefinition
from backtests.search.running import Progress, identity_of
from backtests.search.store import TrialStore
from backtests.search.workers import Workers, usual_workers
from backtests.statistics.verdict import Verdict
from exchange.candles.files import Candles
from exchange.management.times import add_period


class ExaminingCommand(BaseCommand):
    """A subclass writes ``examine``; what it raises as ``ValueError`` or ``OSError`` is told in one line and exits with 1.

    ``kind`` names the line of the table whose options it takes.
    """

    requires_system_checks = []
    subject_help = "a search file, or a preset"
    kind: str | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", type=Path, metavar="SEARCH_OR_PRESET", help=self.subject_help)
        parser.add_argument("--candles", help="a candle file, a series of the store, or synthetic:NAME")
        add_period(parser)
        parser.add_argument("--json", dest="json_path", type=Path, metavar="OUT", help="the result as JSON")
        add_workers(parser)
        parser.add_argument(
            "--trials", type=Path, metavar="FOLDER", help="where trials are kept (SEARCH.trials, beside the search)"
        )
        if self.kind is not None:
            add_options(parser, KINDS[self.kind])

    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_a_line():
            self.examine(load(options), options)

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def examined(self, subject: Subject, options: Mapping[str, Any]) -> Examined[Any]:
        """By the function of the table, on processes of this computer."""
        assert self.kind is not None
        kind = KINDS[self.kind]
        with own_runs(options, trials_folder(options)) as runs:
            return kind.examine(subject, asked_of(kind, options), runs)

    def tell_examined(self, subject: Subject, examined: Examined[Any], options: Mapping[str, Any]) -> None:
        """The verdict, and the result as JSON."""
        if examined.verdict is not None:
            self.tell_verdict(examined.verdict)
        write_json(options["json_path"], {"subject": subject.name, **examined.contents})

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


def coins_of(preset: Preset | None, options: Mapping[str, Any]) -> Coins:
    """The sources of ``--candles``, in the period of ``--from`` and ``--to``."""
    since, until, store = options["since"], options["until"], settings.CANDLE_STORE

    def load_one(source: NamedSource, preset: Preset) -> Candles:
        return load_candles(
            source.source, timeframe=preset.timeframe, since=since, until=until, gaps=preset.gaps, store=store
        )[0]

    return Coins(preset, tuple(named_sources(options["candles"])), load_one, since, until, store)


def own_runs(options: Mapping[str, Any], trials: Path) -> OwnRuns:
    return OwnRuns(trials, options["workers"], settings.STRATEGIES_DIR, bar)


def add_options(parser: CommandParser, kind: Kind) -> None:
    """Each option of the table as a flag. Its value is read where it is for the API too (:func:`asked_of`)."""
    for option in kind.options:
        flag = f"--{option.name.replace('_', '-')}"
        match option.default:
            case bool():
                parser.add_argument(flag, action="store_true", help=option.help)
            case tuple():
                parser.add_argument(flag, action="append", default=[], metavar="PATH", help=option.help)
            case _:
                told = (
                    f"{option.help} ({option.default:g})" if option.is_number else f"{option.help} ({option.default})"
                )
                parser.add_argument(flag, default=option.default, choices=option.choices or None, help=told)


def asked_of(kind: Kind, options: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ``ValueError`` with everything that is wrong."""
    found, problems = read_options(kind.options, {each.name: options[each.name] for each in kind.options})
    if problems:
        told = (each.message.replace(each.field, f"--{each.field.replace('_', '-')}", 1) for each in problems)
        raise ValueError("\n".join(told))
    return found


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
