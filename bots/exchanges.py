"""The state of every exchange for pages and API, and the two things that an operator can do about it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from exchange.connection import Check, check_connection, may_trade
from exchange.models import Environment, ExchangeAccount
from exchange.resilience import status
from exchange.resilience.shared_state import shared_state
from exchange.resilience.status import BreakerState, Feed, Host, MachineClock, Trouble

_CHECK_KEPT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class LastCheck:
    """``ok``: the account may trade."""

    at: datetime
    ok: bool
    checks: Sequence[Check]


@dataclass(frozen=True, slots=True)
class AccountState:
    account: ExchangeAccount
    last_check: LastCheck | None


@dataclass(frozen=True, slots=True)
class VenueState:
    """One place to trade: what its accounts share, those that only play there included.

    ``hosts`` is empty until somebody called.
    """

    name: str
    exchange: str
    environments: Sequence[Environment]
    hosts: Sequence[Host]
    clocks: Sequence[MachineClock]
    feeds: Sequence[Feed]
    accounts: Sequence[AccountState]

    @property
    def alarming_clocks(self) -> list[MachineClock]:
        return [clock for clock in self.clocks if clock.is_alarming]


@dataclass(frozen=True, slots=True)
class ExchangesState:
    venues: Sequence[VenueState]
    log: Sequence[Trouble]


def exchanges_state(*, now: datetime) -> ExchangesState:
    """Every venue that has an account. Raises ``RedisError``."""
    accounts: dict[str, list[ExchangeAccount]] = {}
    for account in ExchangeAccount.objects.order_by("name"):
        accounts.setdefault(account.venue, []).append(account)
    checks = cache.get_many([_check_key(account.name) for group in accounts.values() for account in group])
    connection = shared_state().connection
    hosts = status.read_hosts(connection, now=now)
    clocks = status.read_clocks(connection, accounts, now=now)
    feeds = status.read_feeds(connection, accounts, now=now)
    happened = status.read_log(connection)
    venues = [
        VenueState(
            name=venue,
            exchange=group[0].exchange_id,
            environments=sorted({Environment(account.environment) for account in group}),
            hosts=[host for host in hosts if host.venue == venue],
            clocks=[clock for clock in clocks if clock.venue == venue],
            feeds=[feed for feed in feeds if feed.venue == venue],
            accounts=[AccountState(account, checks.get(_check_key(account.name))) for account in group],
        )
        for venue, group in sorted(accounts.items())
    ]
    return ExchangesState(venues, happened)


def hosts_in_trouble(venues: Collection[str], *, now: datetime) -> list[Host]:
    """Those of the venues to which nothing, or only cancels, can be sent at present. Raises ``RedisError``."""
    if not venues:
        return []
    return [
        host
        for host in status.read_hosts(shared_state().connection, now=now)
        if host.venue in venues and (host.ban is not None or host.breaker.state is not BreakerState.CLOSED)
    ]


def close_breaker(*, host: str, requested_by: str) -> bool:
    """False when it was closed already. Raises ``RedisError``."""
    return shared_state().close_breaker(host, by=requested_by)


def check_account(account: ExchangeAccount, *, now: datetime) -> LastCheck:
    """Tries connection and keys, and keeps the outcome for the page. Raises ``NeedsOperator`` for keys that cannot be read."""
    checks = check_connection(account.gateway_config(), clock=lambda: time.time_ns() // 1_000_000)
    found = LastCheck(now, may_trade(checks), checks)
    cache.set(_check_key(account.name), found, _CHECK_KEPT_S)
    return found


def _check_key(name: str) -> str:
    return f"account-check:{name}"
