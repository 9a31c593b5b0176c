"""What an account can pay for is what the paper account's purse, which the simulator is held to, says that it can."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from backtests.loop.money import affords, hold
from backtests.loop.records import STANDING
from backtests.portfolio.account import lend, pool_of
from backtests.simulation import terms_of
from exchange.errors import InsufficientFunds
from exchange.paper.models import PaperStatus
from exchange.paper.orders import BookOrder, Market
from exchange.paper.purse import Need, Purse
from strategies.contract import MarketKind, MarketSpec, OrderType, Side
from tests.backtests.portfolio.accounts import Part, prepared_of
from tests.backtests.worked import MINUTE
from tests.strategies.markets import LINEAR, SPOT

BALANCE = Decimal(1000)
LEVERAGES = {"ETH": 3, "BTC": 10}
# Three bots, two of them on one market.
COINS = ("ETH", "BTC", "ETH")


@dataclass(frozen=True, slots=True)
class Order:
    bot: int
    is_buy: bool
    amount: Decimal
    price: Decimal
    reduce_only: bool


def hundredths(dice: random.Random, low: int, high: int) -> Decimal:
    return Decimal(dice.randint(low, high)) / 100


def order(dice: random.Random, *, is_linear: bool) -> Order:
    return Order(
        dice.randrange(len(COINS)),
        dice.random() < 0.5,
        hundredths(dice, 1, 2_000 if is_linear else 400),
        hundredths(dice, 9_000, 11_000),
        is_linear and dice.random() < 0.2,
    )


@pytest.mark.parametrize("kind", MarketKind)
def test_any_order_of_any_account(kind: MarketKind) -> None:
    """Random positions, results and open orders; none of the two answers is rare among them."""
    dice, is_linear, answers = random.Random(1), kind is MarketKind.LINEAR, Counter[bool]()
    specs = {coin: spec_of(coin, kind) for coin in LEVERAGES}
    for number in range(1_500):
        held = [hundredths(dice, -2_000, 2_000) if is_linear else hundredths(dice, 0, 300) for _ in COINS]
        costs = [hundredths(dice, 9_000, 11_000) for _ in COINS]
        made = [hundredths(dice, -20_000, 40_000) for _ in COINS]
        prices = {coin: hundredths(dice, 9_000, 11_000) for coin in LEVERAGES}
        standing = [order(dice, is_linear=is_linear) for _ in range(dice.randrange(7 if is_linear else 4))]
        asked = order(dice, is_linear=is_linear)
        purse = purse_of(specs, held, costs, made, prices, standing)
        need = Need(specs[COINS[asked.bot]].symbol, asked.is_buy, asked.amount, asked.price, asked.reduce_only)
        if is_close(purse, need):
            continue
        answer = is_paid(purse, need)
        answers[answer] += 1
        assert is_afforded(specs, held, costs, made, prices, standing, asked) == answer, (number, asked, standing)
    assert min(answers[True], answers[False]) > 300


def is_paid(purse: Purse, need: Need) -> bool:
    try:
        purse.check(need)
    except InsufficientFunds:
        return False
    return True


def is_close(purse: Purse, need: Need) -> bool:
    """Whether a little more or less of the coins would change the answer: floats may err by less."""
    answers = set()
    for change in (Decimal("-0.000001"), Decimal("0.000001")):
        totals = {coin: total + change for coin, total in purse.totals.items()}
        answers.add(is_paid(replace(purse, totals=totals), need))
    return len(answers) > 1


def spec_of(coin: str, kind: MarketKind) -> MarketSpec:
    spec = LINEAR if kind is MarketKind.LINEAR else SPOT
    return replace(spec, symbol=spec.symbol.replace("ETH", coin), base=coin)


def purse_of(
    specs: dict[str, MarketSpec],
    held: list[Decimal],
    costs: list[Decimal],
    made: list[Decimal],
    prices: dict[str, Decimal],
    standing: list[Order],
) -> Purse:
    totals = {"USDT": BALANCE + sum(made)}
    markets = {}
    for coin, spec in specs.items():
        own = [(amount, cost) for amount, cost, each in zip(held, costs, COINS, strict=True) if each == coin]
        size, paid = sum(amount for amount, _ in own), sum(amount * cost for amount, cost in own)
        if spec.kind is MarketKind.LINEAR:
            markets[spec.symbol] = Market(
                spec.symbol, prices[coin], 0, Decimal(size), Decimal(paid), Decimal(LEVERAGES[coin])
            )
        else:
            markets[spec.symbol] = Market(spec.symbol, prices[coin], 0)
            totals[coin] = Decimal(size)
            totals["USDT"] -= paid
    book = {
        number: BookOrder(
            number=number, client_order_id=str(number), symbol=specs[COINS[each.bot]].symbol,
            side=Side.BUY if each.is_buy else Side.SELL, type=OrderType.LIMIT, amount=each.amount, price=each.price,
            trigger_price=None, rising=False, post_only=False, reduce_only=each.reduce_only, status=PaperStatus.OPEN,
            arrival=number, created=0, updated=0,
        )
        for number, each in enumerate(standing)
    }  # fmt: skip
    return Purse({spec.symbol: spec for spec in specs.values()}, totals, markets, book)


def is_afforded(
    specs: dict[str, MarketSpec],
    held: list[Decimal],
    costs: list[Decimal],
    made: list[Decimal],
    prices: dict[str, Decimal],
    standing: list[Order],
    asked: Order,
) -> bool:
    is_linear = specs["ETH"].kind is MarketKind.LINEAR
    ready = [
        prepared_of(
            Part(specs[coin].symbol, [], [(100.0, 100.0, 100.0, 100.0)]),
            specs[coin],
            **({"leverage": LEVERAGES[coin]} if is_linear else {}),
        )
        for coin in COINS
    ]
    pool = pool_of(ready, float(BALANCE))
    for place, coin in enumerate(LEVERAGES):
        pool.price[place] = float(prices[coin])
    terms = [terms_of(each.market, each.options, MINUTE) for each in ready]
    for record, amount, cost, profit in zip(pool.bots, held, costs, made, strict=True):
        record.amount, record.cost = float(amount), float(amount * cost)
        record.quote = float(BALANCE + profit - amount * cost)
    for each in standing:
        hold.plain(terms[each.bot], pool.bots[each.bot], standing_order(each), float(each.amount))
    lend.plain(pool, asked.bot, is_linear)
    price = float(prices[COINS[asked.bot]])
    return affords.plain(
        terms[asked.bot], pool.bots[asked.bot], 1 if asked.is_buy else -1, float(asked.amount), float(asked.price), price,
        asked.reduce_only,
    )  # fmt: skip


def standing_order(order: Order) -> object:
    """As ``hold`` looks at one."""
    values = dict.fromkeys(STANDING, 0) | {"waits": False, "reduce_only": order.reduce_only}
    return SimpleNamespace(**values | {"side": 1 if order.is_buy else -1, "held_at": float(order.price)})
