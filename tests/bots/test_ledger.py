"""The ledger against sums worked out by hand, and against a model that keeps nothing but cash."""

from __future__ import annotations

import importlib
import random
from decimal import Decimal

import numpy as np
import pytest
from django.apps import apps
from hypothesis import given
from hypothesis import strategies as st

from backtests.metrics.round_trips import groups_of, trades_of
from bots.ledger import Holding, apply_fill, rebuild
from bots.models import Fill, Position, Trade
from strategies.contract import Side
from tests.backtests.metrics.cast import fills
from tests.bots import cast

D = Decimal


def book(fills: list[Fill]) -> None:
    for item in fills:
        apply_fill(item, now=cast.NOW)


def test_average_cost_of_two_buys_and_a_partial_sale() -> None:
    holding = Holding()
    assert holding.apply(Side.BUY, D(100), D(1), D(0), D("0.1")) == D("-0.1")
    assert holding.apply(Side.BUY, D(110), D(1), D(0), D("0.11")) == D("-0.11")
    # average 105; one sold at 120 gains 15, less its fee
    assert holding.apply(Side.SELL, D(120), D(1), D(0), D("0.12")) == D("14.88")
    assert (holding.amount, holding.cost, holding.realised) == (D(1), D(105), D("14.67"))


def test_a_fee_in_base_makes_the_rest_dearer_and_realises_nothing() -> None:
    holding = Holding()
    assert holding.apply(Side.BUY, D(100), D(1), D("0.001"), D(0)) == 0
    assert (holding.amount, holding.cost) == (D("0.999"), D(100))
    # all that is left goes at 110: 109.89 received for what cost 100
    assert holding.apply(Side.SELL, D(110), D("0.999"), D(0), D("0.10989")) == D("9.78011")
    assert (holding.amount, holding.cost) == (0, 0)


def test_a_sale_through_zero_closes_the_long_and_opens_a_short() -> None:
    holding = Holding(D(1), D(100))
    assert holding.apply(Side.SELL, D(130), D(3), D(0), D(0)) == D(30)
    assert (holding.amount, holding.cost) == (D(-2), D(-260))
    assert holding.apply(Side.BUY, D(125), D(2), D(0), D(0)) == D(10)
    assert (holding.amount, holding.cost, holding.realised) == (0, 0, D(40))


prices = st.decimals(min_value="0.00000001", max_value="200000", places=8, allow_nan=False)
amounts = st.decimals(min_value="0.00000001", max_value="100000", places=8, allow_nan=False)
rates = st.sampled_from([D(0), D("0.0002"), D("0.001"), D("-0.0001")])


@given(st.lists(st.tuples(st.sampled_from(list(Side)), prices, amounts, rates, st.booleans()), max_size=40))
def test_whatever_is_traded_profit_is_cash_plus_worth(executions: list[tuple[Side, D, D, D, bool]]) -> None:
    """Cash that moved + what is held at the last price = realised + unrealised. The model knows no average."""
    holding, cash, held, last = Holding(), D(0), D(0), D(0)
    for side, price, amount, rate, in_base in executions:
        fee_base = amount * rate if in_base and side is Side.BUY else D(0)
        fee_quote = D(0) if fee_base else price * amount * rate
        holding.apply(side, price, amount, fee_base, fee_quote)
        sign = 1 if side is Side.BUY else -1
        cash -= sign * price * amount + fee_quote
        held += sign * amount - fee_base
        last = price
    assert holding.amount == held
    profit = holding.realised + held * last - holding.cost
    # one rounding to 1e-18 per execution, and Python's 28 digits in this model
    assert abs(profit - (cash + held * last)) <= max(abs(cash), abs(held * last), D(1)) * D("1e-20")


@pytest.mark.django_db
def test_a_grid_cycle_is_one_trade_with_its_profit_after_fees() -> None:
    bot = cast.bot()
    buy = cast.order(bot, "buy", "0.5", "1900", trade="grid:1")
    sell = cast.order(bot, "sell", "0.5", "2000", trade="grid:1")
    book([cast.fill(buy, price="1900", amount="0.5", fee="0.19")])
    assert Trade.objects.get().closed_at is None
    book([cast.fill(sell, price="2000", amount="0.5", fee="0.20")])
    trade = Trade.objects.get()
    assert (trade.direction, trade.entry_value, trade.exit_value) == ("long", D(950), D(1000))
    assert (trade.profit, trade.fees_quote, trade.closed_at) == (D("49.61"), D("0.39"), cast.NOW)


@pytest.mark.django_db
def test_the_next_cycle_of_an_interval_is_a_trade_of_its_own() -> None:
    bot = cast.bot()
    for _ in range(2):
        book([cast.fill(cast.order(bot, "buy", "1", "1900", trade="grid:1"), price="1900", amount="1")])
        book([cast.fill(cast.order(bot, "sell", "1", "2000", trade="grid:1"), price="2000", amount="1")])
    assert list(Trade.objects.order_by("ordinal").values_list("ordinal", "profit")) == [(1, D(100)), (2, D(100))]


@pytest.mark.django_db
def test_dust_is_expensed_when_a_trade_closes_and_is_profit_to_whoever_sells_it() -> None:
    bot = cast.bot(symbol="ETH/USDT")
    # 1 ETH bought, 0.001 taken as fee: 0.99 can be sold in steps of 0.01, 0.009 stay
    first = cast.order(bot, "buy", "1", "1000", trade="grid:1")
    book([cast.fill(first, price="1000", amount="1", fee="0.001", fee_currency="ETH")])
    book([cast.fill(cast.order(bot, "sell", "0.99", "1100", trade="grid:1"), price="1100", amount="0.99")])
    trade = Trade.objects.get(key="grid:1")
    assert trade.closed_at is not None
    assert trade.profit == D("1089") - D("1000")
    second = cast.order(bot, "buy", "1", "1000", trade="grid:2")
    book([cast.fill(second, price="1000", amount="1", fee="0.001", fee_currency="ETH")])
    book([cast.fill(cast.order(bot, "sell", "1", "1100", trade="grid:2"), price="1100", amount="1")])
    assert Trade.objects.get(key="grid:2").profit == D("1100") - D("1000")
    assert Position.objects.get().amount == D("0.008")


@pytest.mark.django_db
def test_a_short_trade_sells_first() -> None:
    bot = cast.bot()
    book([cast.fill(cast.order(bot, "sell", "1", "2000", trade="grid:3"), price="2000", amount="1", fee="0.4")])
    book([cast.fill(cast.order(bot, "buy", "1", "1900", trade="grid:3"), price="1900", amount="1", fee="0.38")])
    trade = Trade.objects.get()
    assert (trade.direction, trade.profit) == ("short", D("99.22"))


@pytest.mark.django_db
def test_a_fee_in_a_third_coin_counts_with_its_worth_in_quote() -> None:
    bot = cast.bot()
    buy = cast.order(bot, "buy", "1", "1900", trade="grid:1")
    book([cast.fill(buy, price="1900", amount="1", fee="0.002", fee_currency="BNB", fee_quote=D("1.2"))])
    position = Position.objects.get()
    assert (position.amount, position.cost) == (D(1), D(1900))
    assert (position.realised_pnl, position.fees_quote) == (D("-1.2"), D("1.2"))


@pytest.mark.django_db
def test_rebuilding_from_the_fills_finds_equality_and_mends_a_tampered_position() -> None:
    bot = cast.bot()
    book([cast.fill(cast.order(bot, "buy", "3", "7", trade="grid:1"), price="7", amount="3", fee="0.01")])
    book([cast.fill(cast.order(bot, "sell", "1", "9", trade="grid:1"), price="9", amount="1", fee="0.01")])
    assert rebuild(bot, now=cast.NOW) == []
    Position.objects.update(realised_pnl=D(1000))
    differences = rebuild(bot, now=cast.NOW)
    assert [(item.what, item.kept) for item in differences] == [
        ("position ETH/USDT:USDT on practice realised_pnl", "1000.000000000000000000")
    ]
    assert Position.objects.get().realised_pnl == D("1.98")


@pytest.mark.django_db
def test_what_closes_a_grid_closes_each_of_its_cycles() -> None:
    """1 at 100 and 1 at 90, all sold at 95 for a fee of 0.20: one lost 5, the other earned 5, each pays half the fee."""
    bot = cast.bot()
    first, second = (cast.order(bot, "buy", "1", price, trade=f"grid/{price}") for price in ("100", "90"))
    close = cast.order(bot, "sell", "3", "95", trade="grid/close")
    book([cast.fill(first, price="100", amount="1"), cast.fill(second, price="90", amount="1")])
    book([cast.fill(close, price="95", amount="2", fee="0.20")])
    found = Trade.objects.order_by("id")
    assert [(trade.key, trade.direction, trade.exit_amount, trade.profit) for trade in found] == [
        ("grid/100", "long", D(1), D("-5.10")),
        ("grid/90", "long", D(1), D("4.90")),
    ]
    assert all(trade.closed_at for trade in found)
    # What is sold after that is a short of its own.
    book([cast.fill(close, price="96", amount="1")])
    assert [(trade.key, trade.open_amount) for trade in Trade.objects.filter(closed_at__isnull=True)] == [
        ("grid/close", D(-1))
    ]
    assert rebuild(bot, now=cast.NOW) == []


@pytest.mark.django_db
def test_the_ledger_and_a_back_test_pair_the_same_fills_the_same_way() -> None:
    dice, bot = random.Random(11), cast.bot()
    names = ["grid/1", "grid/2", "grid/entry", "deal:1", "deal:2"]
    rows = []
    for minute in range(120):
        name, side, price, amount = (
            dice.choice(names),
            dice.choice(["buy", "sell"]),
            dice.randint(90, 110),
            D(dice.randint(1, 40)) / 10,
        )
        fee = D(price) * amount / 1000
        order = cast.order(bot, side, str(amount), str(price), trade=name)
        book([cast.fill(order, price=str(price), amount=str(amount), fee=str(fee))])
        rows.append((minute, 1 if side == "buy" else -1, price, float(amount), float(fee), names.index(name)))
    found = trades_of(
        fills([row[:5] for row in rows]),
        np.array([row[5] for row in rows]),
        step=0.01,
        groups=groups_of(names),
    )
    ended = sorted((names[key], round(profit, 9)) for key, profit in zip(found.key, found.trades.profit, strict=True))
    assert len(ended) > 15
    kept = Trade.objects.filter(closed_at__isnull=False)
    assert sorted((trade.key, round(float(trade.profit), 9)) for trade in kept) == ended
    still_open = {trade.key: float(trade.open_amount) for trade in Trade.objects.filter(closed_at__isnull=True)}
    assert {names[key]: held for key, held in zip(found.open.key, found.open.position, strict=True)} == pytest.approx(
        still_open
    )


@pytest.mark.django_db
def test_what_grids_booked_before_they_were_groups_is_paired_anew() -> None:
    """Bought by an interval, sold by the entry of a grid that was built anew: two that stayed open, now one that is over."""
    bot, other = cast.bot(), cast.bot("sol-dca", strategy="dca", config={}, account=cast.account("second"))
    bought = cast.order(bot, "buy", "1", "100", trade="grid:2")
    sold = cast.order(bot, "sell", "1", "90", trade="entry")
    book([cast.fill(bought, price="100", amount="1"), cast.fill(sold, price="90", amount="1")])
    deal = cast.order(other, "buy", "1", "7", trade="entry")
    assert Trade.objects.filter(closed_at__isnull=True).count() == 2
    importlib.import_module("bots.migrations.0007_name_round_trips_by_group").rename(apps, None)
    assert rebuild(bot, now=cast.NOW)
    (trade,) = Trade.objects.all()
    assert (trade.key, trade.profit, trade.closed_at is None) == ("grid/2", D(-10), False)
    deal.refresh_from_db()
    assert deal.trade_key == "entry"
