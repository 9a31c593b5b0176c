"""Markets drawn by hand, candle by candle, and what is marked in them."""

from __future__ import annotations

import numpy as np

from strategies.indicators import Array
from strategies.smc.fair_value_gaps import fair_value_gaps
from strategies.smc.features import dealing_range, place_in_range
from strategies.smc.liquidity import pools, sweeps
from strategies.smc.order_blocks import order_blocks
from strategies.smc.patterns import ENGULFING, INSIDE_BREAK, PIN_BAR, patterns
from strategies.smc.structure import BREAK_OF_STRUCTURE, CHANGE_OF_CHARACTER, structure
from strategies.smc.swings import swing_points, turns
from strategies.smc.zone_table import Zones
from strategies.smc.zones import Layer, confluence

LENGTH, MEMORY = 2, 30
Columns = tuple[Array, Array, Array, Array]

# A rise that breaks its last high, turns and breaks its last low.  open, high, low, close
RISE_AND_FALL = """
 0  105    106    104    105
 1  104    105    100    101     swing low 100, known at 3
 2  102    107    101.5  106
 3  106    110    105    109     swing high 110, known at 5
 4  108    109    104    105
 5  105    106    103    104     swing low 103, known at 7; the order block of row 8
 6  105    108    104.5  107
 7  107    109.5  106    109
 8  109    113    108.5  112     closes above 110: break of structure upwards
 9  112    114    110    111     swing high 114, known at 11; the order block of row 11
10  111    112    106    107
11  107    108    102    102.5   closes below 103: change of character downwards
"""
# Two highs near 110, and a candle that looks above them and closes below.
SWEPT = """
 0  100    101    99     100
 1  100    110    100    108     swing high 110, known at 3
 2  108    108.5  104    105
 3  105    106    103    104     swing low 103, known at 5
 4  104    107    103.5  106
 5  106    110.5  105    108     swing high 110.5, known at 7: a pool with the first
 6  108    109    105    106
 7  106    107    104    105     swing low 104, known at 9: a pool with the first
 8  105    112    104.5  108     trades above 110 + 1 and closes below 110: swept
 9  108    108.5  105    106
"""


def drawn(text: str) -> Columns:
    rows = [line.split()[1:5] for line in text.strip().splitlines()]
    open_, high, low, close = np.array(rows, float).T.copy()
    return open_, high, low, close


def mirrored(columns: Columns) -> Columns:
    """Upside down around 200."""
    open_, high, low, close = columns
    return 200 - open_, 200 - low, 200 - high, 200 - close


def zones_of(zones: Zones) -> list[tuple[int, int, int, int, float, float]]:
    return [tuple(each.item() for each in zone) for zone in zip(*zones, strict=True)]


def test_swings_are_known_two_candles_later() -> None:
    _, high, low, _ = drawn(RISE_AND_FALL)
    found = [tuple(each.item() for each in swing) for swing in zip(*swing_points(high, low, LENGTH), strict=True)]
    assert found == [(1, 3, -1, 100.0), (3, 5, 1, 110.0), (5, 7, -1, 103.0), (9, 11, 1, 114.0)]


def test_equal_highs_are_all_swings_and_the_first_is_the_turn() -> None:
    high = np.array([1.0, 2.0, 5.0, 3.0, 5.0, 2.0, 1.0])
    low = high - 10.0 + np.array([0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0])
    swings = swing_points(high, low, LENGTH)
    assert swings.row[swings.kind > 0].tolist() == [2, 4]
    assert turns(swings, 7, MEMORY).row[6, 0] == 2


def test_a_break_of_structure_and_a_change_of_character() -> None:
    _, high, low, close = drawn(RISE_AND_FALL)
    found = structure(close, turns(swing_points(high, low, LENGTH), 12, MEMORY), MEMORY)
    events = {row: int(found.event[row]) for row in np.flatnonzero(found.event).tolist()}
    assert events == {8: BREAK_OF_STRUCTURE, 11: -CHANGE_OF_CHARACTER}
    assert (found.level[8], found.swing[8], found.broken[8]) == (110.0, 3, 8)
    assert (found.level[11], found.swing[11], found.broken[11]) == (103.0, 5, 11)
    assert found.trend.tolist() == [0.0] * 8 + [1.0, 1.0, 1.0, -1.0]


def test_the_trend_is_forgotten() -> None:
    _, high, low, close = drawn(RISE_AND_FALL)
    found = structure(close[:11], turns(swing_points(high[:11], low[:11], LENGTH), 11, 9), 2)
    assert found.trend.tolist() == [0.0] * 8 + [1.0, 1.0, 0.0]


def test_order_blocks_and_their_mitigation() -> None:
    _, high, low, close = drawn(RISE_AND_FALL)
    found = order_blocks(high, low, close, turns(swing_points(high, low, LENGTH), 12, MEMORY), MEMORY)
    assert zones_of(found) == [
        (1, 5, 8, 11, 103.0, 106.0),  # row 11 trades at 102
        (-1, 9, 11, 11 + MEMORY, 110.0, 114.0),
    ]


def test_fair_value_gaps_their_touch_and_their_filling() -> None:
    open_, high, low, close = drawn(RISE_AND_FALL)
    found = fair_value_gaps(open_, high, low, close, np.zeros(12), MEMORY)
    assert zones_of(found.zones) == [
        (1, 7, 8, 10, 108.0, 108.5),
        (1, 8, 9, 10, 109.5, 110.0),
        (-1, 10, 11, 11 + MEMORY, 108.0, 110.0),
    ]
    assert found.touched.tolist() == [10, 10, 11 + MEMORY]


def test_small_gaps_do_not_count() -> None:
    open_, high, low, close = drawn(RISE_AND_FALL)
    found = fair_value_gaps(open_, high, low, close, np.full(12, 1.0), MEMORY)
    assert found.zones.origin.tolist() == [10]
    unknown = fair_value_gaps(open_, high, low, close, np.full(12, np.nan), MEMORY)
    assert unknown.zones.origin.size == 0


def test_everything_is_the_same_upside_down() -> None:
    open_, high, low, close = mirrored(drawn(RISE_AND_FALL))
    turned = turns(swing_points(high, low, LENGTH), 12, MEMORY)
    assert structure(close, turned, MEMORY).event.tolist() == [0] * 8 + [-BREAK_OF_STRUCTURE, 0, 0, CHANGE_OF_CHARACTER]
    assert zones_of(order_blocks(high, low, close, turned, MEMORY)) == [
        (-1, 5, 8, 11, 94.0, 97.0),
        (1, 9, 11, 11 + MEMORY, 86.0, 90.0),
    ]
    assert fair_value_gaps(open_, high, low, close, np.zeros(12), MEMORY).zones.direction.tolist() == [-1, -1, 1]


def test_a_pool_is_swept_by_a_candle_that_closes_back() -> None:
    _, high, low, close = drawn(SWEPT)
    found = pools(high, low, swing_points(high, low, LENGTH), np.ones(10), MEMORY)
    assert [tuple(each.item() for each in pool) for pool in zip(*found, strict=True)] == [
        (1, 1, 110.0, 7, 8, 1),
        (-1, 3, 103.0, 9, 3 + MEMORY, 0),
    ]
    seen = sweeps(close, found)
    assert seen.down.tolist() == [0.0] * 8 + [1.0, 0.0]
    assert seen.up.tolist() == [0.0] * 10
    np.testing.assert_array_equal(seen.above, [np.nan] * 7 + [110.0, np.nan, np.nan])
    np.testing.assert_array_equal(seen.below, [np.nan] * 9 + [103.0])


def test_a_pool_that_is_broken_is_no_sweep() -> None:
    _, high, low, close = drawn(SWEPT)
    close[8] = 111.5
    seen = sweeps(close, pools(high, low, swing_points(high, low, LENGTH), np.ones(10), MEMORY))
    assert seen.down.tolist() == [0.0] * 10
    assert np.isnan(seen.above[8:]).all()


def test_premium_and_discount_of_the_dealing_range() -> None:
    _, high, low, close = drawn(RISE_AND_FALL)
    top, bottom = dealing_range(turns(swing_points(high, low, LENGTH), 12, MEMORY))
    np.testing.assert_array_equal(top, [np.nan] * 5 + [110.0] * 6 + [114.0])
    np.testing.assert_array_equal(bottom, [np.nan] * 3 + [100.0] * 4 + [103.0] * 5)
    place = place_in_range(close, top, bottom)
    assert place[5] == 0.4  # 104 between 100 and 110: discount
    assert place[7] == 6 / 7  # 109 between 103 and 110: premium


def test_entry_patterns() -> None:
    open_, high, low, close = drawn(
        """
         0  100  102  98   101
         1  101  102  99   100
         2  99   104  97   103    engulfs the body of 1
         3  103  104  95   103.5  a pin bar: 8 of 9 are the lower wick
         4  103  105  94   99     falls
         5  100  104  96   101    within 4
         6  101  108  100  106    and out upwards
         7  106  115  105  105.5  a pin bar downwards
        """
    )
    found = patterns(open_, high, low, close, 0.6)
    assert found.up.tolist() == [0, 0, ENGULFING, PIN_BAR, 0, 0, INSIDE_BREAK, 0]
    np.testing.assert_array_equal(found.low[[2, 3, 6]], [97.0, 95.0, 94.0])
    assert found.down[7] == PIN_BAR
    assert found.high[7] == 115.0


def zones(*rows: tuple[int, int, int, int, float, float]) -> Zones:
    direction, origin, born, died = (np.array([row[place] for row in rows], np.int64) for place in range(4))
    bottom, top = (np.array([row[place] for row in rows], np.float64) for place in (4, 5))
    return Zones(direction, origin, born, died, bottom, top)


# Eight base candles, of which the first four make one longer candle and the other four the next.
LONGER = np.array([-1, -1, -1, 0, 0, 0, 0, 1])
BASE_ROWS = np.arange(8)


def test_zones_are_scored_by_overlap_while_they_live() -> None:
    layers = [
        Layer(zones(), zones((1, 1, 2, 6, 102.0, 103.0)), BASE_ROWS, 1.0),
        Layer(zones((1, 0, 0, 1, 100.0, 104.0)), zones(), LONGER, 2.0),
    ]
    low = np.array([105, 105, 102.5, 102.5, 102.5, 99.0, 102.5, 102.5])
    close = np.full(8, 103.0)
    found = confluence(layers, low + 2, low, close, low, 1)
    # The gap alone; both from the longer candle's close on; the gap alone once a base candle has traded through the
    # block; nothing after the gap's end.
    np.testing.assert_allclose(found.score, [0, 0, 0.7, 2.7, 2.7, 0.7, 0, 0])
    assert (found.bottom[3], found.top[3]) == (102.0, 103.0)


def test_zones_that_overlap_by_half_count_by_half() -> None:
    layers = [
        Layer(zones((1, 0, 0, 9, 100.0, 102.0), (1, 0, 0, 9, 101.0, 103.0)), zones(), BASE_ROWS, 1.0),
    ]
    low = np.full(8, 102.5)
    found = confluence(layers, low + 2, low, low + 1, low, 1)
    np.testing.assert_allclose(found.score[1:], 1.5)
    assert (found.bottom[1], found.top[1]) == (101.0, 103.0)


def test_supply_is_demand_upside_down_and_each_knows_its_own_side_only() -> None:
    layers = [Layer(zones((-1, 0, 0, 9, 97.0, 98.0)), zones(), BASE_ROWS, 1.0)]
    high = np.full(8, 97.5)
    supply = confluence(layers, high, high - 2, high - 1, high, -1)
    np.testing.assert_allclose(supply.score, 1.0)
    assert (supply.bottom[0], supply.top[0]) == (97.0, 98.0)
    demand = confluence(layers, high, high - 2, high - 1, high - 2, 1)
    assert demand.score.tolist() == [0.0] * 8
