"""The compiled loop and the one in Python lead an account alike: random scripts of several bots, on too little money."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exchange.candles.files import Candles
from tests.backtests.portfolio.accounts import Part, played
from tests.backtests.scripted import Script
from tests.backtests.test_loops_agree import candles, scripts
from tests.backtests.test_simulation import MARKETS
from tests.properties import examples


@examples(60)
@given(
    histories=st.lists(candles(), min_size=2, max_size=2),
    wishes=st.lists(scripts(), min_size=3, max_size=3),
    kind=st.sampled_from(sorted(MARKETS)),
    is_shared=st.booleans(),
    balance=st.sampled_from((150.0, 400.0, 2000.0)),
    leverage=st.sampled_from((1, 3, 20)),
)
def test_any_account(
    histories: list[Candles], wishes: list[Script], kind: str, is_shared: bool, balance: float, leverage: int
) -> None:
    """Two bots on one symbol and one on another, or each on its own; money is neither made nor lost among them."""
    rows = [rows_of(each) for each in histories]
    tail = "" if kind == "spot" else ":USDT"
    symbols = ("ETH", "BTC", "ETH" if is_shared else "SOL")
    parts = [
        Part(f"{coin}/USDT{tail}", script, rows[place])
        for coin, script, place in zip(symbols, wishes, (0, 1, 0), strict=True)
    ]
    terms: dict[str, Any] = {} if kind == "spot" else {"leverage": leverage, "maintenance_margin": "0.01"}
    run, found = played(parts, MARKETS[kind], balance=balance, **terms)
    traded = sum(
        float(np.sum(-each.fills.side * each.fills.amount * each.fills.price))
        - float(np.sum(np.where(each.fills.fee_in_base, 0.0, each.fills.fee)))
        for each in found
    )
    left = sum(each.quote - balance for each in found)
    assert abs(left - traded) < 1e-6 * max(1.0, abs(traded))
    if run.liquidated_at is not None:
        assert abs(balance + left) < 1e-6
        assert all(each.amount == 0.0 for each in found)


def rows_of(history: Candles) -> list[tuple[float, ...]]:
    columns = (history.open, history.high, history.low, history.close, history.volume)
    return list(zip(*(each.tolist() for each in columns), strict=True))
