"""Accounts and bots as one YAML document: read, checked as a whole, applied as a whole, written back.

```yaml
accounts:
  practice:
    exchange: bybit
    environment: simulator
    base_url: ${SIMULATOR_URL}
    api_key: ${SIMULATOR_API_KEY}
    api_secret: ${SIMULATOR_API_SECRET}
bots:
  eth-grid:
    account: practice
    symbol: ETH/USDT:USDT
    strategy: grid
    config: {range_percent: 3, grids: 40, investment: 12000}
```
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from accounts.models import User
from bots import services
from bots.errors import BotError, ConfigInvalid, NotEditable
from bots.models import Bot, BotMode
from exchange.accounts import KEYS, AccountInUse, AccountRefused, create_account, update_account
from exchange.models import Environment, ExchangeAccount
from strategies.contract import Problem
from strategies.parsing import parse_config
from strategies.yaml_document import YamlDocument, read_yaml
from strategies.yaml_writing import Literal, escaped, written

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class DocumentInvalid(ConfigInvalid):
    """``problems`` are named by their path in the document; ``str()`` puts each on a line of its own, with its line."""

    def __init__(self, problems: list[Problem], document: YamlDocument) -> None:
        super().__init__(problems)
        self._document = document

    def __str__(self) -> str:
        return "\n".join(self._sentence(problem) for problem in self.problems)

    def _sentence(self, problem: Problem) -> str:
        line = self._document.line_of(problem.field) if problem.field else None
        where = [f"line {line}" if line else "", problem.field]
        return ": ".join([*(part for part in where if part), problem.message])


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountPart(_Part):
    exchange: str = "bybit"
    environment: Environment
    base_url: str = ""
    options: dict[str, Any] = {}
    # Only for paper accounts.
    paper_balances: dict[str, Decimal] = {}
    paper_slippage: Decimal = Decimal(0)
    # Empty: what is stored stays.
    api_key: str = Field("", repr=False)
    api_secret: str = Field("", repr=False)
    api_password: str = Field("", repr=False)

    @field_validator("options", mode="after")
    @classmethod
    def _as_json(cls, options: dict[str, Any]) -> dict[str, Any]:
        found = _json(options)
        assert isinstance(found, dict)
        return found


def _json(value: Any) -> Any:
    """What ccxt is told is JSON, which knows floats only."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list) else value


class BotPart(_Part):
    account: Name
    symbol: str
    strategy: str
    mode: BotMode = BotMode.DEMO
    tick_interval: int = Field(1, ge=1, le=3600)
    config: dict[str, Any] = {}


class Document(_Part):
    accounts: dict[Name, AccountPart] = {}
    bots: dict[Name, BotPart] = {}


@dataclass(slots=True)
class Applied:
    """Names of what was done; ``unchanged`` holds accounts and bots."""

    created_accounts: list[str] = field(default_factory=list)
    updated_accounts: list[str] = field(default_factory=list)
    created_bots: list[str] = field(default_factory=list)
    updated_bots: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def apply_configuration(
    text: str,
    *,
    owner: User,
    requested_by: str,
    environ: Mapping[str, str] | None = None,
    accounts_only: bool = False,
    dry_run: bool = False,
) -> Applied:
    """Creates what is missing and changes what differs; what the document does not name is left alone.

    All or nothing. Raises ``DocumentInvalid`` with everything that is wrong: the text, the values, bots that have to
    be stopped before they can be changed.
    """
    source = read_yaml(text, environ=os.environ if environ is None else environ)
    document = _validated(source)
    if accounts_only:
        document = document.model_copy(update={"bots": {}})
    with transaction.atomic():
        applied, problems = _apply(document, owner=owner, requested_by=requested_by)
        if problems:
            raise DocumentInvalid(problems, source)
        if dry_run:
            transaction.set_rollback(True)
    return applied


def _validated(source: YamlDocument) -> Document:
    problems = [Problem(fault.path, fault.message, fault.value) for fault in source.faults]
    if problems and source.data is None:
        raise DocumentInvalid(problems, source)
    document = None
    try:
        document = Document.model_validate(source.data if source.data is not None else {})
    except ValidationError as error:
        known = {problem.field for problem in problems}
        problems += [item for item in map(_problem, error.errors(include_url=False)) if item.field not in known]
    problems += list(_strategy_problems(source.data))
    if problems or document is None:
        problems.sort(key=lambda problem: source.line_of(problem.field) or 0)
        raise DocumentInvalid(problems, source)
    return document


def _strategy_problems(data: Any) -> Iterator[Problem]:
    """Each bot's configuration by its strategy's own model, whatever else is wrong with the document."""
    bots = data.get("bots") if isinstance(data, dict) else None
    for name, bot in bots.items() if isinstance(bots, dict) else ():
        if isinstance(bot, dict) and isinstance(bot.get("strategy"), str) and isinstance(bot.get("config", {}), dict):
            _, found = parse_config(bot["strategy"], bot.get("config", {}))
            for problem in found:
                yield Problem(f"bots.{name}.{problem.field}", problem.message, problem.value, problem.limit)


def _problem(item: Any) -> Problem:
    path = ".".join(str(part) for part in item["loc"] if part != "[key]")
    name = str(item["loc"][-1]) if item["loc"] else ""
    if item["type"] == "missing":
        return Problem(path, f"{name} is missing.")
    if item["type"] == "extra_forbidden":
        return Problem(path, f"There is no setting {name}; check its spelling and its indentation.")
    if name == "[key]":
        return Problem(path, "A name is 1 to 64 letters, digits, hyphens or underscores.")
    given = item["input"]
    secret = name in KEYS or isinstance(given, dict | list)
    shown = "" if secret or given is None else str(given)
    message = f"{item['msg']}." if not shown else f"{item['msg']} (given: {shown})."
    hint = " Put it in quotes." if name in KEYS and item["type"] == "string_type" else ""
    return Problem(path, message + hint, shown)


def _apply(document: Document, *, owner: User, requested_by: str) -> tuple[Applied, list[Problem]]:
    applied, problems = Applied(), list[Problem]()
    for name, account in document.accounts.items():
        problems += _apply_account(name, account, owner, applied)
    accounts = ExchangeAccount.objects.in_bulk(field_name="name")
    for name, bot in document.bots.items():
        if bot.account in accounts:
            problems += _apply_bot(name, bot, accounts[bot.account], owner, requested_by, applied)
        elif bot.account not in document.accounts:
            known = ", ".join(sorted(accounts)) or "none"
            message = f"There is no exchange account {bot.account}; known are: {known}."
            problems.append(Problem(f"bots.{name}.account", message, bot.account))
    return applied, problems


def _apply_account(name: str, part: AccountPart, owner: User, applied: Applied) -> list[Problem]:
    values = part.model_dump(exclude={"exchange"}) | {"exchange_id": part.exchange}
    values["paper_balances"] = {coin: f"{amount:f}" for coin, amount in part.paper_balances.items()}
    values["environment"] = part.environment.value
    account = ExchangeAccount.objects.filter(name=name).first()
    try:
        if account is None:
            create_account(owner=owner, name=name, **values)
            applied.created_accounts.append(name)
            return []
        differs = [
            key
            for key, value in values.items()
            # Empty keys and balances mean: as they are.
            if getattr(account, key) != value and (key not in (*KEYS, "paper_balances") or value)
        ]
        if differs:
            update_account(account=account, **{key: values[key] for key in differs})
        (applied.updated_accounts if differs else applied.unchanged).append(name)
    except AccountRefused as error:
        called = {"exchange_id": "exchange", "name": ""}
        return [
            Problem(_path("accounts", name, called.get(item.field, item.field)), item.message, item.value, item.limit)
            for item in error.problems
        ]
    except AccountInUse as error:
        return [Problem(f"accounts.{name}", error.detail)]
    return []


def _apply_bot(
    name: str, part: BotPart, account: ExchangeAccount, owner: User, requested_by: str, applied: Applied
) -> list[Problem]:
    bot = Bot.objects.active().select_related("account").filter(name=name).first()
    values: dict[str, Any] = {
        **part.model_dump(exclude={"account", "mode"}),
        "account": account,
        "mode": part.mode.value,
    }
    try:
        if bot is None:
            services.create_bot(owner=owner, name=name, requested_by=requested_by, **values)
            applied.created_bots.append(name)
        elif not (changes := _changes(bot, values)):
            applied.unchanged.append(name)
        else:
            services.update_bot(bot=bot, requested_by=requested_by, **changes)
            applied.updated_bots.append(name)
    except NotEditable as error:
        if bot is not None and bot.can_edit:  # stopped, but not empty
            return [Problem(f"bots.{name}", error.detail)]
        differing = ", ".join(sorted(changes))
        return [
            Problem(
                f"bots.{name}",
                f"Bot {name} is {bot.status if bot else 'unknown'} and differs in {differing}: stop it first "
                f"(manage.py bots stop {name}), or take the change back.",
            )
        ]
    except ConfigInvalid as error:
        return [
            Problem(
                _path("bots", name, "" if item.field == "name" else item.field), item.message, item.value, item.limit
            )
            for item in error.problems
        ]
    except BotError as error:
        return [Problem(f"bots.{name}", error.detail)]
    return []


def _changes(bot: Bot, values: Mapping[str, Any]) -> dict[str, Any]:
    """Configurations are compared by what they mean: ``5``, ``"5.0"`` and a default left out are the same."""
    changes = {key: value for key, value in values.items() if key != "config" and getattr(bot, key) != value}
    wanted, _ = parse_config(values["strategy"], values["config"])
    present, _ = parse_config(bot.strategy, bot.config)
    if wanted is None or present is None or wanted.model_dump() != present.model_dump():
        changes["config"] = values["config"]
    return changes


def _path(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def export_configuration() -> str:
    """Every account and every bot that was not put away. Applied again, it changes nothing.

    Keys never leave: they are named as environment variables, and an unset one means that the stored key stays.
    """
    accounts = {account.name: _account_entry(account) for account in ExchangeAccount.objects.order_by("name")}
    bots = {bot.name: _bot_entry(bot) for bot in Bot.objects.active().select_related("account").order_by("name")}
    document = {key: entries for key, entries in (("accounts", accounts), ("bots", bots)) if entries}
    return written(document)


def _account_entry(account: ExchangeAccount) -> dict[str, Any]:
    account.gateway_config()  # refuses keys that cannot be decrypted
    prefix = re.sub(r"\W", "_", account.name).upper()
    keys = {key: Literal(f"${{{prefix}_{key.upper()}:-}}") for key in KEYS if getattr(account, key)}
    entry = {
        "exchange": escaped(account.exchange_id),
        "environment": account.environment,
        "base_url": escaped(account.base_url),
        "options": escaped(account.options),
        "paper_balances": account.paper_balances,
        "paper_slippage": f"{account.paper_slippage.normalize():f}" if account.paper_slippage else "",
    }
    return {**{name: value for name, value in entry.items() if value}, **keys}


def _bot_entry(bot: Bot) -> dict[str, Any]:
    return {
        "account": bot.account.name,
        "symbol": escaped(bot.symbol),
        "strategy": escaped(bot.strategy),
        "mode": bot.mode,
        "tick_interval": bot.tick_interval,
        "config": {name: escaped(value) for name, value in bot.config.items() if value is not None},
    }
