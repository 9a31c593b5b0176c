"""A fixed cast for the bots' tests: one owner, one account, and bots, orders and fills around them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from bots.lifecycle import OrderStatus
from bots.models import Bot, Fill, Order
from bots.models.order import client_order_id
from exchange.models import ExchangeAccount
from tests.strategies.markets import LINEAR

NOW = datetime(2025, 5, 4, 12, 0, tzinfo=UTC)

ETH_LINEAR = replace(LINEAR, max_amount=Decimal(1000))

_numbers = itertools.count(1)


def alice() -> User:
    user, _ = User.objects.get_or_create(username="alice")
    return user


def account(name: str = "practice", **fields: Any) -> ExchangeAccount:
    found = ExchangeAccount.objects.filter(name=name).first()
    if found:
        return found
    defaults = {"environment": "simulator", "base_url": "http://127.0.0.1:9", "api_key": "key", "api_secret": "secret"}
    return ExchangeAccount.objects.create(name=name, owner=alice(), **{**defaults, **fields})


def grid_config(**changes: Any) -> dict[str, Any]:
    return {"lower": "1800", "upper": "2200", "grids": 4, "investment": "1000", **changes}


def bot(name: str = "eth-grid", **fields: Any) -> Bot:
    defaults = {"symbol": "ETH/USDT:USDT", "strategy": "grid", "config": grid_config(), "run": 1}
    return Bot.objects.create(name=name, owner=alice(), **{"account": account(), **defaults, **fields})


def order(of: Bot, side: str, amount: str, price: str, *, slot: str = "", trade: str = "", **fields: Any) -> Order:
    number = next(_numbers)
    slot = slot or f"slot:{number}"
    return Order.objects.create(
        bot=of,
        account=of.account,
        client_order_id=client_order_id(tag=of.tag, run=of.run, slot=slot, sequence=number, attempt=0),
        **{
            "symbol": of.symbol,
            "run": of.run,
            "slot": slot,
            "sequence": number,
            "trade_key": trade,
            "side": side,
            "type": "limit",
            "amount": Decimal(amount),
            "price": Decimal(price),
            "amount_step": Decimal("0.01"),
            "status": OrderStatus.OPEN,
            "created_at": NOW,
            **fields,
        },
    )


def fill(of: Order, *, price: str, amount: str, fee: str = "0", fee_currency: str = "USDT", **fields: Any) -> Fill:
    """A stored fill that the ledger has not seen yet."""
    base = of.symbol.split("/")[0]
    fee_base = Decimal(fee) if fee_currency == base else Decimal(0)
    return Fill.objects.create(
        bot=of.bot,
        account=of.account,
        order=of,
        symbol=of.symbol,
        trade_id=f"t{next(_numbers)}",
        side=of.side,
        price=Decimal(price),
        amount=Decimal(amount),
        fee=Decimal(fee),
        fee_currency=fee_currency,
        **{
            "fee_base": fee_base,
            "fee_quote": fee_base * Decimal(price) if fee_base else Decimal(fee),
            "is_maker": True,
            "executed_at": NOW,
            "booked_at": NOW,
            **fields,
        },
    )
