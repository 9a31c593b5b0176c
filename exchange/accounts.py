"""Writing exchange accounts: one set of rules for pages, API, admin and YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from exchange.errors import ExchangeError
from exchange.models import Environment, ExchangeAccount, PaperBook
from exchange.paper.terms import paper_problems, usual_paper_balances
from strategies.contract import Problem

KEYS = ("api_key", "api_secret", "api_password")
# What an account is; these cannot change under orders that stand there.
_IDENTITY = ("exchange_id", "environment")
_EDITABLE = frozenset({"name", *_IDENTITY, "base_url", "options", "paper_balances", "paper_slippage", *KEYS})
# As ccxt calls what must not be seen.
_KEY_NAME = re.compile(r"api_?key|secret|password|passphrase|private_?key|token", re.I)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


class AccountRefused(ExchangeError):
    """``problems`` name the field, the value, the limit and the mend."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problem.message for problem in self.problems))


class AccountInUse(ExchangeError):
    """Bots stand in the way."""


@cache
def _exchange_ids() -> frozenset[str]:
    # Half a second and 76 MB that a process which writes no account can do without.
    import ccxt

    return frozenset(ccxt.exchanges)


def check_account(account: ExchangeAccount) -> list[Problem]:
    """Everything that is wrong with an unsaved account, by itself."""
    problems = []
    if not _NAME.match(account.name):
        problems.append(
            Problem(
                "name",
                f"name {account.name!r} must be 1 to 64 letters, digits, hyphens or underscores.",
                account.name,
            )
        )
    if account.exchange_id not in _exchange_ids():
        problems.append(
            Problem(
                "exchange_id",
                f"exchange_id {account.exchange_id!r} is not an exchange that ccxt knows; for Bybit it is 'bybit'.",
                account.exchange_id,
            )
        )
    if account.environment not in Environment.values:
        choices = ", ".join(Environment.values)
        problems.append(
            Problem(
                "environment",
                f"environment {account.environment!r} must be one of: {choices}.",
                account.environment,
                choices,
            )
        )
    is_simulator = account.environment == Environment.SIMULATOR
    is_paper = account.environment == Environment.PAPER
    if (is_simulator or (is_paper and account.base_url)) and not account.base_url.startswith(("http://", "https://")):
        problems.append(
            Problem(
                "base_url",
                "base_url must say where the simulator listens, such as http://127.0.0.1:9000.",
                account.base_url,
            )
        )
    problems += paper_problems(account)
    if account.base_url and not is_simulator and not is_paper:
        problems.append(
            Problem(
                "base_url",
                "base_url is for simulator accounts only, and for paper on a simulator's prices; leave it empty for "
                f"environment {account.environment!r}.",
                account.base_url,
            )
        )
    if not isinstance(account.options, dict):
        problems.append(Problem("options", "options must be an object of names and values.", str(account.options)))
    elif named := sorted(_named_like_keys(account.options)):
        problems.append(
            Problem(
                "options",
                f"options must not hold {', '.join(named)}: options are shown. Keys belong in api_key, api_secret and "
                "api_password, where they are encrypted.",
                ", ".join(named),
            )
        )
    return problems


def _named_like_keys(options: Any) -> set[str]:
    if isinstance(options, list):
        return set().union(*map(_named_like_keys, options))
    if not isinstance(options, dict):
        return set()
    own = {str(name) for name in options if _KEY_NAME.search(str(name))}
    return own.union(*map(_named_like_keys, options.values()))


def create_account(
    *,
    owner: AbstractBaseUser,
    name: str,
    exchange_id: str,
    environment: str,
    base_url: str = "",
    options: dict[str, Any] | None = None,
    api_key: str = "",
    api_secret: str = "",
    api_password: str = "",
    paper_balances: dict[str, str] | None = None,
    paper_slippage: Decimal = Decimal(0),
) -> ExchangeAccount:
    """A paper account begins with 10,000 USDT unless told otherwise. Raises ``AccountRefused``."""
    if environment == Environment.PAPER and not paper_balances:
        paper_balances = usual_paper_balances()
    account = ExchangeAccount(
        owner_id=owner.pk,
        name=name,
        exchange_id=exchange_id,
        environment=environment,
        base_url=base_url,
        options=options or {},
        api_key=api_key,
        api_secret=api_secret,
        api_password=api_password,
        paper_balances=paper_balances or {},
        paper_slippage=paper_slippage,
    )
    _save(account)
    return account


def update_account(*, account: ExchangeAccount, **changes: Any) -> ExchangeAccount:
    """Empty keys and paper balances mean: as they are. Raises ``AccountRefused`` and ``AccountInUse``."""
    if unknown := changes.keys() - _EDITABLE:
        raise TypeError(f"An account has no {', '.join(sorted(unknown))}.")
    changed = {
        name: value
        for name, value in changes.items()
        if getattr(account, name) != value and not (name in (*KEYS, "paper_balances") and not value)
    }
    changed |= _becoming(account, changed)
    check_change(account, changed)
    for name, value in changed.items():
        setattr(account, name, value)
    if changed:
        _save(account)
    return account


def _becoming(account: ExchangeAccount, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What else changes when an account becomes a paper account, or ceases to be one."""
    becomes = changes.get("environment")
    if becomes == Environment.PAPER and not changes.get("paper_balances"):
        return {"paper_balances": usual_paper_balances()}
    if becomes and account.environment == Environment.PAPER:
        return {"paper_balances": {}, "paper_slippage": Decimal(0)}
    return {}


def check_change(account: ExchangeAccount, changes: Mapping[str, Any]) -> None:
    """``account`` is as it was. Raises ``AccountInUse`` when orders may stand where it would no longer be."""
    if any(name in changes and getattr(account, name) != changes[name] for name in _IDENTITY):
        in_use = account.bots.exclude(status="stopped").values_list("name", flat=True)
        _refuse_when_used(account, in_use, "cannot become another one")
        if account.orders.exists():
            raise AccountInUse(
                f"Account {account.name} cannot become another one: orders were placed on it, and their records would no "
                "longer say where. Add another account and move the bots there."
            )
    begins_with = changes.get("paper_balances", account.paper_balances)
    if begins_with != account.paper_balances and PaperBook.objects.filter(account=account).exists():
        raise AccountInUse(
            f"The paper account {account.name} has begun with its balances already; add another one to begin anew."
        )


def delete_account(*, account: ExchangeAccount) -> None:
    """Raises ``AccountInUse`` while a bot, even one put away, belongs to it: its orders and fills stay on record."""
    _refuse_when_used(account, account.bots.values_list("name", flat=True), "cannot be deleted")
    account.delete()


def _save(account: ExchangeAccount) -> None:
    if problems := check_account(account):
        raise AccountRefused(problems)
    # A key that could not be decrypted reads as its own ciphertext; writing that back would lose it.
    account.gateway_config()
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        if not ExchangeAccount.objects.filter(name=account.name).exclude(pk=account.pk).exists():
            raise
        message = f"name {account.name!r} is taken by another account; choose another name."
        raise AccountRefused([Problem("name", message, account.name)]) from error


def _refuse_when_used(account: ExchangeAccount, names: Iterable[str], what: str) -> None:
    if found := sorted(names):
        shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        raise AccountInUse(f"Account {account.name} {what}: it is used by {shown}. Stop or delete them first.")
