"""A portfolio is its bots: one of them alone is the single back-test, several with plenty of money are several of those."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtests.data import load_candles
from backtests.made_up import made_up
from backtests.outcome import Outcome
from backtests.portfolio.preset import PortfolioPreset, portfolio_of
from backtests.portfolio.running import portfolio_back_test
from backtests.running import back_test
from exchange.candles.files import Candles

REAL = "binance_BTCUSDT_spot_15m_202304-202404.parquet"
# Strategy: timeframe, candles, settings.
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "grid": ("1m", "synthetic:regimes,days=45", {"range_percent": 5, "grids": 20, "investment": 1000}),
    "dca": (
        "1m",
        "synthetic:regimes,days=45",
        {
            "base_order_size": 100,
            "safety_order_size": 80,
            "safety_orders": 3,
            "price_deviation": 0.5,
            "take_profit": 0.5,
        },
    ),
    "trend": ("15m", "synthetic:regimes,days=120", {"investment": 1000}),
    "smc": ("15m", REAL, {"capital": 10_000, "swing_length": 5, "memory": 8}),
    "hybrid": ("1h", "synthetic:regimes,days=70", {"investment": 1000}),
}


def portfolio(kind: str, *bots: dict[str, Any], **more: Any) -> PortfolioPreset:
    values = {
        "initial_balance": 100_000,
        "market": kind,
        "fees": {"maker": "0.0002", "taker": "0.0005"},
        "slippage": "0.0001",
        "precision": {"price": "0.01", "amount": "0.001"},
        "bots": list(bots),
    }
    return portfolio_of(values | more)


def bot(strategy: str, coin: str, kind: str) -> dict[str, Any]:
    timeframe, _, config = CASES[strategy]
    symbol = f"{coin}/USDT" if kind == "spot" else f"{coin}/USDT:USDT"
    return {
        "name": f"{coin}-{strategy}",
        "symbol": symbol,
        "timeframe": timeframe,
        "strategy": strategy,
        "config": config,
    }


def candles_of(strategy: str, seed: int = 0) -> Candles:
    timeframe, source, _ = CASES[strategy]
    if not source.startswith("synthetic:"):
        folder = os.environ.get("TRADERAGENT_CANDLES")
        if not folder:
            pytest.skip("TRADERAGENT_CANDLES is not set: it names the folder with real candles")
        return load_candles(Path(folder) / source, timeframe=timeframe)[0]
    return made_up(f"{source},price=2000,seed={seed}", timeframe)


def assert_same(one: Outcome, other: Outcome) -> None:
    run, single = one.simulation, other.simulation
    np.testing.assert_array_equal(run.fills, single.fills)
    np.testing.assert_array_equal(run.refused, single.refused)
    np.testing.assert_array_equal(run.equity, single.equity)
    assert (run.slots, run.trades, run.refusals, run.candles) == (
        single.slots, single.trades, single.refusals, single.candles
    )  # fmt: skip
    assert (run.finish, run.liquidated, run.quote, run.amount, run.fees) == (
        single.finish, single.liquidated, single.quote, single.amount, single.fees
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["spot", "linear"])
@pytest.mark.parametrize("strategy", CASES)
def test_a_portfolio_of_one_bot_is_the_single_back_test(strategy: str, kind: str) -> None:
    candles, chosen = candles_of(strategy), portfolio(kind, bot(strategy, "BTC", kind))
    single = back_test(chosen.bots[0].preset, candles)
    found = portfolio_back_test(chosen, [candles])
    assert len(single.simulation.fills) > 3
    assert_same(found.bots[0].outcome, single)
    np.testing.assert_array_equal(found.equity, single.equity)
    own, alone = found.summary.to_json(), single.summary.to_json()
    assert own.keys() == alone.keys()
    for name, value in alone.items():
        if value is None or name == "monthly_returns":
            assert own[name] == value, name
        else:
            assert own[name] == pytest.approx(value, rel=1e-9), name


OPTIONS: dict[str, dict[str, Any]] = {
    "funding": {"funding": "0.0003"},
    "in parts": {"volume_share": "0.0005", "impact": "0.1"},
    "late": {"latency": 30_000, "spread": "0.0004"},
    "pessimistic": {"intrabar": "pessimistic", "fill": "through"},
    "liquidated": {"initial_balance": 2750, "maintenance_margin": "0.03"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_whatever_the_market_does_with_its_orders(name: str) -> None:
    """The stop of the deals and their targets often lie within one candle."""
    deals = bot("dca", "BTC", "linear")
    deals["config"] = deals["config"] | {"volume_scale": 2, "safety_orders": 5}
    deals["config"] |= {"leverage": 20} if name == "liquidated" else {"stop_loss": 3}
    candles, chosen = candles_of("dca"), portfolio("linear", deals, **OPTIONS[name])
    single = back_test(chosen.bots[0].preset, candles)
    found = portfolio_back_test(chosen, [candles])
    assert_same(found.bots[0].outcome, single)
    assert single.simulation.liquidated == (found.liquidated_at is not None) == (name == "liquidated")
    assert single.simulation.liquidated or len(single.simulation.fills) > 100


@pytest.mark.parametrize("kind", ["spot", "linear"])
def test_bots_with_plenty_of_money_are_their_single_back_tests(kind: str) -> None:
    """Of two timeframes; and the account is their sum."""
    strategies, coins = ("grid", "dca", "trend"), ("ETH", "BTC", "SOL")
    chosen = portfolio(kind, *(bot(strategy, coin, kind) for strategy, coin in zip(strategies, coins, strict=True)))
    candles = [candles_of(strategy, seed) for seed, strategy in enumerate(strategies)]
    begin = int(candles[0].timestamp[36 * 1440])
    found = portfolio_back_test(chosen, candles, begin=begin)
    end = int(candles[0].timestamp[-1]) + 60_000
    profits = 0.0
    for each, own in zip(found.bots, candles, strict=True):
        preset = each.outcome.preset
        single = back_test(preset, own.between(0, end), begin=begin)
        assert len(single.simulation.fills) > 1
        assert_same(each.outcome, single)
        profits += float(single.equity[-1]) - 100_000
    assert found.equity[-1] - 100_000 == pytest.approx(profits, rel=1e-9)
    assert len(found.equity) == 9 * 1440
