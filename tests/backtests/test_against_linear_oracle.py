"""Funding and liquidation: the compiled loop says what an account in decimals says that was written from the rules."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from backtests.loop.records import Funding
from backtests.simulation import Options, simulate
from exchange.candles.files import Candles
from strategies.contract import StrategyConfig
from strategies.kernel import BUY, LIMIT, MARKET, SELL, OrderRow
from tests.backtests import linear_oracle
from tests.backtests.linear_oracle import LIQUIDATED, MINUTE, Terms, TooPoor, Trade
from tests.backtests.scripted import SLOTS, Script, Scripted
from tests.backtests.test_loops_agree import HALF, candles
from tests.properties import examples
from tests.strategies.markets import LINEAR

LEVERAGE = 1000


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Market and limit orders of 0.5 to 8 coins around 100; each slot's sequence never falls."""
    sequences = [0] * SLOTS
    script, begin = [], 0
    for _ in range(draw(st.integers(1, 8))):
        orders = []
        for slot in sorted(draw(st.sets(st.integers(0, SLOTS - 1), min_size=1, max_size=SLOTS))):
            sequences[slot] += draw(st.integers(0, 1))
            kind, side = draw(st.sampled_from((LIMIT, MARKET))), draw(st.sampled_from((BUY, SELL)))
            price = draw(st.integers(185, 215)) * HALF if kind == LIMIT else 0.0
            orders.append(OrderRow(slot, sequences[slot], side, kind, draw(st.integers(5, 80)) / 10, price))
        script.append((begin, orders))
        begin += draw(st.integers(1, 300)) * 1000
    return script


fundings = st.dictionaries(
    st.integers(0, 15 * MINUTE),
    st.integers(-20, 20).map(lambda thousandths: Decimal(thousandths) / 1000),
    min_size=1,
    max_size=12,
).map(lambda found: sorted(found.items()))


@examples(60)
@given(
    script=scripts(),
    history=candles(),
    quote=st.sampled_from((20, 50, 150, 600)),
    maintenance=st.sampled_from((Decimal(0), Decimal("0.005"), Decimal("0.02"), Decimal("0.2"))),
    funding=fundings,
)
def test_the_loop_is_the_account_of_the_rules(
    script: Script, history: Candles, quote: int, maintenance: Decimal, funding: list[tuple[int, Decimal]]
) -> None:
    terms = Terms(LINEAR.maker_fee, LINEAR.taker_fee, Decimal(LEVERAGE), maintenance, funding)
    rows = zip(history.open, history.high, history.low, history.close, strict=True)
    try:
        exact = linear_oracle.played(script, [[Decimal(str(x)) for x in row] for row in rows], Decimal(quote), terms)
    except TooPoor:
        reject()
    options = Options(
        leverage=LEVERAGE,
        maintenance=float(maintenance),
        funding=Funding(
            np.array([time for time, _ in funding], np.int64), np.array([float(rate) for _, rate in funding])
        ),
    )
    found = simulate(Scripted(script), StrategyConfig(), LINEAR, history, "1m", quote=quote, options=options)
    assert found.refusals == 0
    assert found.liquidated is exact.liquidated
    ours = exact.trades
    if exact.liquidated:
        *ours, taken_over = exact.trades
        assert_taken_over(found.fills[len(ours) :], taken_over)
    assert [
        (
            int(each.point),
            found.slots[each.slot],
            int(each.side),
            float(each.price),
            float(each.amount),
            bool(each.is_maker),
        )
        for each in found.fills[: len(ours)]
    ] == [
        (each.point, f"slot {each.slot}", each.side, float(each.price), float(each.amount), each.is_maker)
        for each in ours
    ]
    assert found.funding == pytest.approx(float(exact.funding), abs=1e-9)
    np.testing.assert_allclose(found.equity, [float(each) for each in exact.equity], rtol=0, atol=1e-8)


def assert_taken_over(fills: np.recarray, trade: Trade) -> None:
    """The position trade by trade, all at one price."""
    assert trade.slot == LIQUIDATED
    assert set(fills.point.tolist()) == {trade.point}
    assert fills.price == pytest.approx(float(trade.price))
    assert np.sum(fills.side * fills.amount) == pytest.approx(trade.side * float(trade.amount), abs=1e-9)
