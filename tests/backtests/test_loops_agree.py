"""Three loops, one answer: compiled, the same as Python, and the one in exact decimals, over random scripts and candles."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests import engine, exact_records
from backtests.loop.records import Funding
from backtests.points import candles_of, points_of
from backtests.simulation import Options, Simulation, simulate
from exchange.candles.files import Candles
from strategies.contract import StrategyConfig
from strategies.kernel import BUY, LIMIT, MARKET, SELL, STOP, OrderRow
from tests.backtests.scripted import SLOTS, Script, Scripted
from tests.backtests.test_simulation import MARKETS, MINUTE, assert_equal
from tests.properties import examples

# Candles and orders lie on half units around 100, so that prices are often met exactly.
HALF = 0.5
CANDLES = 40


@st.composite
def candles(draw: st.DrawFn) -> Candles:
    count = draw(st.integers(2, CANDLES))
    moves = st.lists(
        st.tuples(st.integers(-2, 2), st.integers(0, 6), st.integers(0, 6), st.integers(0, 12), st.integers(0, 30)),
        min_size=count,
        max_size=count,
    )
    rows, last = [], 200
    for number, (gap, up, down, where, volume) in enumerate(draw(moves)):
        opened = max(150, min(250, last + gap))
        low, high = opened - down, opened + up
        last = low + round((high - low) * where / 12)
        rows.append((number * MINUTE, opened * HALF, high * HALF, low * HALF, last * HALF, float(volume)))
    table = np.array(rows)
    return Candles(table[:, 0].astype(np.int64), *np.ascontiguousarray(table[:, 1:].T))


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Each slot's sequence never falls, as the contract asks."""
    sequences = [0] * SLOTS
    script, begin = [], 0
    for _ in range(draw(st.integers(1, 10))):
        orders = []
        for slot in sorted(draw(st.sets(st.integers(0, SLOTS - 1), max_size=SLOTS))):
            sequences[slot] += draw(st.integers(0, 1))
            kind, side = draw(st.sampled_from((LIMIT, LIMIT, MARKET, STOP))), draw(st.sampled_from((BUY, SELL)))
            price = draw(st.integers(180, 220)) * HALF
            orders.append(
                OrderRow(
                    slot,
                    sequences[slot],
                    side,
                    kind,
                    draw(st.integers(1, 400)) / 100,
                    price if kind == LIMIT else 0.0,
                    price if kind == STOP else 0.0,
                    post_only=kind == LIMIT and draw(st.booleans()),
                    reduce_only=draw(st.booleans()),
                    protective=kind == STOP and draw(st.booleans()),
                )
            )
        script.append((begin, orders))
        begin += draw(st.integers(1, 300)) * 1000
    return script


def in_decimals(script: Script, kind: str, history: Candles, quote: int, options: Options) -> exact_records.Result[Any]:
    exact = exact_records.Options(
        Decimal(str(options.slippage)),
        options.through,
        Decimal(str(options.leverage)),
        Decimal(str(options.spread)),
        options.latency,
    )
    points = points_of(candles_of(history), MINUTE)
    return engine.run(Scripted(script), StrategyConfig(), MARKETS[kind], points, quote=Decimal(quote), options=exact)


def both(script: Script, kind: str, history: Candles, quote: int, options: Options) -> list[Simulation[Any]]:
    return [
        simulate(
            Scripted(script),
            StrategyConfig(),
            MARKETS[kind],
            history,
            "1m",
            quote=quote,
            options=options,
            compiled=compiled,
        )
        for compiled in (True, False)
    ]


def assert_same(one: Simulation[Any], two: Simulation[Any]) -> None:
    for name in one.fills.dtype.names:
        if name not in ("slot", "trade"):
            np.testing.assert_array_equal(one.fills[name], two.fills[name], err_msg=name)
    assert [one.slots[each] for each in one.fills.slot] == [two.slots[each] for each in two.fills.slot]
    assert [one.trades[each] for each in one.fills.trade] == [two.trades[each] for each in two.fills.trade]
    assert [(each.point, each.sequence, each.why) for each in one.refused] == [
        (each.point, each.sequence, each.why) for each in two.refused
    ]
    np.testing.assert_array_equal(one.equity, two.equity)
    for name in ("state", "refusals", "quote", "amount", "fees", "funding", "liquidated", "candles"):
        assert getattr(one, name) == getattr(two, name), name


@examples(60)
@given(
    script=scripts(),
    history=candles(),
    kind=st.sampled_from(sorted(MARKETS)),
    quote=st.sampled_from((150, 10_000)),
    options=st.builds(
        Options,
        slippage=st.sampled_from((0.0, 0.0005)),
        through=st.booleans(),
        leverage=st.sampled_from((1.0, 5.0)),
        spread=st.sampled_from((0.0, 0.001)),
        latency=st.sampled_from((0, 0, 250, 20_000, 45_000)),
    ),
)
def test_all_three(script: Script, history: Candles, kind: str, quote: int, options: Options) -> None:
    fast, plain = both(script, kind, history, quote, options)
    assert_equal(fast, in_decimals(script, kind, history, quote, options), MARKETS[kind])
    assert_same(fast, plain)


@examples(60)
@given(
    script=scripts(),
    history=candles(),
    quote=st.sampled_from((100, 400, 10_000)),
    every=st.integers(1, 20),
    options=st.fixed_dictionaries(
        {
            "maintenance": st.sampled_from((0.0, 0.02, 0.2)),
            "leverage": st.sampled_from((1.0, 20.0)),
            "impact": st.sampled_from((0.0, 0.1)),
            "volume_share": st.sampled_from((0.0, 0.1)),
            "latency": st.sampled_from((0, 250)),
            "pessimistic": st.booleans(),
        }
    ),
)
def test_compiled_and_not(script: Script, history: Candles, quote: int, every: int, options: dict[str, Any]) -> None:
    times = np.arange(1, 10, dtype=np.int64) * every * MINUTE
    funding = Funding(times, np.where(times % (2 * MINUTE) == 0, 0.001, -0.002))
    fast, plain = both(script, "linear", history, quote, Options(funding=funding, **options))
    assert_same(fast, plain)
    if fast.liquidated:
        assert fast.equity[-1] == fast.quote == 0.0
        assert set(fast.fills.slot[-1:]) == {fast.slots.index("liquidation")}
    else:
        signed = fast.fills.side * fast.fills.amount
        cash = quote - np.sum(signed * fast.fills.price) - np.sum(fast.fills.fee) - fast.funding
        assert fast.quote == pytest.approx(cash, abs=1e-8)
        assert fast.amount == pytest.approx(np.sum(signed), abs=1e-9)


@pytest.mark.parametrize("sold_at", [230_000, 330_000, 470_000, 560_000])
def test_a_refused_order_is_sent_again_at_the_same_times_with_latency(sold_at: int) -> None:
    """All money is in coins; the second purchase is refused until they are sold."""
    buys = [OrderRow(0, 0, BUY, MARKET, 1.4, 0.0, 0.0), OrderRow(1, 0, BUY, MARKET, 1.0, 0.0, 0.0)]
    script = [(0, buys), (sold_at, [*buys, OrderRow(2, 0, SELL, MARKET, 1.3, 0.0, 0.0)])]
    flat = np.full(20, 100.0)
    history = Candles(np.arange(20, dtype=np.int64) * MINUTE, *(flat.copy() for _ in range(5)))
    options = Options(latency=45_000)
    fast, plain = both(script, "spot", history, 150, options)
    assert [fast.slots[each] for each in fast.fills.slot] == ["slot 0", "slot 2", "slot 1"]
    assert_equal(fast, in_decimals(script, "spot", history, 150, options), MARKETS["spot"])
    assert_same(fast, plain)
