"""Confirmed events beside the recorded output of ``smartmoneyconcepts`` 0.0.27, every difference with its reason.

The reasons are worked out here from the candles and the library's own output; docs/strategies/smc.md lists them with
their counts, and the counts are held together.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from strategies.smc.fair_value_gaps import fair_value_gaps
from strategies.smc.liquidity import pools
from strategies.smc.order_blocks import order_blocks
from strategies.smc.structure import structure
from strategies.smc.swings import swing_points, turns

LENGTH, MEMORY = 5, 300
PAGE = Path(__file__).parents[3] / "docs" / "strategies" / "smc.md"


def fixture() -> Path:
    named = os.environ.get("TRADERAGENT_FIXTURES")
    if not named:
        pytest.skip("TRADERAGENT_FIXTURES is not set: it names the folder with the library's recorded output")
    return Path(named) / "smc_expected" / "EURUSD"


@cache
def recorded(name: str) -> pd.DataFrame:
    return pd.read_csv(fixture() / f"{name}_result_data.csv", skip_blank_lines=False)


class Series:
    def __init__(self) -> None:
        table = pd.read_csv(fixture() / "EURUSD_15M.csv")
        columns = (table[name].to_numpy(np.float64).copy() for name in ("Open", "High", "Low", "Close"))
        self.open, self.high, self.low, self.close = columns
        self.size = len(table)
        self.swings = swing_points(self.high, self.low, LENGTH)
        self.turned = turns(self.swings, self.size, MEMORY)

        self.final = self.run_extremes()

    def level(self, row: int, kind: int) -> float:
        return float(self.high[row] if kind > 0 else self.low[row])

    def run_extremes(self) -> set[tuple[int, int]]:
        """What is left of all swings when those beside a more extreme one of their kind are struck out, in
        hindsight."""
        kept: list[tuple[int, int, float]] = []
        for row, kind, level in zip(self.swings.row, self.swings.kind, self.swings.level, strict=True):
            if not kept or kept[-1][1] != kind:
                kept.append((int(row), int(kind), float(level)))
            elif (level - kept[-1][2]) * kind > 0:
                kept[-1] = int(row), int(kind), float(level)
        return {(row, kind) for row, kind, _ in kept}


@pytest.fixture(scope="module")
def series() -> Series:
    return Series()


def documented(section: str) -> Counter[str]:
    """The table under a heading of the page: reason to count."""
    text = PAGE.read_text().partition(f"#### {section}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \|$", text, re.MULTILINE)
    return Counter({reason: int(count.replace(",", "")) for reason, count in rows})


def signed(table: pd.DataFrame, column: str, factor: int = 1) -> dict[int, int]:
    found = table[column].dropna()
    return {int(row): int(value) * factor for row, value in found.items() if value}


def test_swings(series: Series) -> None:
    library = {*signed(recorded("swing_highs_lows"), "HighLow").items()}
    known = {*zip(series.swings.row.tolist(), series.swings.kind.tolist(), strict=True)}
    reasons: Counter[str] = Counter()
    for swing in known | library:
        if swing in known and swing in library:
            reasons["the same"] += 1
        elif swing not in known and swing[0] in (0, series.size - 1):
            reasons["only there: put at the first and at the last candle"] += 1
        elif swing not in library and swing[0] < LENGTH:
            reasons["only here: among the first candles, which it does not look at"] += 1
        elif swing not in library and swing not in series.final:
            reasons["only here: struck out there by a later or earlier more extreme neighbour"] += 1
        else:
            reasons[f"unexplained {swing}"] += 1
    assert reasons == documented("Swings")
    assert np.all(series.swings.known - series.swings.row == LENGTH)


def test_breaks_of_structure_and_changes_of_character(series: Series) -> None:
    table = recorded("bos_choch")
    there = {**signed(table, "BOS"), **signed(table, "CHOCH", 2)}
    broken_there = table["BrokenIndex"]
    found = structure(series.close, series.turned, MEMORY)
    rows = [int(row) for row in np.flatnonzero(found.event)]
    here = {int(found.swing[row]): row for row in rows}
    assert len(here) == len(rows), "a swing is broken once"
    reasons: Counter[str] = Counter()
    for swing in sorted({*there, *here}):
        row = here.get(swing)
        if row is None:
            reasons[_why_only_there(series, swing, there[swing], int(broken_there[swing]))] += 1
        elif swing not in there:
            reasons[_why_only_here(series, swing, row, erased=not np.isnan(broken_there[swing]))] += 1
        elif there[swing] != found.event[row]:
            same_way = there[swing] * int(found.event[row]) > 0
            replaced = (int(series.turned.row[row, 0]), int(series.turned.kind[row])) not in series.final
            why = "BOS here and CHoCH there: the turn before the break went on further, so that it was another one"
            reasons[why if same_way and replaced else f"unexplained {swing}"] += 1
        elif broken_there[swing] == found.broken[row]:
            # Not before the swing itself and the turn after it are confirmed, and at once then.
            confirmed = max(int(found.broken[row]), _turn_known(series, row))
            reasons["the same" if row == confirmed else f"unexplained {swing}"] += 1
        else:
            rounded = series.close[int(broken_there[swing])] == series.level(swing, there[swing])
            reasons[f"the same, but broken there earlier: {ROUNDED}" if rounded else f"unexplained {swing}"] += 1
    assert reasons == documented("BOS and CHoCH")


ROUNDED = "a close exactly at the level, which it rounds to single precision, is beyond it"


def _turn_known(series: Series, row: int) -> int:
    """When the turns that the event in ``row`` was read from had become what they were."""
    while row and np.array_equal(series.turned.row[row - 1], series.turned.row[row]):
        row -= 1
    return row


def _why_only_there(series: Series, swing: int, event: int, broken: int) -> str:
    side = 1 if event > 0 else -1
    if not np.any((series.close[swing + 1 : broken + 1] - series.level(swing, side)) * side > 0.0):
        at_level = series.close[broken] == series.level(swing, side)
        return f"only there: {ROUNDED}" if at_level else f"unexplained {swing}"
    if swing not in series.turned.row[broken, :3]:
        return "only there: when it was broken two newer turns had taken its place"
    return f"unexplained {swing}"


def _why_only_here(series: Series, swing: int, row: int, *, erased: bool) -> str:
    if erased:
        return "only here: erased there, because a later swing was broken no later"
    side = int(series.turned.kind[row])
    after = [each for each in sorted(series.final) if each[0] > swing and each[1] == side]
    # It needs a next swing beyond the level, which in hindsight did not come before the market turned.
    short = bool(after) and (series.level(after[0][0], side) - series.level(swing, side)) * side <= 0.0
    return "only here: the next swing of its kind had stayed short of the level" if short else f"unexplained {swing}"


def test_order_blocks(series: Series) -> None:
    table = recorded("ob")
    ends = table["MitigatedIndex"].fillna(0).astype(int)
    there = {*signed(table, "OB").items()}
    blocks = order_blocks(series.high, series.low, series.close, series.turned, MEMORY)
    here = {
        (int(row), int(side)): at for at, (row, side) in enumerate(zip(blocks.origin, blocks.direction, strict=True))
    }
    reasons: Counter[str] = Counter()
    for key in sorted(there | {*here}):
        if key not in here:
            reasons[_why_no_block(series, *key)] += 1
            continue
        at = here[key]
        born, died, end = int(blocks.born[at]), int(blocks.died[at]), int(ends[key[0]])
        broken = _broken_swing(series, born, key[1])
        if key in there:
            assert (blocks.bottom[at], blocks.top[at]) == pytest.approx(
                (table["Bottom"][key[0]], table["Top"][key[0]]), abs=1e-9
            )
            same = end == died - (key[1] > 0) or (end == 0 and died == born + MEMORY)
            late = died == born + MEMORY and end > died
            word = "the same" if same else "the same, but expired here before it was mitigated"
            reasons[word if same or late else f"unexplained {key}"] += 1
        elif _returned(series, blocks.bottom[at], blocks.top[at], key[1], born):
            reasons["only here: erased there, because the price came back through it after its mitigation"] += 1
        elif (broken, key[1]) not in series.final:
            reasons["only here: a more extreme swing struck out the broken one later"] += 1
        elif any(broken < row < born and kind == key[1] for row, kind in series.final):
            reasons["only here: a newer swing, not confirmed yet, hid the broken one there"] += 1
        else:
            reasons[f"unexplained {key}"] += 1
    assert reasons == documented("Order blocks")


def _broken_swing(series: Series, born: int, side: int) -> int:
    """The last swing of a kind that was known."""
    return int(series.turned.row[born, 0 if series.turned.kind[born] == side else 1])


def _why_no_block(series: Series, origin: int, side: int) -> str:
    """There the swing before the block was broken, here one in between that was struck out there."""
    broken = max(row for row, kind in series.final if kind == side and row < origin)
    beyond = (series.close[origin:] - series.level(broken, side)) * side > 0.0
    born = origin + int(np.argmax(beyond))
    swings = zip(series.swings.row.tolist(), series.swings.kind.tolist(), strict=True)
    between = any(broken < row < born and kind == side and (row, kind) not in series.final for row, kind in swings)
    if between:
        return "only there: made from an older swing, as the broken one was struck out later by a more extreme one"
    return f"unexplained {origin}"


def _returned(series: Series, bottom: float, top: float, side: int, born: int) -> bool:
    """Whether the price went through the block and came back through its near side."""
    low, high = (series.low, series.high) if side > 0 else (-series.high, -series.low)
    bottom, top = (bottom, top) if side > 0 else (-top, -bottom)
    through = np.flatnonzero(low[born + 1 :] < bottom)
    return bool(through.size and np.any(high[born + 2 + through[0] :] > top))


def test_fair_value_gaps(series: Series) -> None:
    table = recorded("fvg")
    gaps = fair_value_gaps(series.open, series.high, series.low, series.close, np.zeros(series.size), MEMORY)
    there = signed(table, "FVG")
    here = {int(row): at for at, row in enumerate(gaps.zones.origin)}
    assert set(here) == set(there)
    reasons: Counter[str] = Counter()
    for row, at in here.items():
        assert gaps.zones.direction[at] == there[row]
        assert gaps.zones.born[at] == row + 1
        np.testing.assert_allclose(
            [gaps.zones.bottom[at], gaps.zones.top[at]], [table["Bottom"][row], table["Top"][row]], atol=1e-9
        )
        end, touched = int(table["MitigatedIndex"][row]), int(gaps.touched[at])
        expired = touched == int(gaps.zones.born[at]) + MEMORY
        if end == touched or (end == 0 and touched >= series.size):
            reasons["the same"] += 1
        elif expired and (end == 0 or end > touched):
            reasons["the same, but expired here before the price came back"] += 1
        else:
            reasons[f"unexplained {row}"] += 1
    assert reasons == documented("Fair value gaps")


def test_liquidity(series: Series) -> None:
    table = recorded("liquidity")
    there = {*signed(table, "Liquidity").items()}
    reach = 0.01 * (series.high.max() - series.low.min())
    found = pools(series.high, series.low, series.swings, np.full(series.size, reach), series.size)
    here = {(int(row), int(kind)): at for at, (row, kind) in enumerate(zip(found.first, found.kind, strict=True))}
    reasons: Counter[str] = Counter()

    def in_a_pool_there(row: int, kind: int) -> bool:
        return any(
            first < row
            and side == kind
            and abs(series.level(first, kind) - series.level(row, kind)) <= reach
            and not 0 < table["Swept"][first] <= row
            for first, side in there
        )

    for row, kind in sorted(there | {*here}):
        at = here.get((row, kind))
        if at is None:
            assert row == 0
            reasons["only there: it begins with the swing put at the first candle"] += 1
        elif (row, kind) in there:
            swept = int(found.over[at]) if found.swept[at] else 0
            assert found.level[at] == series.level(row, kind)
            reasons["the same" if swept == int(table["Swept"][row]) else f"unexplained {row}"] += 1
        elif (row, kind) not in series.final:
            reasons["only here: a more extreme swing struck out its first one later"] += 1
        elif in_a_pool_there(row, kind):
            reasons["only here: its first swing is in an earlier pool there, and a swing is in one only"] += 1
        else:
            over = int(found.over[at]) if found.swept[at] else series.size
            others = [other for other, side in series.final if side == kind and row < other < over]
            others = [each for each in others if abs(series.level(each, kind) - series.level(row, kind)) <= reach]
            taken = "only here: its other swings are in other pools there, or were struck out later"
            reasons[taken if all(in_a_pool_there(each, kind) for each in others) else f"unexplained {row}"] += 1
    assert reasons == documented("Liquidity")
