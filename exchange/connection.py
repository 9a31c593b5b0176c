"""Tries an account's connection and says in plain sentences what is well and what is not.

Stops at the first check without which the next ones mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exchange.ccxt_gateway import CcxtGateway
from exchange.ccxt_parsing import plain
from exchange.errors import ExchangeError
from exchange.gateway_config import GatewayConfig
from exchange.gateways import build_ccxt_gateway, build_paper_gateway
from exchange.key_rights import KeyRights, rights_of
from exchange.paper.gateway import PaperGateway
from exchange.port import ExchangeGateway
from exchange.venues import Venue

# Bybit refuses requests stamped more than a second ahead of its clock or older than the receive window.
TOLERATED_SKEW_MS = 1_000
KEY_EXPIRY_WARNING_DAYS = 14
_WITHDRAWAL = (
    "The key may withdraw, which this platform never needs: take that permission away at the exchange, or say "
    '{"allow_withdrawal": true} in the account\'s options.'
)


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


def check_connection(config: GatewayConfig, *, clock: Callable[[], int]) -> list[Check]:
    """Never raises an :class:`ExchangeError`: it becomes the sentence of the check that met it.

    ``clock`` is the wall clock in milliseconds. A key that may withdraw fails unless the account's options say
    ``{"allow_withdrawal": true}``.
    """
    checks: list[Check] = []
    try:
        # A venue of its own: a cached one would call a dead exchange reachable.
        gateway = build_ccxt_gateway(config, Venue(config))
        if config.paper is not None:
            checks.extend(_paper_checks(gateway, build_paper_gateway(config, now_ms=clock), clock))
        else:
            checks.extend(_checks(gateway, clock, config.allows_withdrawal))
    except ExchangeError as error:
        name = _NEXT.get(checks[-1].name if checks else "", "balance")
        checks.append(Check(name, Verdict.FAILED, error.detail))
    return checks


def withdrawal_refusal(config: GatewayConfig) -> str:
    """Why the account's key must not trade, or an empty text; asks the exchange. Raises its ``ExchangeError``."""
    if config.allows_withdrawal:
        return ""
    described = build_ccxt_gateway(config).describe_key()
    if described is None or not rights_of(config.exchange_id, described, now_ms=0).withdraw:
        return ""
    return _WITHDRAWAL


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
            rights_of(gateway.config.exchange_id, described, now_ms=clock()),
            allow_withdrawal=allow_withdrawal,
            binding_matters=gateway.config.environment != "simulator",
        )
    yield _balance_check(gateway)


def _paper_checks(market: CcxtGateway, account: PaperGateway, clock: Callable[[], int]) -> Iterator[Check]:
    yield _clock_check(market, clock)
    where = f"{market.config.exchange_id} ({market.config.environment})"
    yield Check("reachable", Verdict.OK, f"{where} answers; {len(market.markets())} markets can be traded on paper.")
    yield Check("key", Verdict.OK, "Paper needs no key: orders never leave this machine.")
    yield _balance_check(account)


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


def _balance_check(gateway: ExchangeGateway) -> Check:
    held = {coin: balance.total for coin, balance in gateway.balances().items() if balance.total}
    if not held:
        return Check("balance", Verdict.WARNING, "The trading account is empty: transfer funds to it at the exchange.")
    return Check(
        "balance", Verdict.OK, f"Balance: {', '.join(f'{plain(n)} {coin}' for coin, n in sorted(held.items()))}."
    )


def key_checks(rights: KeyRights, *, allow_withdrawal: bool, binding_matters: bool = True) -> Iterator[Check]:
    yield _trading_check(rights)
    yield _withdrawal_check(rights.withdraw, allow_withdrawal)
    if rights.account:
        yield Check("account", Verdict.FAILED, rights.account)
    if binding_matters and rights.bound is False:
        yield Check("key", Verdict.WARNING, "The key may be used from any IP address: bind it to this machine's.")
    if rights.days_left is not None and rights.days_left < KEY_EXPIRY_WARNING_DAYS:
        yield Check("key", Verdict.WARNING, f"The key expires in {rights.days_left} days: make a new one in time.")


def _trading_check(rights: KeyRights) -> Check:
    if rights.read_only:
        return Check("permissions", Verdict.FAILED, "The key is read-only: make one that may also trade.")
    if rights.missing:
        return Check("permissions", Verdict.FAILED, f"The key lacks rights that are needed: {rights.missing}.")
    if rights.linear is None:
        if rights.spot:
            return Check("permissions", Verdict.OK, "The key may trade.")
        return Check("permissions", Verdict.FAILED, "The key may not trade: allow it to.")
    if rights.spot and rights.linear:
        return Check("permissions", Verdict.OK, "The key may trade spot and contracts.")
    if rights.spot or rights.linear:
        can, cannot = ("spot", "contracts") if rights.spot else ("contracts", "spot")
        return Check("permissions", Verdict.WARNING, f"The key may trade {can} but not {cannot}.")
    return Check("permissions", Verdict.FAILED, "The key may trade neither spot nor contracts: allow it to.")


def _withdrawal_check(may_withdraw: bool, allowed: bool) -> Check:
    if not may_withdraw:
        return Check("withdrawal", Verdict.OK, "The key cannot withdraw.")
    if allowed:
        return Check("withdrawal", Verdict.WARNING, "The key may withdraw, which this platform never needs.")
    return Check("withdrawal", Verdict.FAILED, _WITHDRAWAL)
