"""The strategy in the back-test engine gives, fill for fill, what the naive oracle works out from the rules."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from backtests.engine import run
from backtests.points import points_of
from exchange.port import Candle
from strategies.contract import MarketKind, MarketSpec
from strategies.grid.config import GridConfig
from strategies.grid.logic import GridStrategy
from tests.strategies.grid_oracle import GridRules, OracleFill, grid_fills
from tests.strategies.markets import LINEAR, MINUTE, SPOT, walking_candles
from tests.strategies.months import MONTH, SYMBOLS, days_of, market_of

DAYS = 7

# Ends of the range as a share beside the first price, or as prices.
CASES: list[tuple[str, MarketSpec, dict[str, Any]]] = [
    ("long spot, equal quote", SPOT, {}),
    ("long spot, geometric", SPOT, {"spacing": "geometric"}),
    ("long spot, equal base", SPOT, {"amount_mode": "base", "spacing": "geometric"}),
    ("long spot, coarse steps", SPOT, {"grids": 120, "investment": "900"}),
    ("long linear", LINEAR, {"leverage": "3"}),
    ("short linear", LINEAR, {"direction": "short"}),
    (
        "short linear, geometric, equal base",
        LINEAR,
        {"direction": "short", "spacing": "geometric", "amount_mode": "base"},
    ),
    ("neutral linear", LINEAR, {"direction": "neutral"}),
    ("neutral linear, geometric", LINEAR, {"direction": "neutral", "spacing": "geometric", "grids": 33}),
    ("price below the range at the start", SPOT, {"lower": "0.5%", "upper": "9%"}),
    ("price above the range at the start", SPOT, {"lower": "-8%", "upper": "-0.65%"}),
    ("price on a line at the start", LINEAR, {"lower": "0%", "upper": "5.4%", "grids": 50}),
    ("price on a line at the start, short", LINEAR, {"lower": "-5.4%", "upper": "0%", "direction": "short"}),
    ("lines that are not whole ticks", SPOT, {"lower": "-2.1111%", "upper": "2.0988%", "grids": 37}),
]


@pytest.mark.parametrize(("market", "changes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_walk_gives_the_fills_of_the_oracle(market: MarketSpec, changes: dict[str, Any]) -> None:
    assert_same_fills(walking_candles(1500, stride=3.0), market, changes)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_seven_real_days_give_the_fills_of_the_oracle(number: int) -> None:
    _, market, changes = CASES[number]
    symbol = SYMBOLS[number % len(SYMBOLS)]
    assert_same_fills(days_of(symbol, DAYS), market_of(symbol, market.kind), changes)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (MarketKind.SPOT, {"spacing": "geometric"}),
        (MarketKind.LINEAR, {"direction": "neutral", "leverage": "3"}),
    ],
    ids=["long spot", "neutral linear"],
)
def test_a_month_of_minutes_gives_the_fills_of_the_oracle(
    symbol: str, kind: MarketKind, changes: dict[str, Any]
) -> None:
    """The lines reach over all of the month."""
    candles = days_of(symbol, MONTH)
    lower, upper = min(candle.low for candle in candles), max(candle.high for candle in candles)
    span = {"lower": str(lower - 1), "upper": str(upper - 1), "grids": 90, "investment": "100000"}
    assert assert_same_fills(candles, market_of(symbol, kind), span | changes) > 800


def test_the_oracle_gives_the_fills_worked_out_by_hand() -> None:
    """Lines 90, 100, 110 with 1 coin each. The price opens at 100.

    Interval 0 (90 to 100) waits: its buy line 90 is below 100. Interval 1 (100 to 110) holds: its buy line is at the
    price, so 1 coin is bought at market at point 0 and its sell at 110 rests from point 1 on.
    First candle: 100, low 99, high 112, close 105: the sell is sent at point 1, so it fills on the way 99 to 112
    (point 2), and interval 1's buy at 100 rests from point 2. Second candle: 105, high 106, low 89, close 95: on the
    way 106 to 89 (point 6) the buys at 100 and 90 fill, in this order; sells at 110 and 100 rest from point 6, and 95
    reaches neither. Third candle: 95, low 95, high 101, close 101: on the way to 101 (point 10) the sell at 100 fills.
    """
    candles = [
        tuple(Decimal(price) for price in candle)
        for candle in [("100", "112", "99", "105"), ("105", "106", "89", "95"), ("95", "101", "95", "101")]
    ]
    rules = GridRules(
        lower=Decimal(90),
        upper=Decimal(110),
        grids=2,
        investment=Decimal(190),
        amount_mode="base",
        tick=Decimal("0.1"),
        step=Decimal("0.1"),
    )
    assert grid_fills(candles, rules) == [  # type: ignore[arg-type]
        OracleFill(0, "buy", Decimal(100), Decimal(1), "entry"),
        OracleFill(2, "sell", Decimal(110), Decimal(1), "grid:1"),
        OracleFill(6, "buy", Decimal(100), Decimal(1), "grid:1"),
        OracleFill(6, "buy", Decimal(90), Decimal(1), "grid:0"),
        OracleFill(10, "sell", Decimal(100), Decimal(1), "grid:0"),
    ]


def assert_same_fills(candles: Sequence[Candle], market: MarketSpec, changes: dict[str, Any]) -> int:
    """How many there are."""
    chosen: dict[str, Any] = {"lower": "-5.4%", "upper": "5.4%", "grids": 40, "investment": "20000"} | changes
    for end in ("lower", "upper"):
        share = chosen[end].removesuffix("%")
        if share != chosen[end]:
            chosen[end] = str(candles[0].open * (1 + Decimal(share) / 100))
    config = GridConfig.model_validate(chosen)
    result = run(GridStrategy(), config, market, points_of(candles, MINUTE), quote=Decimal(10_000_000))
    expected = grid_fills([(c.open, c.high, c.low, c.close) for c in candles], rules_of(config, market))
    assert not result.refused
    assert len(expected) > 20
    assert [OracleFill(f.point, f.side, f.price, f.amount, f.slot) for f in result.fills] == expected
    return len(expected)


def rules_of(config: GridConfig, market: MarketSpec) -> GridRules:
    assert config.lower is not None
    assert config.upper is not None
    return GridRules(
        lower=config.lower,
        upper=config.upper,
        grids=config.grids,
        investment=config.investment,
        spacing=config.spacing,
        amount_mode=config.amount_mode,
        direction=config.direction,
        leverage=config.leverage,
        tick=market.tick,
        step=market.step,
        buyer_pays_in_base=market.kind is MarketKind.SPOT,
        maker_fee=market.maker_fee,
        taker_fee=market.taker_fee,
    )
