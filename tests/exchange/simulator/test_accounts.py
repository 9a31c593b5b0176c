"""The money: positions, margins, locks, held against a ledger that adds up cash."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.simulator.accounts import Account, Position
from exchange.simulator.engine import Engine
from exchange.simulator.errors import Refusal
from exchange.simulator.floor import Matching
from exchange.simulator.instruments import Fees
from exchange.simulator.orders import Order
from exchange.simulator.replay import Replay, series_from_candles
from exchange.simulator.requests import read_order
from exchange.simulator.store import Store
from tests.exchange.candles.making import MINUTE, candles
from tests.exchange.simulator.markets import ROWS
from tests.properties import examples

D = Decimal


@pytest.mark.parametrize(
    ("fills", "size", "average", "profit"),
    [
        pytest.param(["buy 2 100"], "2", "100", "0", id="opened"),
        pytest.param(["buy 2 100", "buy 2 110"], "4", "105", "0", id="added to"),
        pytest.param(["buy 2 100", "sell 1 110"], "1", "100", "10", id="half closed"),
        pytest.param(["buy 2 100", "sell 2 90"], "0", "0", "-20", id="closed at a loss"),
        pytest.param(["sell 2 100", "buy 1 90"], "-1", "100", "10", id="a short half closed"),
        pytest.param(["sell 2 100", "buy 5 110"], "3", "110", "-20", id="a short turned long"),
        pytest.param(["buy 1 100", "sell 4 103"], "-3", "103", "3", id="a long turned short"),
    ],
)
def test_a_position_after_its_fills(fills: list[str], size: str, average: str, profit: str) -> None:
    position, booked = Position("ETHUSDT"), D(0)
    for fill in fills:
        side, qty, price = fill.split()
        booked += position.fill(side == "buy", D(price), D(qty))[0]
    assert (position.size, position.average_price, booked) == (D(size), D(average), D(profit))


amounts = st.integers(1, 5000).map(lambda steps: D(steps) / 1000)
ticks = st.integers(1, 200_000).map(lambda steps: D(steps) / 100)


@given(fills=st.lists(st.tuples(st.booleans(), ticks, amounts), min_size=1, max_size=30), mark=ticks)
def test_no_fill_makes_or_loses_money_but_by_its_price(
    fills: list[tuple[bool, Decimal, Decimal]], mark: Decimal
) -> None:
    """Profit booked + profit open = what the held amount is worth − what all of it was bought and sold for, exactly."""
    position, booked, cash, held = Position("ETHUSDT"), D(0), D(0), D(0)
    for is_buy, price, qty in fills:
        booked += position.fill(is_buy, price, qty)[0]
        cash += -price * qty if is_buy else price * qty
        held += qty if is_buy else -qty
        assert position.size == held
        assert booked + position.unrealised(mark) == cash + held * mark
        if not held:
            assert position.entry_value == 0


def engine(directory: Path) -> Engine:
    """Begun, or gone on with from what the store of the directory holds."""
    store = Store(directory / "exchange.sqlite3")
    replay = Replay([series_from_candles("ETHUSDT", candles(ROWS * 20), MINUTE)], int(store.meta("point") or 0))
    return Engine(replay, store, fees=Fees(), matching=Matching(), seed=7)


sides = st.sampled_from(["Buy", "Sell"])
categories = st.sampled_from(["spot", "linear"])
order_bodies = st.fixed_dictionaries(
    {
        "category": categories,
        "symbol": st.just("ETHUSDT"),
        "side": sides,
        "orderType": st.sampled_from(["Limit", "Limit", "Limit", "Market"]),
        "qty": st.integers(1, 400).map(lambda steps: str(D(steps) / 100)),
        "price": st.integers(88 * 4, 112 * 4).map(lambda steps: str(D(steps) / 4)),
        "timeInForce": st.sampled_from(["GTC", "GTC", "PostOnly", "IOC"]),
        "reduceOnly": st.sampled_from([False, False, True]),
        "marketUnit": st.just("baseCoin"),
    },
    optional={"triggerPrice": st.integers(88, 112).map(str), "triggerDirection": st.sampled_from(["1", "2"])},
)
actions = st.one_of(
    st.tuples(st.just("place"), order_bodies),
    st.tuples(st.just("place"), order_bodies),
    st.tuples(st.just("step"), st.integers(1, 6)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("amend"), st.tuples(st.integers(0, 30), st.integers(88, 112))),
    st.tuples(st.just("restart"), st.none()),
)
INITIAL = {"USDT": D(3000), "ETH": D(10)}


def act(exchange: Engine, account: Account, action: str, detail: Any) -> None:
    if action == "place":
        exchange.place(account, read_order(detail))
    elif action == "step":
        exchange.advance(detail)
    else:
        number, price = detail if action == "amend" else (detail, 0)
        orders = list(account.open_orders.values())
        if number >= len(orders):
            return
        order = orders[number]
        names = (order.category, order.order_id, "", "ETHUSDT")
        if action == "cancel":
            exchange.cancel(account, *names, "StopOrder" if order.is_conditional else "")
        else:
            exchange.amend(account, *names, qty=D(0), price=D(price), trigger_price=D(0))


def every_fill(exchange: Engine) -> list[dict[str, Any]]:
    import orjson

    return [
        orjson.loads(payload)
        for category in ("spot", "linear")
        for _, payload in exchange.store.executions("key", category, limit=10_000)
    ]


def check(exchange: Engine, account: Account) -> None:
    """The account against the sum of its executions and of its open orders."""
    mark = exchange.markets["linear"]["ETHUSDT"].last
    usdt, eth, held, linear_cash = INITIAL["USDT"], INITIAL["ETH"], D(0), D(0)
    for fill in every_fill(exchange):
        sign = 1 if fill["side"] == "Buy" else -1
        qty, price, fee = D(fill["execQty"]), D(fill["execPrice"]), D(fill["execFee"])
        assert D(fill["execValue"]) == qty * price
        if fill["category"] == "linear":
            held += sign * qty
            linear_cash -= sign * qty * price
            usdt -= fee
            assert fee == qty * price * (D("0.0002") if fill["isMaker"] else D("0.00055"))
        else:
            eth += sign * qty - (fee if sign > 0 else 0)
            usdt -= sign * qty * price + (fee if sign < 0 else 0)
            assert fee == (qty if sign > 0 else qty * price) * D("0.001")
    position = account.position("ETHUSDT")
    assert account.coin("ETH").wallet == eth
    assert position.size == held
    assert account.coin("USDT").wallet + position.unrealised(mark) == usdt + linear_cash + held * mark
    active = [order for order in account.open_orders.values() if order.status != "Untriggered"]
    spot = [order for order in active if order.category == "spot"]
    assert account.coin("USDT").locked == sum((one.left * one.price for one in spot if one.is_buy), D(0))
    assert account.coin("ETH").locked == sum((one.left for one in spot if not one.is_buy), D(0))
    assert account.coin("ETH").wallet >= account.coin("ETH").locked
    assert all(not order.is_market for order in active)
    for order in active:
        assert order.price < mark if order.is_buy else order.price > mark


@examples(60)
@given(steps=st.lists(actions, max_size=25))
def test_whatever_is_asked_the_account_is_the_sum_of_its_fills(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    directory = tmp_path_factory.mktemp("engine")
    exchange = engine(directory)
    exchange.put_account("key", "secret", INITIAL)
    account = exchange.accounts["key"]
    for action, detail in steps:
        if action == "restart":
            before = [order.describe() for order in account.open_orders.values()]
            coins = account.coins
            exchange.store.close()
            exchange = engine(directory)
            account = exchange.accounts["key"]
            assert [order.describe() for order in account.open_orders.values()] == before
            assert account.coins == coins
        else:
            with contextlib.suppress(Refusal):
                act(exchange, account, action, detail)
        check(exchange, account)
    exchange.store.close()


def test_an_order_is_stored_whole() -> None:
    order = Order(
        order_id="1", link_id="name", account="key", category="spot", symbol="ETHUSDT", is_buy=True, is_market=False,
        qty=D("1.10"), price=D("99.90"), time_in_force="GTC", status="New", sequence=3, arrival=4, created=5, updated=6,
        price_on_created=D("100.00"), filled=D("0.1"), filled_value=D("9.99"), fee=D("0.0001"), fee_coin="ETH",
    )  # fmt: skip
    assert Order.load(order.dump()) == order
    assert str(Order.load(order.dump()).price) == "99.90"
