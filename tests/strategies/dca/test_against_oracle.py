"""The strategy in the back-test engine gives, fill for fill, what the naive oracle works out from the rules."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from backtests.engine import run
from backtests.points import PricePoint, points_of
from strategies.contract import MarketKind, MarketSpec
from strategies.dca.config import DcaConfig, Reference
from strategies.dca.logic import DcaStrategy
from tests.strategies.dca.oracle import DealRules, OracleFill, dca_fills
from tests.strategies.markets import LINEAR, MINUTE, SPOT, walking_candles
from tests.strategies.months import MONTH, SYMBOLS, days_of, market_of

DAYS = 12
TIGHT: dict[str, Any] = {
    "base_order_size": 200,
    "safety_order_size": 150,
    "safety_orders": 5,
    "active_safety_orders": 2,
    "price_deviation": "0.35",
    "step_scale": "1.3",
    "volume_scale": "1.45",
    "take_profit": "0.6",
}
CASES: list[tuple[str, MarketSpec, dict[str, Any]]] = [
    ("long spot", SPOT, {}),
    ("long linear", LINEAR, {}),
    ("short linear", LINEAR, {"direction": "short"}),
    ("long linear, leverage", LINEAR, {"leverage": "3", "active_safety_orders": 1}),
    ("no safety orders", SPOT, {"safety_orders": 0}),
    ("all safety orders at once", SPOT, {"active_safety_orders": 5, "step_scale": "1", "volume_scale": "1"}),
    ("take profit from the base order", SPOT, {"take_profit_from": "base"}),
    ("take profit in steps", SPOT, {"take_profit": None, "take_profit_steps": "0.3:40, 0.6:35, 1.1:25"}),
    (
        "take profit in steps, short",
        LINEAR,
        {"take_profit": None, "take_profit_steps": "0.3:50, 0.8:50", "direction": "short", "base_order_size": 500},
    ),
    ("trailing take profit", SPOT, {"trailing_take_profit": "0.2"}),
    ("trailing take profit, short", LINEAR, {"trailing_take_profit": "0.2", "direction": "short"}),
    (
        "steps, the last one trailing",
        LINEAR,
        {
            "take_profit": None,
            "take_profit_steps": "0.4:50, 0.7:50",
            "trailing_take_profit": "0.15",
            "base_order_size": 500,
        },
    ),
    ("stop loss at the exchange", LINEAR, {"stop_loss": "1.2"}),
    ("stop loss at the exchange, short", LINEAR, {"stop_loss": "1.2", "direction": "short"}),
    ("stop loss from the base order", LINEAR, {"stop_loss": "3.5", "stop_loss_from": "base"}),
    ("stop loss on spot", SPOT, {"stop_loss": "1.2"}),
    ("stop loss with a time-out", LINEAR, {"stop_loss": "0.8", "stop_loss_timeout": 900}),
    ("stop loss with a time-out, short", LINEAR, {"stop_loss": "0.8", "stop_loss_timeout": 900, "direction": "short"}),
    ("cool-down", SPOT, {"cool_down": 1800}),
    ("longest deal", SPOT, {"max_deal_time": 7200}),
]
IDS = [case[0] for case in CASES]


@pytest.mark.parametrize(("market", "changes"), [case[1:] for case in CASES], ids=IDS)
def test_a_walk_gives_the_fills_of_the_oracle(market: MarketSpec, changes: dict[str, Any]) -> None:
    assert_same_fills(list(points_of(walking_candles(2500, stride=3.0), MINUTE)), market, changes)


@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
def test_twelve_real_days_give_the_fills_of_the_oracle(number: int) -> None:
    _, market, changes = CASES[number]
    symbol = SYMBOLS[number % len(SYMBOLS)]
    assert_same_fills(points_of_days(symbol, DAYS), market_of(symbol, market.kind), changes)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (MarketKind.SPOT, {}),
        (MarketKind.LINEAR, {"direction": "short", "trailing_take_profit": "0.2", "stop_loss": "2"}),
    ],
    ids=["long spot", "short linear, trailing, stopped"],
)
def test_a_month_of_minutes_gives_the_fills_of_the_oracle(
    symbol: str, kind: MarketKind, changes: dict[str, Any]
) -> None:
    fills = assert_same_fills(points_of_days(symbol, MONTH), market_of(symbol, kind), changes)
    assert fills > 150


def test_the_oracle_gives_the_fills_worked_out_by_hand() -> None:
    """A base order of 100 at 100 is 1 coin; a safety order of 98 at −2 % is 1 coin at 98. Take profit 1 %.

    Point 0: the base order trades at 100. Point 1 (99): it is seen; the take profit rests at 101, the safety order at 98.
    Point 2 (97): the safety order traded at 98 on the way; the average is 99, the take profit 2 coins at 99.99, on the
    tick of 0.1 100.0. Point 3 (100.5): it traded at 100.0, the next base order goes out at 100.5 in that very step:
    100 / 100.5 is 0.995…, on the step of 0.1 0.9 coins.
    """
    rules = DealRules(
        base=Fraction(100),
        safety=Fraction(98),
        count=1,
        active=1,
        deviation=Fraction(2),
        step_scale=Fraction(1),
        volume_scale=Fraction(1),
        steps=((Fraction(1), Fraction(100)),),
        tick=Fraction(1, 10),
        step=Fraction(1, 10),
        least=Fraction(1, 10),
        least_worth=Fraction(0),
        linear=True,
    )
    points = [(place * 1000, Decimal(price)) for place, price in enumerate(("100", "99", "97", "100.5"))]
    assert dca_fills(points, rules) == [
        OracleFill(0, "base", 1, "buy", Fraction(100), Fraction(1)),
        OracleFill(2, "safety:1", 1, "buy", Fraction(98), Fraction(1)),
        OracleFill(3, "take_profit:1", 1, "sell", Fraction(100), Fraction(2)),
        OracleFill(3, "base", 2, "buy", Fraction("100.5"), Fraction("0.9")),
    ]


def points_of_days(symbol: str, days: int) -> list[PricePoint]:
    return list(points_of(days_of(symbol, days), MINUTE))


def assert_same_fills(points: list[PricePoint], market: MarketSpec, changes: dict[str, Any]) -> int:
    """How many there are."""
    chosen = {name: value for name, value in (TIGHT | changes).items() if value is not None}
    config = DcaConfig.model_validate(chosen)
    result = run(DcaStrategy(), config, market, points, quote=Decimal(1_000_000))
    expected = dca_fills(points, rules_of(config, market))
    found = [
        OracleFill(f.point, f.slot, int(f.trade.removeprefix("deal:")), f.side, Fraction(f.price), Fraction(f.amount))
        for f in result.fills
    ]
    assert not result.refused
    kinds = Counter(fill.slot.partition(":")[0] for fill in expected)
    assert kinds["base"] > 5
    assert not config.safety_orders or kinds["safety"] > 10
    assert config.stop_loss is None or kinds["stop"] + kinds["close"] > 2
    assert config.trailing_take_profit is None or kinds["close"] > 3
    assert found == expected
    return len(found)


def rules_of(config: DcaConfig, market: MarketSpec) -> DealRules:
    def part(value: Decimal | None) -> Fraction | None:
        return None if value is None else Fraction(value)

    steps = [each.split(":") for each in config.take_profit_steps.replace(" ", "").split(",") if each]
    return DealRules(
        base=Fraction(config.base_order_size * config.leverage),
        safety=Fraction((config.safety_order_size or 0) * config.leverage),
        count=config.safety_orders,
        active=config.active_safety_orders,
        deviation=Fraction(config.price_deviation),
        step_scale=Fraction(config.step_scale),
        volume_scale=Fraction(config.volume_scale),
        steps=tuple((Fraction(percent), Fraction(share)) for percent, share in steps)
        or ((Fraction(config.take_profit or 0), Fraction(100)),),
        tick=Fraction(market.tick),
        step=Fraction(market.step),
        least=Fraction(market.min_amount),
        least_worth=Fraction(market.min_notional or 0),
        short=config.direction == "short",
        linear=market.kind is MarketKind.LINEAR,
        maker=Fraction(market.maker_fee),
        taker=Fraction(market.taker_fee),
        profit_from_base=config.take_profit_from is Reference.BASE,
        trailing=part(config.trailing_take_profit),
        stop=part(config.stop_loss),
        stop_from_base=config.stop_loss_from is Reference.BASE,
        timeout=config.stop_loss_timeout * 1000,
        cool_down=config.cool_down * 1000,
        longest=None if config.max_deal_time is None else config.max_deal_time * 1000,
    )
