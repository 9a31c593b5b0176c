"""Round trips from fills: by hand, against a naive reckoning, and to the cash that moved."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.metrics.inputs import Fills
from backtests.metrics.round_trips import RoundTrips, groups_of, numbered, trades_of
from exchange.candles.files import Candles
from tests.backtests.metrics.cast import START, fills
from tests.properties import examples

MINUTE = 60_000
Row = tuple[float, int, float, float, float]


def keys(*numbers: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64)


def minutes(highs_and_lows: Sequence[tuple[float, float]]) -> Candles:
    high, low = (np.array(column, dtype=np.float64) for column in zip(*highs_and_lows, strict=True))
    timestamp = START + MINUTE * np.arange(len(high), dtype=np.int64)
    return Candles(timestamp, low, high, low, high, np.ones(len(high)))


def test_a_long_deal_with_a_safety_order_to_the_cent() -> None:
    """1 at 100, 2 at 91: average 94. All 3 at 97: 9.00 less fees of 0.10 + 0.18 + 0.29."""
    found = trades_of(fills([(0, 1, 100, 1, 0.10), (5, 1, 91, 2, 0.18), (9, -1, 97, 3, 0.29)]), keys(0, 0, 0))
    trades = found.trades
    assert (len(trades), len(found.open.key)) == (1, 0)
    assert (trades.opened_at[0], trades.closed_at[0]) == (START, START + 9 * MINUTE)
    assert (trades.side[0], trades.amount[0]) == (1, 3.0)
    assert (trades.entry_price[0], trades.exit_price[0]) == (pytest.approx(94.0), pytest.approx(97.0))
    assert trades.fees[0] == pytest.approx(0.57)
    assert trades.profit[0] == pytest.approx(8.43)
    # At 91 the first one stood at −9; at 97 all stood at +9.
    assert (trades.mae[0], trades.mfe[0]) == (pytest.approx(-9.0), pytest.approx(9.0))


def test_a_short_in_two_parts() -> None:
    """2 sold at 50, bought back at 45 and 48: 5 + 2."""
    found = trades_of(fills([(0, -1, 50, 2, 0), (1, 1, 45, 1, 0), (2, 1, 48, 1, 0)]), keys(3, 3, 3))
    assert (found.trades.side[0], found.key[0]) == (-1, 3)
    assert found.trades.profit[0] == pytest.approx(7.0)
    assert found.trades.exit_price[0] == pytest.approx(46.5)
    # At 45 both stood at 10.
    assert found.trades.mfe[0] == pytest.approx(10.0)


GRID = groups_of(["grid/1", "grid/2", "grid/close", "deal:1"])


def test_names_with_the_same_beginning_are_a_group() -> None:
    assert GRID.tolist() == [1, 1, 1, -1]
    assert groups_of(["b/grid/1", "b/close", "grid/1", "b/grid/2"]).tolist() == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("last", "closed", "left"),
    [
        # The close of all, 2 at 95 for a fee of 0.2: the first lost 5, the second earned 5, each pays half the fee.
        ((2, -1, 95, 2, 0.2), [(0, -5.1), (1, 4.9)], {}),
        # 1.5 close the first and half of the second.
        ((2, -1, 95, 1.5, 0), [(0, -5.0)], {1: 0.5}),
        # What is more than was open is a position of its own.
        ((2, -1, 95, 3, 0.3), [(0, -5.1), (1, 4.9)], {2: -1.0}),
        # A purchase closes nothing of what was bought.
        ((2, 1, 95, 2, 0), [], {0: 1.0, 1: 1.0, 2: 2.0}),
    ],
)
def test_a_fill_closes_the_oldest_of_its_group(
    last: Row, closed: list[tuple[int, float]], left: dict[int, float]
) -> None:
    found = trades_of(fills([(0, 1, 100, 1, 0), (1, 1, 90, 1, 0), last]), keys(0, 1, 2), groups=GRID)
    assert list(zip(found.key.tolist(), found.trades.profit.tolist(), strict=True)) == [
        (key, pytest.approx(profit)) for key, profit in closed
    ]
    assert dict(zip(found.open.key.tolist(), found.open.position.tolist(), strict=True)) == pytest.approx(left)


def test_a_fill_closes_its_own_before_the_oldest() -> None:
    found = trades_of(fills([(0, 1, 100, 1, 0), (1, 1, 90, 1, 0), (2, -1, 95, 1, 0)]), keys(0, 1, 1), groups=GRID)
    assert (found.key.tolist(), found.trades.profit.tolist(), found.open.key.tolist()) == ([1], [5.0], [0])


def test_one_that_stands_alone_is_closed_by_no_other() -> None:
    found = trades_of(fills([(0, 1, 100, 1, 0), (1, -1, 95, 1, 0)]), keys(3, 2), groups=GRID)
    assert (len(found.trades), found.open.position.tolist()) == (0, [-1.0, 1.0])


def test_grid_levels_are_kept_apart() -> None:
    """An average over both would give the first sale 2.5; its own level earned 5, and the other one still stands."""
    found = trades_of(fills([(0, 1, 100, 1, 0), (1, 1, 95, 1, 0), (2, -1, 100, 1, 0)]), keys(7, 6, 6))
    assert found.trades.profit.tolist() == [5.0]
    assert found.key.tolist() == [6]
    assert found.open.key.tolist() == [7]
    assert found.open.profit_at(98.0).tolist() == [-2.0]


def test_a_fill_that_turns_the_position_closes_one_and_opens_another() -> None:
    """Long 1 at 100; sold 3 at 110 for a fee of 0.3: a third of it closes, two thirds open a short of 2."""
    found = trades_of(fills([(0, 1, 100, 1, 0), (1, -1, 110, 3, 0.3), (2, 1, 105, 2, 0)]), keys(0, 0, 0))
    assert found.trades.profit == pytest.approx([10.0 - 0.1, 10.0 - 0.2])
    assert found.trades.side.tolist() == [1, -1]


def test_one_key_may_have_many_round_trips() -> None:
    found = trades_of(fills([(i, 1 - 2 * (i % 2), 100 + i, 1, 0) for i in range(6)]), keys(*[0] * 6))
    assert found.trades.profit.tolist() == [1.0, 1.0, 1.0]
    assert found.trades.opened_at.tolist() == [START, START + 2 * MINUTE, START + 4 * MINUTE]


def test_dust_below_a_step_is_part_of_the_result() -> None:
    """1.0005 bought at 100 and 1 sold at 101: 0.05 stays in dust, which no order can sell."""
    rows: list[Row] = [(0, 1, 100, 1.0005, 0), (1, -1, 101, 1.0, 0)]
    found = trades_of(fills(rows), keys(0, 0), step=0.001)
    assert found.trades.profit[0] == pytest.approx(0.95)
    assert not len(found.open.key)
    assert len(trades_of(fills(rows), keys(0, 0)).open.key) == 1


def test_dust_of_others_is_profit_to_the_one_that_sells_it() -> None:
    """0.9995 bought at 100 and 1 sold at 101 for 0.1, 0.0005 of it from elsewhere: 101 − 99.95 − 0.1; no short is opened."""
    rows: list[Row] = [(0, 1, 100, 0.9995, 0), (1, -1, 101, 1.0, 0.1)]
    found = trades_of(fills(rows), keys(0, 0), step=0.001)
    assert found.trades.profit.tolist() == pytest.approx([0.95])
    assert found.trades.fees.tolist() == pytest.approx([0.1])
    assert found.trades.exit_price.tolist() == pytest.approx([101])
    assert not len(found.open.key)
    assert len(trades_of(fills(rows), keys(0, 0), step=0.0001).open.key) == 1


def test_a_fee_taken_of_what_was_bought() -> None:
    """1 bought at 100, 0.001 of it is the fee: 0.999 sold at 110 for a fee of 0.11 leaves 109.78 − 100."""
    rows = fills([(0, 1, 100, 1, 0.1), (1, -1, 110, 0.999, 0.11)])
    found = trades_of(rows, keys(0, 0), moved=np.array([0.999, 0.999]))
    assert found.trades.profit[0] == pytest.approx(0.999 * 110 - 0.11 - 100)
    assert found.trades.fees[0] == pytest.approx(0.21)


def test_sums_of_floats_come_back_to_flat() -> None:
    """0.1 + 0.2 is not 0.3."""
    found = trades_of(fills([(0, 1, 100, 0.1, 0), (1, 1, 100, 0.2, 0), (2, -1, 100, 0.3, 0)]), keys(0, 0, 0))
    assert len(found.trades) == 1
    assert not len(found.open.key)


def test_excursions_are_those_of_the_candles_between() -> None:
    """Bought in minute 0, sold in minute 3: only minutes 1 and 2 are looked at, whatever 0 and 3 did."""
    candles = minutes([(500, 1), (103, 98), (106, 99), (500, 1)])
    found = trades_of(fills([(0.5, 1, 100, 2, 0), (3.5, -1, 101, 2, 0)]), keys(0, 0), candles)
    assert (found.trades.mae[0], found.trades.mfe[0]) == (-4.0, 12.0)
    short = trades_of(fills([(0.5, -1, 100, 2, 0), (3.5, 1, 101, 2, 0)]), keys(0, 0), candles)
    assert (short.trades.mae[0], short.trades.mfe[0]) == (-12.0, 4.0)


def test_without_fills_there_are_no_trades() -> None:
    found = trades_of(fills([]), keys())
    assert (len(found.trades), len(found.key), len(found.open.key)) == (0, 0, 0)


def test_names_become_numbers() -> None:
    codes, names = numbered(["grid:7", "entry", "grid:7"])
    assert codes.tolist() == [0, 1, 0]
    assert names == ("grid:7", "entry")


def test_what_does_not_fit_is_refused() -> None:
    one = fills([(0, 1, 100, 1, 0)])
    with pytest.raises(ValueError, match="2 keys for 1 fills"):
        trades_of(one, keys(0, 0))
    with pytest.raises(ValueError, match="from 0"):
        trades_of(one, keys(-1))
    with pytest.raises(ValueError, match="2 changes"):
        trades_of(one, keys(0), moved=np.ones(2))


ROWS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from([1, -1]),
        st.integers(80, 120),
        st.integers(1, 8).map(lambda quarters: quarters / 4),
        st.integers(-2, 9).map(lambda tenths: tenths / 10),
        st.integers(0, 2),
    ),
    max_size=40,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


def made_of(rows: list[tuple[int, int, int, float, float, int]]) -> tuple[Fills, RoundTrips]:
    made = fills([(float(minute), side, price, amount, fee) for minute, side, price, amount, fee, _ in rows])
    return made, trades_of(made, keys(*(row[5] for row in rows)), CANDLES)


CANDLES = minutes([(100 + 7 * (i % 5), 100 - 5 * (i % 7)) for i in range(41)])


@given(ROWS)
@examples(200)
def test_profits_and_open_positions_are_the_change_of_equity(
    rows: list[tuple[int, int, int, float, float, int]],
) -> None:
    made, found = made_of(rows)
    cash = float(np.sum(-made.side * made.value - made.fee))
    held = float(np.sum(made.side * made.amount))
    for last in (50.0, 103.5):
        equity_change = cash + held * last
        assert float(np.sum(found.trades.profit) + np.sum(found.open.profit_at(last))) == pytest.approx(
            equity_change, abs=1e-8
        )
    assert float(np.sum(found.trades.fees) + np.sum(found.open.fees)) == pytest.approx(
        float(np.sum(made.fee)), abs=1e-9
    )


@given(ROWS)
@examples(200)
def test_a_group_is_never_long_and_short_and_adds_up_to_the_cash(
    rows: list[tuple[int, int, int, float, float, int]],
) -> None:
    made = fills([(float(minute), side, price, amount, fee) for minute, side, price, amount, fee, _ in rows])
    found = trades_of(made, keys(*(row[5] for row in rows)), CANDLES, groups=np.array([1, 1, 1]))
    held = float(np.sum(made.side * made.amount))
    assert float(np.sum(np.abs(found.open.position))) == pytest.approx(abs(held), abs=1e-9)
    cash = float(np.sum(-made.side * made.value - made.fee))
    assert float(np.sum(found.trades.profit) + np.sum(found.open.profit_at(103.5))) == pytest.approx(
        cash + held * 103.5, abs=1e-8
    )


@given(ROWS)
@examples(200)
def test_every_round_trip_is_that_of_a_naive_reckoning(rows: list[tuple[int, int, int, float, float, int]]) -> None:
    _, found = made_of(rows)
    expected = naive(rows)
    assert len(found.trades) == len(expected)
    for row, (opened, closed, side, profit, mae, mfe) in enumerate(expected):
        trades = found.trades
        assert (trades.opened_at[row], trades.closed_at[row], trades.side[row]) == (opened, closed, side)
        assert trades.profit[row] == pytest.approx(float(profit), abs=1e-9)
        assert (trades.mae[row], trades.mfe[row]) == (
            pytest.approx(float(mae), abs=1e-9),
            pytest.approx(float(mfe), abs=1e-9),
        )


def naive(
    rows: list[tuple[int, int, int, float, float, int]],
) -> list[tuple[int, int, int, Fraction, Fraction, Fraction]]:
    """Exact, one share of a position after the other, looking through every candle: the worth at a price is the cash
    that moved and what the position would bring."""
    found = []
    for key in {row[5] for row in rows}:
        cash = position = fees = mae = mfe = Fraction(0)
        opened = seen = 0
        for order, (minute, side, price, amount, fee, own) in enumerate(rows):
            if own != key:
                continue
            now = START + minute * MINUTE
            rest = Fraction(amount)
            if position:
                prices = [Fraction(price)]
                for open_time, high, low in zip(CANDLES.timestamp, CANDLES.high, CANDLES.low, strict=True):
                    if open_time >= seen and open_time + MINUTE <= now:
                        prices += [Fraction(high), Fraction(low)]
                worths = [cash + position * each for each in prices]
                mae, mfe = min(mae, *worths), max(mfe, *worths)
            seen = now
            if position * side < 0:
                part = min(rest, abs(position))
                cash -= side * part * price
                position += side * part
                fees += Fraction(fee) * part / rest
                if not position:
                    found.append((order, (opened, now, -side, cash - fees, mae, mfe)))
                    cash = fees = mae = mfe = Fraction(0)
                fee, rest = float(Fraction(fee) * (rest - part) / rest), rest - part
            if rest:
                if not position:
                    opened = now
                cash -= side * rest * price
                position += side * rest
                fees += Fraction(fee)
    return [trade for _, trade in sorted(found, key=lambda each: each[0])]


def test_long_round_trips_are_looked_through_in_blocks() -> None:
    random = np.random.default_rng(5)
    count = 3000
    middle = 1000 * np.exp(np.cumsum(random.normal(0, 0.001, count)))
    candles = minutes([(price * 1.001, price * 0.999) for price in middle])
    for first, last in ((0, 2999), (255, 256), (255, 513), (256, 512), (1, 2), (700, 2048)):
        made = fills([(first, 1, 1000, 1, 0), (last, -1, 1000, 1, 0)])
        found = trades_of(made, keys(0, 0), candles).trades
        assert found.mfe[0] == pytest.approx(max(0.0, candles.high[first:last].max() - 1000))
        assert found.mae[0] == pytest.approx(min(0.0, candles.low[first:last].min() - 1000))


@pytest.mark.parametrize("row", [1, 255, 256, 257, 511, 512, 513, 767, 768, 769, 998])
def test_no_candle_at_the_edge_of_a_block_is_left_out(row: int) -> None:
    bounds = [(1001.0, 999.0)] * 1000
    bounds[row] = (1500.0, 600.0)
    found = trades_of(fills([(1, 1, 1000, 1, 0), (999, -1, 1000, 1, 0)]), keys(0, 0), minutes(bounds)).trades
    assert (found.mae[0], found.mfe[0]) == (-400.0, 500.0)
