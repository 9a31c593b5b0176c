"""Booking executions: coins and positions change hands, fees are taken, and the execution is written down."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal

import orjson

from exchange.simulator.accounts import Account
from exchange.simulator.instruments import Instrument
from exchange.simulator.lags import Births
from exchange.simulator.orders import ZERO, Execution, Order
from exchange.simulator.replay import Replay


@dataclass(slots=True)
class Changes:
    """What one transaction changed: orders by id, (account, execution, its rendering), (account, coin or symbol)."""

    orders: dict[str, Order] = field(default_factory=dict)
    executions: list[tuple[Execution, bytes]] = field(default_factory=list)
    coins: set[tuple[str, str]] = field(default_factory=set)
    positions: set[tuple[str, str]] = field(default_factory=set)


class Settlement:
    """Gives executions their ids and numbers and books them. Checks nothing: that was done before."""

    def __init__(self, replay: Replay, births: Births) -> None:
        self.sequence = 0
        self.namespace = uuid.UUID(int=0)
        self._replay = replay
        self._births = births

    def make_id(self, category: str, kind: str, sequence: int) -> str:
        """Spot ids are numbers, linear ids are UUIDs, as Bybit's are."""
        if category == "spot":
            return str((self.namespace.int % 9_000_000 + 1_000_000) * 10**12 + sequence * 2 + (kind == "order"))
        return str(uuid.uuid5(self.namespace, f"{kind} {sequence}"))

    def execute(
        self,
        changes: Changes,
        account: Account,
        order: Order,
        instrument: Instrument,
        price: Decimal,
        qty: Decimal,
        *,
        is_maker: bool,
        last: bool,
    ) -> Decimal:
        """Books one execution of ``qty`` in base. ``last``: of an amount in quote no more can be filled.

        Returns how much of it closed a position.
        """
        value = price * qty
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        closed = ZERO
        if instrument.is_spot:
            fee_coin, fee = (instrument.base, qty * rate) if order.is_buy else (instrument.quote, value * rate)
            _exchange_coins(changes, account, instrument, order.is_buy, qty, value)
            account.coin(fee_coin).wallet -= fee
        else:
            fee_coin, fee = instrument.quote, value * rate
            closed = self._fill_position(changes, account, instrument, order.is_buy, price, qty, fee)
        order.filled += qty
        order.filled_value += value
        order.fee += fee
        order.fee_coin = fee_coin
        done = last if order.in_quote else order.filled == order.qty
        order.status = "Filled" if done else "PartiallyFilled"
        order.changed(self._replay.time)
        self.sequence += 1
        execution = Execution(
            exec_id=self.make_id(order.category, "execution", self.sequence),
            sequence=self.sequence,
            order=order,
            price=price,
            qty=qty,
            value=value,
            fee=fee,
            fee_rate=rate,
            fee_coin=fee_coin,
            is_maker=is_maker,
            closed=closed,
            left=ZERO if done else order.left,
            time=self._replay.time,
        )
        changes.executions.append((execution, orjson.dumps(execution.describe())))
        self._births.note(f"execution {execution.sequence}")
        return closed

    def _fill_position(
        self,
        changes: Changes,
        account: Account,
        instrument: Instrument,
        is_buy: bool,
        price: Decimal,
        qty: Decimal,
        fee: Decimal,
    ) -> Decimal:
        """Returns how much of the fill closed."""
        position = account.position(instrument.symbol)
        if position.size == 0:
            position.created = self._replay.time
        profit, closed = position.fill(is_buy, price, qty)
        position.updated = self._replay.time
        position.realised += profit - fee
        coin = account.coin(instrument.quote)
        coin.wallet += profit - fee
        coin.realised += profit - fee
        changes.coins.add((account.api_key, instrument.quote))
        changes.positions.add((account.api_key, instrument.symbol))
        return closed


def _exchange_coins(
    changes: Changes, account: Account, instrument: Instrument, is_buy: bool, qty: Decimal, value: Decimal
) -> None:
    account.coin(instrument.base).wallet += qty if is_buy else -qty
    account.coin(instrument.quote).wallet += -value if is_buy else value
    changes.coins |= {(account.api_key, instrument.base), (account.api_key, instrument.quote)}
