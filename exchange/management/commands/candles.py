"""``manage.py candles``: fills the candle store and says what is in it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from exchange.candles.files import CandleFileError
from exchange.candles.history import Downloaded, download_series
from exchange.candles.importing import Imported, find_files, import_file, key_of
from exchange.candles.merging import Merged
from exchange.candles.resampling import resample_series
from exchange.candles.series import Gap, SeriesKey, utc
from exchange.candles.store import CandleStore
from exchange.candles.synthetic import DEFAULT_START, synthetic_market
from exchange.encryption import require_encryption_key
from exchange.errors import ExchangeError
from exchange.gateway_config import GatewayConfig
from exchange.management.times import WRITTEN, moment
from exchange.models import ExchangeAccount

_PARTS = ("exchange", "kind", "symbol", "timeframe")
SHOWN_GAPS = 20


class Command(BaseCommand):
    help = "Keeps candles: download, import, resample, synthetic; says what there is: list, gaps. See docs/candles.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--store", default=settings.CANDLE_STORE, help="directory or URL (default: CANDLE_STORE)")
        parser.add_argument("--json", action="store_true", help="answer with JSON, without progress bars")
        actions = parser.add_subparsers(dest="action", required=True)

        download = actions.add_parser("download", help="from an exchange; goes on where the last one ended")
        download.add_argument("symbols", nargs="+", help="ETH/USDT (spot), ETH/USDT:USDT (linear) …")
        download.add_argument("--timeframe", default="1m")
        download.add_argument(
            "--since",
            type=moment,
            metavar="TIME",
            required=True,
            help=WRITTEN,
        )
        download.add_argument(
            "--until",
            type=moment,
            metavar="TIME",
            default=sys.maxsize,
            help="up to but not with this time; the newest closed candle if left out",
        )
        source = download.add_mutually_exclusive_group()
        source.add_argument("--exchange", default="bybit", help="ccxt's id; its public data, without keys")
        source.add_argument("--account", help="an exchange account's name, for its environment")

        importing = actions.add_parser("import", help="CSV (.csv, .csv.gz, .zip) and Parquet files, each once")
        importing.add_argument("paths", nargs="+", help="files, directories or patterns")
        for part in _PARTS:
            importing.add_argument(f"--{part}", help=f"the {part}, where the files' names do not say it")
        importing.add_argument("--again", action="store_true", help="also files that were imported and did not change")

        gaps = actions.add_parser("gaps", help="every stretch without candles between two with")
        gaps.add_argument("series", nargs="*", help="bybit/linear/ETHUSDT/1m …; everything if left out")

        resample = actions.add_parser("resample", help="longer candles out of shorter ones")
        resample.add_argument("series", nargs="+", help="bybit/linear/ETHUSDT/1m …")
        resample.add_argument("--to", required=True, nargs="+", help="timeframes, such as 5m 1h 1d")
        resample.add_argument("--only-complete", action="store_true", help="leave periods out that lack a candle")

        synthetic = actions.add_parser("synthetic", help="one-minute candles of a market that never was, by a seed")
        synthetic.add_argument("symbols", nargs="+", help="ETHUSDT …")
        synthetic.add_argument("--days", type=int, default=30)
        synthetic.add_argument("--seed", type=int, default=7)
        synthetic.add_argument(
            "--since",
            type=moment,
            metavar="TIME",
            default=DEFAULT_START,
            help=f"first candle; {utc(DEFAULT_START)} UTC if left out",
        )

        actions.add_parser("list", help="series, from when to when, how many candles")

    def handle(self, *args: Any, **options: Any) -> None:
        self._json: bool = options["json"]
        try:
            store = CandleStore(options["store"])
            answer = getattr(self, f"_{options['action']}")(store, options)
        except (CandleFileError, ValueError) as error:
            raise CommandError(str(error)) from error
        except ExchangeError as error:
            raise CommandError(error.detail) from error
        if self._json:
            self.stdout.write(json.dumps(answer, indent=2))

    # --- Filling -------------------------------------------------------------------------------------------------

    def _download(self, store: CandleStore, options: dict[str, Any]) -> list[dict[str, Any]]:
        from exchange.gateways import gateway_for

        config = _config(options)
        gateway = gateway_for(config)
        since, until = options["since"], options["until"]
        answers = []
        with store.claimed():
            for symbol in options["symbols"]:
                key = SeriesKey.of_market(config.exchange_id, config.environment, symbol, options["timeframe"])
                lacking = sum(
                    gap.count for gap in store.missing(key, since, min(until, gateway.ticker(symbol).timestamp))
                )
                with self._bar(total=lacking, unit=" candles", desc=str(key)) as bar:
                    done = download_series(
                        gateway, store, key=key, symbol=symbol, since=since, until=until, progress=bar.update
                    )
                answers.append({"series": str(key), **_downloaded(done)})
                self._say(
                    f"{key}: {done.merged.added:,} new candles in {done.requests:,} requests"
                    + (f"; the exchange has none of {_gaps_in_words(done.still_missing)}" if done.still_missing else "")
                )
        return answers

    def _import(self, store: CandleStore, options: dict[str, Any]) -> dict[str, Any]:
        files = find_files(options["paths"])
        given = {part: options[part] for part in _PARTS}
        keys = {path: key_of(path, given) for path in files}  # all names are looked at before anything is written
        done: list[Imported] = []
        size = sum(path.stat().st_size for path in files)
        with store.claimed(), self._bar(total=size, unit="B", unit_scale=True, desc="importing") as bar:
            for path in files:
                bar.set_postfix_str(path.name, refresh=False)
                done.append(import_file(store, path, keys[path], again=options["again"], progress=bar.update))
        merged = sum((item.merged for item in done), Merged())
        skipped = sum(item.skipped for item in done)
        self._say(
            f"{_count(len(done) - skipped, 'file')} imported, {skipped} skipped (imported before): {merged.added:,} new candles, "
            f"{merged.same:,} known already, {merged.changed:,} replaced by other numbers"
        )
        for item in done:
            if item.merged.changed:
                self._say(f"{item.path}: {item.merged.changed:,} candles had other numbers in the store before")
        return {
            "files": [
                {"file": str(item.path), "series": str(item.key), "skipped": item.skipped, **asdict(item.merged)}
                for item in done
            ],
            "skipped": skipped,
            **asdict(merged),
        }

    def _resample(self, store: CandleStore, options: dict[str, Any]) -> list[dict[str, Any]]:
        answers = []
        with store.claimed():
            for source in map(_series, options["series"]):
                for timeframe in options["to"]:
                    target = SeriesKey(source.exchange, source.kind, source.symbol, timeframe)
                    done = resample_series(store, source, target, only_complete=options["only_complete"])
                    answers.append({"series": str(target), **asdict(done)})
                    what = "left out" if options["only_complete"] else "made of what there is"
                    self._say(f"{target}: {done.made:,} candles; {done.incomplete:,} with gaps inside, {what}")
                    for opened in done.told[:SHOWN_GAPS]:
                        self._say(f"  {utc(opened)} lacks {source.timeframe} candles")
        return answers

    def _synthetic(self, store: CandleStore, options: dict[str, Any]) -> list[dict[str, Any]]:
        length, seed = options["days"] * 1440, options["seed"]
        market = synthetic_market(options["symbols"], minutes=length, seed=seed, start=options["since"])
        answers = []
        with store.claimed(), self._bar(total=len(market), desc="synthetic") as bar:
            for symbol, candles in market.items():
                key = SeriesKey("synthetic", "linear", symbol, "1m")
                merged = store.merge(key, candles)
                bar.update(1)
                answers.append({"series": str(key), **asdict(merged)})
                self._say(f"{key}: {len(candles):,} candles, {merged.added:,} of them new")
        return answers

    # --- Looking -------------------------------------------------------------------------------------------------

    def _list(self, store: CandleStore, options: dict[str, Any]) -> list[dict[str, Any]]:
        answers = []
        for key in store.series():
            coverage = store.coverage(key)
            if coverage is not None:
                answers.append({"series": str(key), **asdict(coverage)})
                self._say(f"{key}: {utc(coverage.first)} – {utc(coverage.last)}, {coverage.count:,} candles")
        if not answers:
            self._say(f"No candles in {store.address}.")
        return answers

    def _gaps(self, store: CandleStore, options: dict[str, Any]) -> list[dict[str, Any]]:
        answers = []
        for key in [_series(name) for name in options["series"]] or store.series():
            if store.coverage(key) is None:
                raise CandleFileError(f"there are no candles of {key} in {store.address}; `candles list` names all")
            found = store.gaps(key)
            answers.append({"series": str(key), "gaps": [asdict(gap) for gap in found]})
            self._say(
                f"{key}: {_count(len(found), 'gap')}, {_count(sum(gap.count for gap in found), 'candle')} missing"
            )
            for gap in found:
                self._say(f"  {gap}")
        return answers

    # --- Words ---------------------------------------------------------------------------------------------------

    def _say(self, sentence: str) -> None:
        if not self._json:
            self.stdout.write(sentence)

    def _bar(self, total: int, **how: Any) -> Any:
        """On a terminal only, unless JSON was asked for."""
        return tqdm(total=total, disable=True if self._json else None, leave=False, **how)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _series(name: str) -> SeriesKey:
    parts = name.split("/")
    if len(parts) != len(_PARTS):
        raise CandleFileError(
            f"{name!r} is no series; write exchange/kind/SYMBOL/timeframe, as in bybit/linear/ETHUSDT/1m"
        )
    return SeriesKey(*parts)


def _config(options: dict[str, Any]) -> GatewayConfig:
    if not options["account"]:
        return GatewayConfig(options["exchange"], "live", f"{options['exchange']}-live")
    require_encryption_key()
    account = ExchangeAccount.objects.filter(name=options["account"]).first()
    if account is None:
        names = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no exchange account {options['account']!r}; there are: {names}.")
    return account.gateway_config()


def _downloaded(done: Downloaded) -> dict[str, Any]:
    return {
        **asdict(done.merged),
        "requests": done.requests,
        "missing": [asdict(gap) for gap in done.still_missing],
    }


def _gaps_in_words(gaps: list[Gap]) -> str:
    more = f" and {len(gaps) - SHOWN_GAPS} more" if len(gaps) > SHOWN_GAPS else ""
    return "; ".join(str(gap) for gap in gaps[:SHOWN_GAPS]) + more
