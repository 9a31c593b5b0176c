"""Which column of a CSV file is what: by its header, or by the known layouts of files without one."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from exchange.candles.files import COLUMNS, CandleFileError

# As exchanges and collections of data write them, in small letters and without blanks and underscores.
_NAMES = {
    "timestamp": (
        "timestamp",
        "opentime",
        "starttime",
        "startat",
        "start",
        "time",
        "datetime",
        "date",
        "unix",
        "ts",
        "t",
    ),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "c"),
    "volume": ("volume", "vol", "basevolume", "v"),
}
# Binance's klines: open time, open, high, low, close, volume, close time, quote volume, trades, taker base, taker
# quote, unused. Bybit's: start, open, high, low, close, volume, turnover.
_WIDTHS_WITHOUT_HEADER = {6, 7, 12}


@dataclass(frozen=True, slots=True)
class Layout:
    """``names`` of all columns, as the reader is to call them; ``wanted`` are those of the candle, in its order."""

    names: tuple[str, ...]
    wanted: tuple[str, ...]
    header_lines: int
    is_dated: bool  # times are written as dates, not as numbers


def layout_of(name: str, lines: list[str]) -> Layout:
    """``lines`` are the file's first two. Raises ``CandleFileError`` when they are not understood."""
    rows = list(csv.reader(lines))
    if not rows or not rows[0]:
        raise CandleFileError(f"{name} is empty")
    if _is_number(rows[0][-1]) and len(rows[0]) >= len(COLUMNS):
        return _without_header(name, rows[0])
    if len(rows) < 2:
        raise CandleFileError(f"{name} has a header and no candles")
    known = {_plain(title): title for title in reversed(rows[0])}
    wanted = []
    for column in COLUMNS:
        title = next((known[alias] for alias in _NAMES[column] if alias in known), None)
        if title is None:
            raise CandleFileError(
                f"{name}, line 1: no column for {column} among {', '.join(rows[0])}; "
                f"call it {_NAMES[column][0]}, or take the header away where the columns are {', '.join(COLUMNS)}"
            )
        wanted.append(title)
    if len(set(rows[0])) < len(rows[0]):
        raise CandleFileError(f"{name}, line 1: a column's name stands twice: {', '.join(rows[0])}")
    first = rows[1][rows[0].index(wanted[0])] if len(rows[1]) == len(rows[0]) else ""
    return Layout(tuple(rows[0]), tuple(wanted), 1, bool(first) and not _is_number(first))


def _without_header(name: str, row: list[str]) -> Layout:
    if len(row) not in _WIDTHS_WITHOUT_HEADER:
        raise CandleFileError(
            f"{name}, line 1: {len(row)} columns without a header are not understood; "
            f"give it a header line: {','.join(COLUMNS)}, and names of your own for the others"
        )
    names = (*COLUMNS, *(f"unused {number}" for number in range(len(COLUMNS), len(row))))
    return Layout(names, COLUMNS, 0, not _is_number(row[0]))


def _plain(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalnum())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
