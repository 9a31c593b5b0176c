"""Who asks: Bybit V5's signature, checked for real.

Requests sign ``timestamp + key + recvWindow + (raw query | raw body)`` with HMAC-SHA256 (hex) in the X-BAPI headers;
sockets sign ``GET/realtime + expires``. The window is held against the wall clock, not the market's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from exchange.simulator.accounts import Account
from exchange.simulator.errors import API_KEY, SIGNATURE, TIMESTAMP, Refusal

DEFAULT_WINDOW_MS = 5000
MAX_AHEAD_MS = 1000


def sign(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def authenticate(accounts: Mapping[str, Account], headers: Mapping[str, str], payload: str, now: int) -> Account:
    """The account whose key signed the request. ``now`` is the wall clock in ms. Raises ``Refusal``."""
    api_key = headers.get("X-BAPI-API-KEY", "")
    timestamp = headers.get("X-BAPI-TIMESTAMP", "")
    window = headers.get("X-BAPI-RECV-WINDOW", "") or str(DEFAULT_WINDOW_MS)
    signature = headers.get("X-BAPI-SIGN", "")
    if not (api_key and timestamp and signature):
        raise Refusal(
            10001,
            f"empty value: apiTimestamp[{timestamp}] apiKey[{api_key}] apiSignature[{signature}]: "
            "openapi sign params error!",
        )
    if not (timestamp.isdigit() and window.isdigit()):
        raise Refusal(10001, f"apiTimestamp[{timestamp}] and recvWindow[{window}] must be milliseconds")
    account = accounts.get(api_key)
    if account is None:
        raise Refusal(API_KEY, "API key is invalid.")
    if not now - int(window) <= int(timestamp) < now + MAX_AHEAD_MS:
        raise Refusal(
            TIMESTAMP,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{timestamp}],server_timestamp[{now}],recv_window[{window}]",
        )
    if not hmac.compare_digest(sign(account.api_secret, timestamp + api_key + window + payload), signature.lower()):
        raise Refusal(SIGNATURE, "Error sign, please check your signature generation algorithm.")
    return account


def authenticate_socket(accounts: Mapping[str, Account], arguments: list[object], now: int) -> Account:
    """The ``args`` of a socket's ``auth``: key, expiry in ms, signature. Raises ``Refusal``."""
    if len(arguments) != 3:
        raise Refusal(10001, "auth needs three args: api key, expires, signature")
    api_key, expires, signature = (str(argument) for argument in arguments)
    account = accounts.get(api_key)
    if account is None:
        raise Refusal(API_KEY, "Invalid apikey")
    if not expires.isdigit() or int(expires) <= now:
        raise Refusal(TIMESTAMP, f"auth expires [{expires}] has passed; the server's time is {now}")
    if not hmac.compare_digest(sign(account.api_secret, f"GET/realtime{expires}"), signature.lower()):
        raise Refusal(SIGNATURE, "Error sign, please check your signature generation algorithm.")
    return account
