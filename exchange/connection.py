"""Tries an account's connection and says in plain sentences what is well and what is not.

Stops at the first check without which the next ones mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exchange.ccxt_gateway import CcxtGateway
from exchange.ccxt_parsing import plain
from exchange.errors import ExchangeError
from exchange.gateway_config import GatewayConfig
from exchange.gateways import build_ccxt_gateway
from exchange.venues import Venue

# Bybit refuses requests stamped more than a second ahead of its clock or older than the receive window.
TOLERATED_SKEW_MS = 1_000
KEY_EXPIRY_WARNING_DAYS = 14


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """``name`` is one of reachable, clock, key, permissions, withdrawal, account, balance."""

    name: str
    verdict: Verdict
    sentence: str


def may_trade(checks: Sequence[Check]) -> bool:
    return all(check.verdict is not Verdict.FAILED for check in checks)


def check_connection(config: GatewayConfig, *, clock: Callable[[], int], allow_withdrawal: bool = False) -> list[Check]:
    """Never raises an :class:`ExchangeError`: it becomes the sentence of the check that met it.

    ``clock`` is the wall clock in milliseconds. A key that may withdraw fails unless ``allow_withdrawal``.
    """
    checks: list[Check] = []
    try:
        # A venue of its own: a cached one would call a dead exchange reachable.
        gateway = build_ccxt_gateway(config, Venue(config))
        checks.extend(_checks(gateway, clock, allow_withdrawal))
    except ExchangeError as error:
        name = _NEXT.get(checks[-1].name if checks else "", "balance")
        checks.append(Check(name, Verdict.FAILED, error.detail))
    return checks


# Which check was being made when an error came, by the last one that was finished.
_NEXT = {"": "reachable", "clock": "reachable", "reachable": "key"}


def _checks(gateway: CcxtGateway, clock: Callable[[], int], allow_withdrawal: bool) -> Iterator[Check]:
    yield _clock_check(gateway, clock)
    where = f"{gateway.config.exchange_id} ({gateway.config.environment})"
    yield Check("reachable", Verdict.OK, f"{where} answers; {len(gateway.markets())} markets can be traded there.")
    if not gateway.config.api_key or not gateway.config.api_secret:
        yield Check("key", Verdict.FAILED, "The account has no API key or no secret: enter both.")
        return
    described = gateway.describe_key()
    if described is None:
        gateway.balances()  # the cheapest question that needs a good key
        yield Check("key", Verdict.OK, "The key works.")
        yield Check(
            "permissions",
            Verdict.WARNING,
            f"{where} does not tell what a key may do. See there that it may trade and may not withdraw.",
        )
    else:
        yield Check("key", Verdict.OK, "The key works.")
        yield from key_checks(
            described,
            allow_withdrawal=allow_withdrawal,
            binding_matters=gateway.config.environment != "simulator",
        )
    yield _balance_check(gateway)


def _clock_check(gateway: CcxtGateway, clock: Callable[[], int]) -> Check:
    before = clock()
    server = gateway.server_time()
    skew = round((before + clock()) / 2) - server
    if abs(skew) <= TOLERATED_SKEW_MS:
        return Check("clock", Verdict.OK, f"This machine's clock and the exchange's differ by {abs(skew)} ms.")
    direction = "ahead of" if skew > 0 else "behind"
    return Check(
        "clock",
        Verdict.WARNING,
        f"This machine's clock is {abs(skew) / 1000:.1f} s {direction} the exchange's. Requests are corrected for it, "
        "but set the clock (NTP).",
    )


def _balance_check(gateway: CcxtGateway) -> Check:
    held = {coin: balance.total for coin, balance in gateway.balances().items() if balance.total}
    if not held:
        return Check("balance", Verdict.WARNING, "The trading account is empty: transfer funds to it at the exchange.")
    return Check(
        "balance", Verdict.OK, f"Balance: {', '.join(f'{plain(n)} {coin}' for coin, n in sorted(held.items()))}."
    )


def key_checks(
    described: Mapping[str, Any], *, allow_withdrawal: bool, binding_matters: bool = True
) -> Iterator[Check]:
    """``described`` is the result of Bybit's ``/v5/user/query-api``."""
    permissions: Mapping[str, Sequence[str]] = described.get("permissions") or {}
    yield _trading_check(bool(described.get("readOnly")), permissions)
    yield _withdrawal_check("Withdraw" in permissions.get("Wallet", ()), allow_withdrawal)
    if int(described.get("uta") or 0) != 1 and int(described.get("unified") or 0) != 1:
        yield Check(
            "account",
            Verdict.FAILED,
            "This is a classic account; only unified trading accounts are served: upgrade it.",
        )
    addresses = list(described.get("ips") or ())
    if binding_matters and (not addresses or "*" in addresses):
        yield Check("key", Verdict.WARNING, "The key may be used from any IP address: bind it to this machine's.")
    # Keys without an end bear a negative number of days.
    days = int(described.get("deadlineDay") or -1)
    if 0 <= days < KEY_EXPIRY_WARNING_DAYS:
        yield Check("key", Verdict.WARNING, f"The key expires in {days} days: make a new one in time.")


def _trading_check(read_only: bool, permissions: Mapping[str, Sequence[str]]) -> Check:
    if read_only:
        return Check("permissions", Verdict.FAILED, "The key is read-only: make one that may also trade.")
    spot = "SpotTrade" in permissions.get("Spot", ())
    linear = {"Order", "Position"} <= set(permissions.get("ContractTrade", ()))
    if spot and linear:
        return Check("permissions", Verdict.OK, "The key may trade spot and contracts.")
    if spot or linear:
        can, cannot = ("spot", "contracts") if spot else ("contracts", "spot")
        return Check("permissions", Verdict.WARNING, f"The key may trade {can} but not {cannot}.")
    return Check("permissions", Verdict.FAILED, "The key may trade neither spot nor contracts: allow it to.")


def _withdrawal_check(may_withdraw: bool, allowed: bool) -> Check:
    if not may_withdraw:
        return Check("withdrawal", Verdict.OK, "The key cannot withdraw.")
    if allowed:
        return Check("withdrawal", Verdict.WARNING, "The key may withdraw, which this platform never needs.")
    return Check(
        "withdrawal",
        Verdict.FAILED,
        "The key may withdraw, which this platform never needs: take that permission away at the exchange.",
    )
