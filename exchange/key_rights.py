"""What an API key may do, out of each exchange's own description of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DAY_MS = 24 * 3600 * 1000
_TRADING_ON_KRAKEN = frozenset({"query-funds", "query-open-trades", "query-closed-trades", "modify-trades"})


@dataclass(frozen=True, slots=True)
class KeyRights:
    """``linear`` is ``None`` where futures are not traded here, ``bound`` where the exchange does not say.

    ``missing`` names rights that the platform needs and the key has not; ``account`` says what is wrong with the
    account itself.
    """

    spot: bool
    linear: bool | None
    withdraw: bool
    bound: bool | None
    read_only: bool = False
    days_left: int | None = None
    missing: str = ""
    account: str = ""


def rights_of(exchange_id: str, described: Mapping[str, Any], *, now_ms: int) -> KeyRights:
    """``described`` is what the gateway's ``describe_key`` answered. Raises ``KeyError`` where no gateway describes."""
    return _READERS[exchange_id](described, now_ms)


def _bybit(described: Mapping[str, Any], now_ms: int) -> KeyRights:
    """https://bybit-exchange.github.io/docs/v5/user/apikey-info"""
    permissions: Mapping[str, Any] = described.get("permissions") or {}
    addresses = list(described.get("ips") or ())
    # Keys without an end bear a negative number of days.
    days = int(described.get("deadlineDay") or -1)
    unified = int(described.get("uta") or 0) == 1 or int(described.get("unified") or 0) == 1
    return KeyRights(
        spot="SpotTrade" in permissions.get("Spot", ()),
        linear={"Order", "Position"} <= set(permissions.get("ContractTrade", ())),
        withdraw="Withdraw" in permissions.get("Wallet", ()),
        bound=bool(addresses) and "*" not in addresses,
        read_only=bool(described.get("readOnly")),
        days_left=days if days >= 0 else None,
        account="" if unified else "This is a classic account; only unified trading accounts are served: upgrade it.",
    )


def _binance(described: Mapping[str, Any], now_ms: int) -> KeyRights:
    """https://developers.binance.com/docs/wallet/account/api-key-permission"""
    ends = int(described.get("tradingAuthorityExpirationTime") or 0)
    return KeyRights(
        spot=bool(described.get("enableSpotAndMarginTrading")),
        linear=bool(described.get("enableFutures")),
        withdraw=bool(described.get("enableWithdrawals")),
        bound=bool(described.get("ipRestrict")),
        days_left=max(0, (ends - now_ms) // DAY_MS) if ends else None,
    )


def _okx(described: Mapping[str, Any], now_ms: int) -> KeyRights:
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration"""
    rights = {right.strip() for right in str(described.get("perm") or "").split(",")}
    trades = "trade" in rights
    hedged = described.get("posMode") == "long_short_mode"
    return KeyRights(
        spot=trades,
        linear=trades and str(described.get("acctLv")) != "1",  # 1 is the mode without futures
        withdraw="withdraw" in rights,
        bound=bool(described.get("ip")),
        read_only=not trades,
        account="The account is in hedge mode (long/short): switch it to net mode at OKX." if hedged else "",
    )


def _kraken(described: Mapping[str, Any], now_ms: int) -> KeyRights:
    """https://docs.kraken.com/api-reference/account-data/get-api-key-info"""
    rights = set(described.get("permissions") or ())
    ends = int(described.get("validUntil") or 0) * 1000
    return KeyRights(
        spot="modify-trades" in rights,
        linear=None,
        withdraw="withdraw-funds" in rights,
        bound=bool(described.get("ipAllowlist")),
        days_left=max(0, (ends - now_ms) // DAY_MS) if ends else None,
        missing=", ".join(sorted(_TRADING_ON_KRAKEN - rights)),
    )


def _coinbase(described: Mapping[str, Any], now_ms: int) -> KeyRights:
    """https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/data-api/get-api-key-permissions"""
    return KeyRights(
        spot=bool(described.get("can_trade")),
        linear=None,
        withdraw=bool(described.get("can_transfer")),
        bound=None,
        missing="" if described.get("can_view") else "view",
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any], int], KeyRights]] = {
    "binance": _binance,
    "bybit": _bybit,
    "coinbase": _coinbase,
    "kraken": _kraken,
    "okx": _okx,
}
