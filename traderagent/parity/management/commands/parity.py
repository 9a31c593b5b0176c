"""``manage.py parity``: a preset through the whole live stack and through the back-test. Exit code 1 on a difference.

The command starts a PostgreSQL and a Redis of its own and calls itself again on them; a database of anybody's is
neither needed nor touched.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchange.management.times import add_period
from traderagent.embedded.home import PROJECT
from traderagent.parity.errors import ParityError

if TYPE_CHECKING:
    from backtests.preset import Preset


class Command(BaseCommand):
    requires_system_checks = []  # this process, without applications, only starts the one that has them
    help = "Runs a preset through the whole live stack and through the back-test, and tells what differs. Exit code 1 then."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("preset", type=Path, help="what a back-test is made of, as YAML")
        parser.add_argument("--candles", required=True, help="file of candles, series of the store or synthetic:NAME")
        parser.add_argument("--history", help="file of longer candles, for what the strategy looks back at before that")
        add_period(parser, "the first candle", "the end; the candle that opens there is none of them")
        parser.add_argument("--json", dest="out", type=Path, help="write the comparison to this file too")
        parser.add_argument(
            "--in-process", action="store_true", help="tick in the command itself and not in a Celery worker: quicker"
        )
        parser.add_argument(
            "--here",
            action="store_true",
            help="use the configured database and Redis, which must hold nothing that matters, and no own ones",
        )

    def handle(self, *args: Any, here: bool, **options: Any) -> None:
        out: Path | None = options["out"]
        if out is not None and not out.absolute().parent.is_dir():
            raise CommandError(f"{out} cannot be written: there is no folder {out.absolute().parent}.")
        try:
            if here:
                self._compare(**options)
            else:
                _read(options["preset"])  # what is wrong with it is told before anything is started
                self._on_own_services()
        except ParityError as error:
            raise CommandError(str(error)) from error

    def _on_own_services(self) -> None:
        from traderagent.parity.services import own_services

        arguments = [*sys.argv[1:], "--here", "--settings=traderagent.settings"]
        with own_services() as environment:
            done = subprocess.run(
                [sys.executable, str(PROJECT / "manage.py"), *arguments], env=environment, check=False
            )
        if done.returncode:
            sys.exit(done.returncode)

    def _compare(
        self,
        preset: Path,
        candles: str,
        history: str | None,
        since: int | None,
        until: int | None,
        out: Path | None,
        in_process: bool,
        **_: Any,
    ) -> None:
        import os

        from django.core.management import call_command

        from backtests.data import load_candles
        from exchange.candles.files import CandleFileError
        from traderagent.parity.history import with_history
        from traderagent.parity.live import tick_here
        from traderagent.parity.running import compare
        from traderagent.parity.services import own_worker
        from traderagent.parity.tasks import tick_by_worker
        from traderagent.parity.telling import lines_of

        read = _read(preset)
        try:
            found, _report = load_candles(candles, timeframe=read.timeframe, gaps="fill")
            if history:
                name = Path(history)
                longer, report = load_candles(history, timeframe=_timeframe_of(name))
                found = with_history(found, read.timeframe, longer, report.timeframe)
        except CandleFileError as error:
            raise CommandError(str(error)) from error
        call_command("migrate", interactive=False, verbosity=0)
        with ExitStack() as stack:
            if not in_process:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="traderagent-parity-")))
                stack.enter_context(own_worker(os.environ, folder))
            result = compare(
                read,
                found,
                since=int(_report.first) if since is None else since,
                until=int(_report.last) if until is None else until,
                tick=tick_here if in_process else tick_by_worker,
                progress=self._progress if sys.stderr.isatty() else None,
            )
        if out is not None:
            out.write_text(json.dumps(result.as_json(), indent=2), encoding="utf-8")
        for line in lines_of(result):
            self.stdout.write(line)
        if result.differences:
            sys.exit(1)

    def _progress(self, points: int) -> None:
        if points % 100 == 0:
            self.stderr.write(f"\r{points} points", ending="")


def _read(path: Path) -> Preset:
    from backtests.preset import PresetInvalid, load_preset

    try:
        return load_preset(path)
    except PresetInvalid as error:
        raise CommandError(str(error)) from error


def _timeframe_of(path: Path) -> str:
    from exchange.candles.files import describe_file

    file = describe_file(path)
    if file is None:
        raise CommandError(f"{path.name} does not tell its timeframe: name it as bybit_BTCUSDT_linear_15m.parquet")
    return file.timeframe
