"""The candles of a back-test: from a file, the candle store or a made-up market, on the timeframe that is asked for.

A source is a path (Parquet, CSV, gzipped or zipped CSV), a series of the store (``bybit/linear/ETHUSDT``, or with its
timeframe ``bybit/linear/ETHUSDT/1m``), or ``synthetic:NAME`` (``backtests/made_up.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from backtests.made_up import PREFIX, made_up
from backtests.terms import Gaps
from exchange.candles.files import COLUMNS, CandleFileError, Candles, check
from exchange.candles.merging import taken
from exchange.candles.resampling import resample
from exchange.candles.series import Gap, SeriesKey, empty, gaps_in, utc
from strategies.candles import timeframe_ms

_SERIES: Final = re.compile(
    r"(?P<exchange>[a-z0-9]+)/(?P<kind>spot|linear)/(?P<symbol>[A-Z0-9][A-Z0-9.-]*)(?:/(?P<timeframe>\d+[mhdw]))?"
)
UNITS: Final = (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))
# Gaps that are told one by one; all are counted.
TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class DataReport:
    """What was found: ``found_timeframe`` is the source's own. ``first`` is the open time of the first candle, ``last``
    the end of the last one (ms UTC). ``gaps`` are the first of ``gap_count`` holes, the longest of all among them;
    ``missing`` candles of the source in them, which were filled when ``gap_policy`` says so."""

    source: str
    timeframe: str
    found_timeframe: str
    first: int
    last: int
    candles: int
    gap_policy: str
    gap_count: int
    missing: int
    longest_gap: Gap | None
    gaps: tuple[Gap, ...]


def load_candles(
    source: str | Path,
    *,
    timeframe: str,
    since: int | None = None,
    until: int | None = None,
    gaps: str = Gaps.SKIP,
    store: str | None = None,
) -> tuple[Candles, DataReport]:
    """Candles of ``timeframe`` that open in ``[since, until)`` (ms UTC), made of the source's own when these are shorter.

    ``store`` is the address of the candle store, for sources that are series of it. Raises ``CandleFileError`` naming what is wrong and the mend: no such source, candles that cannot be, a timeframe that
    they cannot make, none in the period, gaps where they are refused.
    """
    name = str(source)
    candles, found = _read(name, timeframe, since, until, store)
    step = timeframe_ms(found)
    candles = _within(candles, since, until, name, step)
    holes = gaps_in(candles.timestamp, step)
    longest = max(holes, key=lambda gap: gap.count, default=None)
    missing = sum(gap.count for gap in holes)
    if holes and gaps == Gaps.REFUSE:
        raise CandleFileError(
            f"{name} lacks {missing} candles of {found} in {len(holes)} places, the first at {holes[0]}, the longest at "
            f"{longest}; get them, choose another period, or set gaps to skip or fill"
        )
    if holes and gaps == Gaps.FILL:
        candles = filled(candles, step)
    if found != timeframe:
        candles = _longer(candles, found, timeframe, name)
    report = DataReport(
        source=name,
        timeframe=timeframe,
        found_timeframe=found,
        first=int(candles.timestamp[0]),
        last=int(candles.timestamp[-1]) + timeframe_ms(timeframe),
        candles=len(candles),
        gap_policy=str(gaps),
        gap_count=len(holes),
        missing=missing,
        longest_gap=longest,
        gaps=tuple(holes[:TOLD]),
    )
    return candles, report


def filled(candles: Candles, step: int) -> Candles:
    """With a candle at the close before it and without volume in the place of each missing one."""
    count = int(candles.timestamp[-1] - candles.timestamp[0]) // step + 1
    places = (candles.timestamp - candles.timestamp[0]) // step
    is_there = np.zeros(count, dtype=bool)
    is_there[places] = True
    source = np.cumsum(is_there) - 1
    close = candles.close[source]
    columns = {name: np.where(is_there, getattr(candles, name)[source], close) for name in COLUMNS[1:5]}
    return Candles(
        candles.timestamp[0] + step * np.arange(count, dtype=np.int64),
        columns["open"],
        columns["high"],
        columns["low"],
        columns["close"],
        np.where(is_there, candles.volume[source], 0.0),
    )


def timeframe_of(timestamps: np.ndarray, name: str) -> str:
    """The timeframe of sorted open times: their most frequent distance. Raises ``CandleFileError``."""
    if len(timestamps) < 2:
        raise CandleFileError(f"{name} holds one candle: two at least tell how long they are")
    distances, counts = np.unique(np.diff(timestamps), return_counts=True)
    step = int(distances[np.argmax(counts)])
    for unit, length in UNITS:
        if step % length == 0:
            odd = np.flatnonzero((timestamps - timestamps[0]) % step)
            if len(odd):
                raise CandleFileError(
                    f"{name}, row {int(odd[0])}: {utc(int(timestamps[odd[0]]))} is not the open time of a "
                    f"{step // length}{unit} candle, as most are; take it out"
                )
            return f"{step // length}{unit}"
    raise CandleFileError(f"{name}: most candles are {step} ms apart; a timeframe is whole minutes")


def _read(name: str, timeframe: str, since: int | None, until: int | None, store: str | None) -> tuple[Candles, str]:
    """The candles and their own timeframe."""
    if name.startswith(PREFIX):
        return made_up(name, timeframe), timeframe
    path = Path(name)
    if path.is_file():
        candles = _of_file(path)
        return candles, timeframe_of(candles.timestamp, name)
    match = _SERIES.fullmatch(name)
    if match is None:
        raise CandleFileError(
            f"there is no candle file {name}; a series of the candle store is written bybit/linear/ETHUSDT, a made-up "
            f"market {PREFIX}random-walk"
        )
    if store is None:
        raise CandleFileError(f"there is no candle file {name}, and no candle store to look for it in")
    return _of_store(match, timeframe, since, until, store)


def _of_store(
    match: re.Match[str], timeframe: str, since: int | None, until: int | None, address: str
) -> tuple[Candles, str]:
    """A series without a timeframe is the one asked for, else the longest stored one that can make it."""
    from exchange.candles.store import CandleStore

    store, parts = CandleStore(address), (match["exchange"], match["kind"], match["symbol"])
    stored = [key for key in store.series() if (key.exchange, key.kind, key.symbol) == parts]
    if not stored:
        raise CandleFileError(
            f"the candle store {address} has no {match[0]}, and there is no file of this name: download or import it "
            "(manage.py candles), or look at manage.py candles list"
        )
    wanted = timeframe_ms(timeframe)
    fitting = [key for key in stored if match["timeframe"] in (None, key.timeframe) and wanted % key.step == 0]
    if not fitting:
        known = ", ".join(key.timeframe for key in stored)
        raise CandleFileError(
            f"the candle store has {'/'.join(parts)} of {known}: none that {match[0]} names makes {timeframe}"
        )
    key = max(fitting, key=lambda each: each.step)
    candles = store.read(key, since, until)
    if not len(candles):
        coverage = store.coverage(key)
        reach = f"{utc(coverage.first)} to {utc(coverage.last + key.step)}" if coverage else "nowhere"
        raise CandleFileError(f"the candle store has no candles of {key} in this period: they reach from {reach}")
    return candles, key.timeframe


def _of_file(path: Path) -> Candles:
    import pyarrow as pa

    from exchange.candles.csv_files import SUFFIXES, blocks

    if not path.name.endswith(SUFFIXES):
        raise CandleFileError(f"{path} does not end in {', '.join(SUFFIXES)}")
    # Any timeframe's candles open at a full minute.
    key = SeriesKey("file", "spot", "ANY", "1m")
    parts: dict[str, list[np.ndarray]] = {name: [getattr(empty(), name)] for name in COLUMNS}
    for block in blocks(path, key):
        for name in COLUMNS:
            parts[name].append(getattr(block.candles, name))
    # Column by column: each one's parts go before the next is put together.
    candles = Candles(*(np.concatenate(parts.pop(name)) for name in COLUMNS))
    pa.default_memory_pool().release_unused()
    if len(candles) > 1 and candles.timestamp[0] > candles.timestamp[-1]:  # newest first, as some publish them
        candles = taken(candles, np.arange(len(candles))[::-1])
    check(candles, str(path))
    return candles


def _within(candles: Candles, since: int | None, until: int | None, name: str, step: int) -> Candles:
    first, end = int(candles.timestamp[0]), int(candles.timestamp[-1]) + step
    chosen = candles.between(first if since is None else since, end if until is None else until)
    if not len(chosen):
        asked = " – ".join("" if each is None else utc(each) for each in (since, until))
        raise CandleFileError(f"{name} has no candles in {asked}: it reaches from {utc(first)} to {utc(end)}")
    return chosen


def _longer(candles: Candles, found: str, timeframe: str, name: str) -> Candles:
    """Only those that the shorter ones cover to the edge."""
    step, key = timeframe_ms(found), SeriesKey("any", "spot", "ANY", timeframe)
    if key.step < step or key.step % step:
        raise CandleFileError(
            f"timeframe is {timeframe}, and {name} holds candles of {found}, which cannot make it: "
            f"set timeframe to {found} or a multiple of it, or give shorter candles"
        )
    made, _ = resample(candles, key)
    ends = int(candles.timestamp[-1]) + step
    whole = (made.timestamp >= candles.timestamp[0]) & (made.timestamp + key.step <= ends)
    if not whole.any():
        raise CandleFileError(f"{name} has no whole candle of {timeframe} in this period: choose a longer one")
    return taken(made, np.flatnonzero(whole))
