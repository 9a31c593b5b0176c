"""No look-ahead: what a row says does not depend on any candle that closes after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from strategies.candles import closed_by, closes_of, rows_of
from strategies.checks.violations import ROUNDING, Check, Column, Violation, first_differences
from strategies.contract import CandleSeries, UsesFeatures
from strategies.feature_rows import columns_of

Candles = Mapping[str, CandleSeries]
Columns = Mapping[str, Column]
Opens = npt.NDArray[np.int64]


def check_features(
    strategy: UsesFeatures[Any], config: Any, candles: Candles, *, cuts: int = 200, seed: int = 0
) -> list[Violation]:
    """Cuts all series at ``cuts`` random base rows and compares every row before; then gives all later candles other
    prices and compares again. At most one violation per column and kind, the earliest row that was found.

    ``candles`` must hold every timeframe that the strategy needs. Raises what ``features`` raises.
    """
    needs = strategy.timeframes(config)
    if not needs:
        return []
    base = candles[needs[0].timeframe]
    size = len(base.timestamp)
    before = {timeframe: _copied(series) for timeframe, series in candles.items()}
    try:
        full = columns_of(strategy, config, candles, size)
        again = columns_of(strategy, config, candles, size)
    except ValueError as error:
        return [Violation(Check.COLUMNS, "*", 0, "columns as long as the base series", str(error))]
    opens = base.timestamp
    found = [*_written_into(before, candles), *_changed(Check.REPEAT, full, again, opens, "asked twice")]
    found += _at_the_beginning(strategy, config, candles, full)
    chance = np.random.default_rng(seed)
    for rows in sorted(chance.choice(np.arange(1, size), min(cuts, size - 1), replace=False).tolist()):
        now = int(closes_of(base)[rows - 1])
        known = {timeframe: closed_by(series, now) for timeframe, series in candles.items()}
        cut = strategy.features(config, known)
        found += _changed(Check.LOOK_AHEAD, full, cut, opens[:rows], f"candles from row {rows} on taken away")
        altered = {timeframe: altered_after(series, now, chance) for timeframe, series in candles.items()}
        other = strategy.features(config, altered)
        found += _changed(
            Check.FUTURE_CHANGED, full, other, opens[:rows], f"candles from row {rows} on given other prices"
        )
    return _earliest(found)


def _changed(check: Check, full: Columns, other: Columns, opens: Opens, detail: str) -> Iterator[Violation]:
    """Compares as many rows as there are ``opens``, the open times of their base candles."""
    rows = len(opens)
    if set(other) != set(full):
        yield Violation(Check.COLUMNS, "*", rows, sorted(full), sorted(other), detail)
        return
    short = [name for name, column in other.items() if len(column) < rows]
    if short:
        yield Violation(Check.COLUMNS, short[0], rows, f"{rows} rows", f"{len(other[short[0]])} rows", detail)
        return
    heads = ({name: column[:rows] for name, column in columns.items()} for columns in (full, other))
    for name, row, expected, found in first_differences(*heads, tolerance=ROUNDING):
        yield Violation(check, name, row, expected, found, detail, time=int(opens[row]))


def _at_the_beginning(strategy: UsesFeatures[Any], config: Any, candles: Candles, full: Columns) -> Iterator[Violation]:
    """A young market has few candles or none; a strategy must say NaN then, and not fail."""
    for count in (0, 1, 2):
        few = {timeframe: rows_of(series, 0, count) for timeframe, series in candles.items()}
        detail = f"{count} candles of each timeframe"
        try:
            columns = strategy.features(config, few)
        except Exception as error:  # noqa: BLE001  whatever a strategy may raise
            yield Violation(Check.COLUMNS, "*", count, "NaN", f"{type(error).__name__}: {error}", detail)
            continue
        if {name: len(column) for name, column in columns.items()} != dict.fromkeys(full, count):
            lengths = {name: len(column) for name, column in columns.items()}
            yield Violation(Check.COLUMNS, "*", count, f"{count} rows of {sorted(full)}", lengths, detail)


def _written_into(before: Candles, after: Candles) -> Iterator[Violation]:
    for timeframe, series in before.items():
        for name in _columns(series):
            was, is_now = getattr(series, name), getattr(after[timeframe], name)
            if not np.array_equal(was, is_now):
                row = int(np.argmax(was != is_now))
                yield Violation(
                    Check.INPUT, f"{timeframe} {name}", row, was[row], is_now[row], "features wrote into it"
                )


def altered_after(series: CandleSeries, now: int, chance: np.random.Generator) -> CandleSeries:
    """Everything that closes after ``now`` at half to twice its price and volume, each candle by a factor of its own."""
    start = int(closes_of(series).searchsorted(now, side="right"))
    changed = _copied(series)
    factors = chance.uniform(0.5, 2.0, len(series.timestamp) - start)
    for name in _columns(series)[1:]:
        getattr(changed, name)[start:] *= factors
    return changed


def _copied(series: CandleSeries) -> CandleSeries:
    return CandleSeries(series.timeframe, *(getattr(series, name).copy() for name in _columns(series)))


def _columns(series: CandleSeries) -> list[str]:
    return [column.name for column in fields(series) if column.name != "timeframe"]


def _earliest(found: list[Violation]) -> list[Violation]:
    first: dict[tuple[Check, str], Violation] = {}
    for violation in sorted(found, key=lambda each: each.row):
        first.setdefault((violation.check, violation.column), violation)
    return list(first.values())
