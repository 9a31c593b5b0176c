"""The ledger against a model in fractions: cash that moved, coins that are held, and nothing that is averaged."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bots.booking import book_fills
from bots.ledger import rebuild
from bots.models import Fill, Order, Position, Trade
from exchange.port import FillReport
from strategies.contract import Side
from tests.bots import cast
from tests.bots.model_exchange import ModelExchange
from tests.properties import examples

D = Decimal
KEYS = ["grid/1", "grid/2", "deal:1"]

prices = st.decimals(min_value=1, max_value=5000, places=2)
amounts = st.decimals(min_value="0.01", max_value=10, places=2)


class LedgerMachine(RuleBasedStateMachine):
    """The model keeps two sums, of cash and of coins; the ledger's average costs have to agree with them."""

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.bot = cast.bot()
        self.exchange = ModelExchange(clock=lambda: cast.NOW)
        self.cash, self.coins, self.last = Fraction(0), Fraction(0), Fraction(1)
        self.listed: list[FillReport] = []

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @rule(
        side=st.sampled_from(list(Side)), price=prices, amount=amounts, key=st.sampled_from(KEYS),
        fee=st.sampled_from(["0", "0.001", "-0.0002"]), coin=st.sampled_from(["USDT", "ETH"]),
        parts=st.integers(1, 3), at=st.integers(0, 50),
    )  # fmt: skip
    def execute(
        self, side: Side, price: Decimal, amount: Decimal, key: str, fee: str, coin: str, parts: int, at: int
    ) -> None:
        """One order that is executed in one or more pieces, reported twice and in no order."""
        order = cast.order(self.bot, side, str(amount * parts), str(price), trade=key)
        pieces: list[FillReport] = []
        for _ in range(parts):
            number = len(self.listed) + len(pieces)
            charged = amount * D(fee) * (price if coin == "USDT" else 1)
            pieces.append(
                FillReport(
                    self.bot.symbol,
                    f"m{number}",
                    "",
                    order.client_order_id,
                    side,
                    price,
                    amount,
                    charged,
                    coin,
                    1_746_360_000_000 + at * 1000,
                    True,
                )
            )
            signed = Fraction(amount) if side is Side.BUY else -Fraction(amount)
            self.cash -= signed * Fraction(price) + (Fraction(charged) if coin == "USDT" else 0)
            self.coins += signed - (Fraction(charged) if coin == "ETH" else 0)
            self.last = Fraction(price)
        self.listed += pieces
        self._book([*reversed(pieces), *pieces])

    @rule()
    def read_everything_again(self) -> None:
        self._book(self.listed)

    @rule()
    def rebuild_it(self) -> None:
        assert rebuild(self.bot, now=cast.NOW) == []

    def _book(self, reports: list[FillReport]) -> None:
        book_fills(self.bot.account, reports, gateway=self.exchange, now=cast.NOW)

    @invariant()
    def each_execution_is_booked_once(self) -> None:
        if hasattr(self, "listed"):
            assert Fill.objects.count() == len(self.listed)
            assert not Order.objects.exclude(status="filled").exists()

    @invariant()
    def profit_is_cash_plus_worth(self) -> None:
        position: Any = Position.objects.first() if hasattr(self, "listed") else None
        if position is None:
            return
        assert Fraction(position.amount) == self.coins
        profit = Fraction(position.realised_pnl) + Fraction(position.unrealised_pnl(D(1))) + 0
        # At a price of 1 what is held is worth as much as there are coins; columns keep 18 places.
        assert abs(profit - (self.cash + self.coins)) < Fraction(len(self.listed), 10**15)

    @invariant()
    def round_trips_add_up_to_the_cash(self) -> None:
        if not hasattr(self, "listed"):
            return
        trades = list(Trade.objects.all())
        total = sum((Fraction(trade.profit) - Fraction(trade.open_cost) for trade in trades), Fraction(0))
        assert abs(total - self.cash) < Fraction(max(len(self.listed), 1), 10**15)
        for key in KEYS:
            assert sum(trade.key == key and trade.closed_at is None for trade in trades) <= 1
        # A group is never long and short at once.
        assert len({trade.direction for trade in trades if trade.closed_at is None and "/" in trade.key}) <= 1


@pytest.mark.property
@pytest.mark.django_db
def test_whatever_is_executed_the_ledger_is_the_sum_of_it() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=examples(25, stateful_step_count=12, suppress_health_check=list(HealthCheck)),
    )
