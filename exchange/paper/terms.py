"""What a paper account is opened with, and what is wrong with that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from strategies.contract import Problem

if TYPE_CHECKING:
    from exchange.models import ExchangeAccount

_COIN = re.compile(r"[A-Z0-9]{1,32}\Z")
# More than this is a mistyped percentage.
MOST_SLIPPAGE = Decimal("0.1")
_LARGEST = Decimal(10) ** 15


def usual_paper_balances() -> dict[str, str]:
    return {"USDT": "10000"}


def paper_problems(account: ExchangeAccount) -> list[Problem]:
    """Of an unsaved account of any environment."""
    if account.environment != "paper":
        return list(_out_of_place(account))
    problems = list(_balance_problems(account.paper_balances))
    if not 0 <= account.paper_slippage <= MOST_SLIPPAGE:
        problems.append(
            Problem(
                "paper_slippage",
                f"paper_slippage {account.paper_slippage} is a fraction between 0 and {MOST_SLIPPAGE}; 0.0005 is 0.05 %.",
                str(account.paper_slippage),
                str(MOST_SLIPPAGE),
            )
        )
    if account.api_key or account.api_secret or account.api_password:
        problems.append(Problem("api_key", "A paper account takes no keys: its orders never leave this machine."))
    return problems


def _out_of_place(account: ExchangeAccount) -> Iterator[Problem]:
    for name in ("paper_balances", "paper_slippage"):
        if getattr(account, name):
            yield Problem(name, f"{name} is for paper accounts only; leave it out for {account.environment!r}.")


def _balance_problems(balances: Any) -> Iterator[Problem]:
    if not isinstance(balances, dict) or not balances:
        yield Problem("paper_balances", 'paper_balances says what the account begins with, such as {"USDT": "10000"}.')
        return
    for coin, amount in balances.items():
        try:
            number = Decimal(str(amount))
        except InvalidOperation:
            number = Decimal("NaN")
        if not _COIN.match(str(coin)) or not number.is_finite() or not 0 <= number < _LARGEST:
            yield Problem(
                "paper_balances",
                f"paper_balances: {amount!r} of {coin!r} is not an amount of a coin, such as 10000 of USDT.",
                str(amount),
            )
