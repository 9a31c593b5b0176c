"""A cross with market orders trades as in backtesting.py, trade by trade.

Both decide when a candle has closed and trade at the next open (there: ``trade_on_close=False``, its default; here: the
first point of a candle is the first that sees the one before). Both buy whole units for a share of the money, fee not
counted in, and pay the fee in quote on both ways. What it traded lies in data/backtesting_py.json.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests.metrics.inputs import Fills
from backtests.metrics.round_trips import trades_of
from backtests.simulation import simulate
from tests.backtests.crosses import CASES, MARKETS, RECORD, fingerprint
from tests.backtests.ema_cross import CrossConfig, CrossStrategy
from tests.strategies.markets import SPOT

RECORDED: list[dict[str, Any]] = json.loads(RECORD.read_text())["cases"]


def test_every_case_was_recorded_as_it_stands() -> None:
    assert [{name: each[name] for name in case} for case, each in zip(CASES, RECORDED, strict=True)] == CASES


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "python"])
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case['market']} {case['fast']}/{case['slow']}")
def test_trades_are_those_of_backtesting_py(case: dict[str, Any], compiled: bool) -> None:
    candles = MARKETS[case["market"]]()
    assert fingerprint(candles) == case["candles"], "backtesting.py was given other candles"
    fee = Decimal(str(case["fee"]))
    market = replace(
        SPOT,
        step=Decimal(1),
        min_amount=Decimal(1),
        max_amount=None,
        maker_fee=fee,
        taker_fee=fee,
        buyer_pays_in_quote=True,
    )
    config = CrossConfig(fast=case["fast"], slow=case["slow"], share=case["share"])
    strategy = CrossStrategy(case["money"])
    found = simulate(strategy, config, market, candles, "1m", quote=case["money"], compiled=compiled)
    made = found.fills
    fills = Fills(made.timestamp, made.side.astype(np.int8), made.price, made.amount, made.fee, made.is_maker)
    trades = trades_of(fills, made.trade).trades

    assert len(trades) == len(case["entry"]) > 30
    assert trades.opened_at.tolist() == case["entry"]
    assert trades.closed_at.tolist() == case["exit"]
    assert trades.amount.tolist() == case["size"]
    assert trades.entry_price.tolist() == pytest.approx(case["entry_price"], rel=1e-12)
    assert trades.exit_price.tolist() == pytest.approx(case["exit_price"], rel=1e-12)
    assert trades.profit.tolist() == pytest.approx(case["profit"], rel=1e-9, abs=1e-6)
    assert found.equity[-1] == pytest.approx(case["final_equity"], rel=1e-9)
    assert found.equity.min() == pytest.approx(case["lowest_equity"], rel=1e-9)
