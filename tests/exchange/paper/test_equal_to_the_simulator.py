"""The same orders on the same prices: the paper account and the exchange simulator agree to the last digit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import ExchangeError
from exchange.gateways import gateway_for
from exchange.port import ExchangeGateway, OrderRequest
from strategies.contract import MarketKind, MarketSpec, OrderType, Side
from tests.bots import cast
from tests.bots.candle_files import Candle
from tests.bots.market import SteppedMarket, stepped_market

SPOT, LINEAR = "ETH/USDT", "ETH/USDT:USDT"
CANDLES = 50
FUNDS = {"USDT": "30000", "ETH": "6"}


def wandering(seed: int) -> list[Candle]:
    """Candles whose prices wander by a per cent or two a minute, so that every kind of order is met."""
    chance = random.Random(seed)
    price, candles = Decimal(2000), []
    for _ in range(CANDLES):
        end = price + Decimal(chance.randint(-2500, 2500)) / 100
        top = max(price, end) + Decimal(chance.randint(0, 1200)) / 100
        bottom = min(price, end) - Decimal(chance.randint(0, 1200)) / 100
        candles.append(tuple(str(one) for one in (price, top, bottom, end)))
        price = end
    return candles  # type: ignore[return-value]


@pytest.fixture
def market(tmp_path: Path, db: None, request: pytest.FixtureRequest) -> Iterator[SteppedMarket]:
    funds = ",".join(f"{coin}={amount}" for coin, amount in FUNDS.items())
    with stepped_market(tmp_path, wandering(request.param), balances=funds) as stepped:
        yield stepped


def paper_on(market: SteppedMarket, **fields: Any) -> ExchangeGateway:
    account = cast.account(
        "paper",
        environment="paper",
        base_url=market.simulator.url,
        api_key="",
        api_secret="",
        options={"enableRateLimit": False},
        **{"paper_balances": FUNDS, **fields},
    )
    return gateway_for(account.gateway_config())


class BothSides:
    """Does the same on both and insists on the same answer."""

    def __init__(self, paper: ExchangeGateway, simulator: ExchangeGateway) -> None:
        self.sides = (paper, simulator)
        self.placed: list[tuple[str, str]] = []

    def ask(self, what: Callable[[ExchangeGateway], Any]) -> Any:
        answers = []
        for side in self.sides:
            try:
                answers.append(what(side))
            except ExchangeError as error:
                answers.append(type(error).__name__)
        assert answers[0] == answers[1]
        return answers[0]

    def place(self, request: OrderRequest) -> None:
        self.placed.append((request.symbol, request.client_order_id))

        def place(side: ExchangeGateway) -> str:
            side.place(request)
            return "placed"

        self.ask(place)

    def compare(self) -> None:
        self.ask(self._fills)
        self.ask(self._orders)
        self.ask(self._positions)
        self.ask(self._balances)

    def _fills(self, side: ExchangeGateway) -> Any:
        return [
            (
                fill.symbol,
                fill.client_order_id,
                fill.side,
                fill.price,
                fill.amount,
                fill.fee,
                fill.fee_currency,
                fill.timestamp,
                fill.is_maker,
            )
            for kind in MarketKind
            for fill in side.fills_since(kind, 0)
        ]

    def _orders(self, side: ExchangeGateway) -> Any:
        return {
            order.client_order_id: (order.status, order.amount, order.price, order.filled, order.average_price)
            for symbol in sorted({symbol for symbol, _ in self.placed})
            for order in side.orders_since(symbol, 0)
        }

    def _positions(self, side: ExchangeGateway) -> Any:
        return [
            (held.symbol, held.amount, held.average_price, held.unrealised_pnl, held.leverage)
            for held in side.positions()
        ]

    def _balances(self, side: ExchangeGateway) -> Any:
        return {
            coin: (balance.total, balance.used, balance.free)
            for coin, balance in side.balances().items()
            if balance.total
        }


def some_order(chance: random.Random, number: int, spec: MarketSpec, last: Decimal) -> OrderRequest:
    kind = chance.choices([OrderType.LIMIT, OrderType.MARKET, OrderType.STOP], [7, 1, 2])[0]
    side = chance.choice(list(Side))
    off = Decimal(chance.randint(-3000, 3000)) / 100
    beyond = abs(off) + Decimal("0.5")
    trigger = last + beyond if side is Side.BUY else last - beyond
    return OrderRequest(
        symbol=spec.symbol,
        client_order_id=f"order-{number}",
        side=side,
        type=kind,
        amount=spec.quantise_amount(Decimal(chance.randint(2, 120)) / 100),
        price=spec.quantise_price(last + off) if kind is OrderType.LIMIT else None,
        trigger_price=spec.quantise_price(trigger) if kind is OrderType.STOP else None,
        post_only=kind is OrderType.LIMIT and chance.random() < 0.3,
        reduce_only=spec.symbol == LINEAR and chance.random() < 0.25,
    )


@pytest.mark.parametrize("market", [1, 2], indirect=True)
def test_the_same_orders_give_the_same_fills_fees_and_balances(
    market: SteppedMarket, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.node.callspec.params["market"])
    both = BothSides(paper_on(market), market.gateway)
    specs = both.sides[0].markets()
    both.ask(lambda side: side.set_leverage(LINEAR, Decimal(5)))
    for point in range(CANDLES * 2):
        market.step()
        last = both.ask(lambda side: side.ticker(SPOT).last)
        # The paper account looks at every point, as a bot's tick does.
        both.ask(lambda side: len(side.fills_since(MarketKind.SPOT, 0)))
        both.ask(lambda side: len(side.fills_since(MarketKind.LINEAR, 0)))
        if chance.random() < 0.6:
            both.place(some_order(chance, point, specs[chance.choice([SPOT, LINEAR])], last))
        if both.placed and chance.random() < 0.15:
            symbol, client_order_id = chance.choice(both.placed)
            both.ask(lambda side: side.cancel(symbol, client_order_id))  # noqa: B023 - called at once
        if point % 25 == 0:
            both.compare()
    both.compare()
    kinds = {fill[8] for fill in both.ask(both._fills)}
    assert kinds == {True, False}, "makers and takers must both have been among them"
    assert len(both.ask(both._fills)) > 30


@pytest.mark.parametrize("market", [4], indirect=True)
def test_amended_orders_go_the_same_way(market: SteppedMarket) -> None:
    chance = random.Random(4)
    both = BothSides(paper_on(market), market.gateway)
    spec = both.sides[0].markets()[LINEAR]
    for number in range(45):
        market.step()
        last = both.ask(lambda side: side.ticker(LINEAR).last)
        both.ask(lambda side: len(side.fills_since(MarketKind.LINEAR, 0)))
        side = chance.choice(list(Side))
        away = Decimal(20) if side is Side.SELL else Decimal(-20)
        if number % 3 == 0:
            both.place(
                OrderRequest(
                    LINEAR, f"order-{number}", side, OrderType.LIMIT, Decimal("0.5"), spec.quantise_price(last + away)
                )
            )
        else:
            _, client_order_id = chance.choice(both.placed)
            price = spec.quantise_price(last + Decimal(chance.randint(-1500, 1500)) / 100)
            amount = Decimal(chance.randint(20, 90)) / 100
            both.ask(lambda gateway: gateway.amend(LINEAR, client_order_id, amount=amount, price=price))  # noqa: B023
    both.compare()
    assert len(both.ask(both._fills)) >= 10


@pytest.mark.parametrize("market", [5], indirect=True)
def test_after_an_absence_the_fills_are_those_of_somebody_who_was_there(market: SteppedMarket) -> None:
    """The simulator matches at every point; the paper account looks once in seven candles and walks their path."""
    chance = random.Random(5)
    both = BothSides(paper_on(market), market.gateway)
    specs = both.sides[0].markets()
    market.step(3)
    for number in range(6):
        last = both.ask(lambda side: side.ticker(SPOT).last)
        for symbol in (SPOT, LINEAR):
            for away in (-30, -18, -7, 9, 16, 33):
                price = specs[symbol].quantise_price(last + Decimal(away * 100 + chance.randint(0, 99)) / 100)
                side = Side.BUY if away < 0 else Side.SELL
                name = f"order-{number}-{specs[symbol].kind}-{away}"
                both.place(OrderRequest(symbol, name, side, OrderType.LIMIT, Decimal("0.1"), price))
        # To the last point of a candle, where no extreme of it is still to come.
        market.step(4 * 7)
        both.compare()
    assert len(both.ask(both._fills)) > 30
