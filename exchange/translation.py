"""ccxt's exceptions → the errors of :mod:`exchange.errors`, for every exchange and in this one place.

The question is never "what went wrong" but "what may be done now": a reading call that got no answer may simply be made
again, a writing call that got no answer has to be asked about first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import ccxt
import requests
from urllib3.exceptions import NewConnectionError

from exchange.errors import (
    AuthenticationFailed,
    DuplicateClientOrderId,
    ExchangeError,
    InsufficientFunds,
    NeedsOperator,
    NothingSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    TemporaryError,
)


class Intent(StrEnum):
    """What a call was meant to do: it decides what its failure means."""

    READ = "read"
    PLACE = "place"
    CANCEL = "cancel"
    AMEND = "amend"
    CONFIGURE = "configure"  # idempotent settings, such as leverage

    @property
    def may_have_moved_money(self) -> bool:
        return self in (Intent.PLACE, Intent.AMEND, Intent.CANCEL)


# Codes of Bybit V5 (https://bybit-exchange.github.io/docs/v5/error) where ccxt's class does not name the reaction.
_DUPLICATE_CLIENT_ORDER_ID = frozenset({
    "110072", "170141", "110030", "140030", "30001",
    "-4116",  # Binance futures
    "51016",  # OKX
})  # fmt: skip
# Binance spot has one code for all refusals, Kraken none.
_DUPLICATE_IN_WORDS = re.compile(r"duplicate order|cl_?ord_?id\b.*\b(already|duplicate|in use)", re.I)
# "Already filled", "already cancelled", "not on the book": there is nothing left to cancel.
_NOTHING_TO_CANCEL = frozenset({
    "110001", "110008", "110010", "170139", "170142", "170143", "170190", "170213", "20001",
    "51503", "51509", "51510",  # OKX: filled or cancelled, cancelled, completed
    "EOrder:Unknown order",  # Kraken
})  # fmt: skip
_BUSY = frozenset({"10006", "10018", "170005", "170222"})
# The exchange itself does not know what became of the request.
_UNCLEAR = frozenset({
    "10000", "10016", "10019", "170001", "170007", "170032", "170146", "170147", "170149", "170150", "170191",
    "170234", "340099",
})  # fmt: skip
_OUT_OF_SERVICE_FOR_NOW = frozenset({"110063", "110066", "110071", "170031"})
_KEY_TROUBLE: Mapping[str, str] = {
    "10003": "The exchange does not know this API key: check that it is complete, not deleted or expired, and that it "
    "belongs to the environment that is set (demo, test net and live have separate keys).",
    "10004": "The signature is wrong: the API secret does not belong to the API key. Enter both again.",
    "10005": "The API key lacks a permission: allow it to read and to trade spot and contracts.",
    "10007": "No API key was sent: enter the account's key and secret.",
    "10008": "The exchange has suspended this account.",
    "10009": "The exchange has banned this machine's IP address.",
    "10010": "The API key is bound to other IP addresses: add this machine's address to the key's list.",
    "10024": "The exchange's compliance rules keep this account from trading.",
    "10027": "The exchange has banned this account from trading.",
    "10028": "Only unified trading accounts are served: upgrade the account at the exchange.",
    "33004": "The API key has expired: make a new one at the exchange and enter it.",
}
_POSITION_MODE = "position idx not match position mode"


def translate(
    error: Exception,
    *,
    exchange: str,
    intent: Intent,
    doing: str,
    headers: Mapping[str, str] | None = None,
    now_ms: int | None = None,
) -> ExchangeError:
    """The platform's error for what ccxt raised while ``doing`` ("placing ta12… on ETH/USDT").

    ``headers`` are those of the answer, if one came; ``now_ms`` the exchange's present time, for reset times.
    """
    code, message = _answer(error)
    who = exchange.capitalize()
    said = f"{who} ({doing}): {message}" + (f" (code {code})" if code else "")

    if isinstance(error, ccxt.InvalidNonce) and "nonce" in message.lower():
        return TemporaryError(
            f"{said}. Two processes used the key at the same moment and the later number came first; nothing was done. "
            "Give the key a nonce window at the exchange."
        )
    if isinstance(error, ccxt.InvalidNonce):
        # Of a clock that is right (the caller has measured it anew) this says that the request was long on its way.
        return TemporaryError(
            f"{said}. Nothing was done. The request came too late, or the clock of this machine and the exchange's differ: "
            "if it stays so, set the clock (NTP)."
        )
    if isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)) or code in _BUSY:
        return RateLimited(f"{said}. Too many requests.", retry_after(headers, now_ms))
    if code in _OUT_OF_SERVICE_FOR_NOW or isinstance(error, ccxt.OnMaintenance):
        return TemporaryError(f"{said}. Nothing was done; it can be tried again later.")
    if isinstance(error, ccxt.ManualInteractionNeeded):
        return NeedsOperator(f"{said}. Sign in at {who} and do what it asks for.")
    if isinstance(error, ccxt.AuthenticationError):
        return AuthenticationFailed(
            f"{said}. {_KEY_TROUBLE.get(code, 'Check the API key, its secret and its rights.')}"
        )
    if code in _UNCLEAR or _no_trustworthy_answer(error):
        return _without_answer(error, intent, said)
    return _refused(error, intent, code, said)


def _without_answer(error: Exception, intent: Intent, said: str) -> ExchangeError:
    if nothing_was_sent(error):
        return NothingSent(f"{said}. Nothing was done; it can be tried again.")
    if intent.may_have_moved_money:
        return OutcomeUnknown(f"{said}. It is not known whether the exchange did it.")
    return TemporaryError(f"{said}. Nothing was done; it can be tried again.")


def _refused(error: Exception, intent: Intent, code: str, said: str) -> ExchangeError:
    """The exchange (or ccxt, before sending) said no, and that is certain."""
    if intent in (Intent.CANCEL, Intent.AMEND) and code in _NOTHING_TO_CANCEL:
        return OrderNotFound(said)
    if isinstance(error, ccxt.OrderNotFound):
        return OrderNotFound(said)
    if code in _DUPLICATE_CLIENT_ORDER_ID or isinstance(error, ccxt.DuplicateOrderId):
        return DuplicateClientOrderId(said)
    if intent is Intent.PLACE and _DUPLICATE_IN_WORDS.search(said):
        return DuplicateClientOrderId(said)
    if isinstance(error, ccxt.InsufficientFunds):
        return InsufficientFunds(said)
    if _POSITION_MODE in said.lower():
        return NeedsOperator(f"{said}. The account is in hedge mode: switch it to one-way mode at the exchange.")
    if intent in (Intent.PLACE, Intent.AMEND):
        return OrderRejected(said)
    return NeedsOperator(said)


def _no_trustworthy_answer(error: Exception) -> bool:
    """No answer at all, one that is no answer of the exchange (a proxy's page), or a 5xx."""
    if isinstance(error, ccxt.OperationFailed):  # time-outs, broken connections, HTTP 4xx/5xx without a code
        return True
    if isinstance(error, (ccxt.NullResponse, ccxt.BadResponse)) or not isinstance(error, ccxt.BaseError):
        return True
    # What is left of transport trouble arrives as a bare ExchangeError "bybit POST https://…" without a JSON body.
    return type(error) is ccxt.ExchangeError and isinstance(error.__cause__, requests.RequestException)


def nothing_was_sent(error: BaseException) -> bool:
    """Whether the connection was never made, so that not one byte of the request can have arrived."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (requests.ConnectTimeout, NewConnectionError)):
            return True
        # requests wraps urllib3's reason in its arguments and does not chain it.
        inner = [reason for arg in cause.args if (reason := getattr(arg, "reason", None)) is not None]
        if any(isinstance(reason, NewConnectionError) for reason in inner):
            return True
        cause = cause.__cause__
    return False


def answer_code(error: Exception) -> str:
    """The exchange's own error code, or an empty string."""
    return _answer(error)[0]


def _answer(error: Exception) -> tuple[str, str]:
    """The exchange's code and words out of ccxt's message, which is ``<id> <body>``."""
    text = str(error)
    start = text.find("{")
    if start >= 0:
        try:
            body = json.loads(text[start : text.rindex("}") + 1])
        except ValueError:
            body = None
        if isinstance(body, dict):
            body = _innermost(body)
            code = _first(body, "retCode", "ret_code", "sCode", "code")
            words = _first(body, "retMsg", "ret_msg", "sMsg", "msg", "message", "error")
            if code or words:
                return code, words or "no reason given"
    return "", _plain(error, text)


def _innermost(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the reason stands: OKX and Coinbase wrap it, and Kraken's error is its own code."""
    entries = body.get("data")
    if isinstance(entries, list) and entries and isinstance(entries[0], dict) and entries[0].get("sCode"):
        return entries[0]
    if isinstance(body.get("error_response"), dict):
        inner: Mapping[str, Any] = body["error_response"]
        return {**inner, "code": inner.get("error")}
    errors = body.get("error")
    if isinstance(errors, list) and errors:
        return {"code": errors[0], "msg": "; ".join(map(str, errors))}
    return body


def _first(body: Mapping[str, Any], *names: str) -> str:
    return next((str(body[name]) for name in names if body.get(name) not in (None, "")), "")


def _plain(error: Exception, text: str) -> str:
    if nothing_was_sent(error):
        return f"cannot connect to {_host(text)}"
    if isinstance(error, ccxt.RequestTimeout):
        return f"no answer in time from {_host(text)}"
    if status := re.search(r"https?://\S+ (\d{3}) ", text):
        return f"{_host(text)} answered with HTTP status {status.group(1)}"
    if isinstance(error, ccxt.NetworkError):
        return f"the connection to {_host(text)} broke"
    return re.sub(r"\?\S+", "", text)[:300]  # a query string may carry the key


def _host(text: str) -> str:
    found = re.search(r"https?://([^/\s?]+)", text)
    return found.group(1) if found else "the exchange"


def retry_after(headers: Mapping[str, str] | None, now_ms: int | None) -> float | None:
    """Seconds to wait, from ``Retry-After`` or Bybit's ``X-Bapi-Limit-Reset-Timestamp`` (milliseconds)."""
    if not headers:
        return None
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        if "retry-after" in lower:
            return max(0.0, float(lower["retry-after"]))
        if "x-bapi-limit-reset-timestamp" in lower and now_ms is not None:
            return max(0.0, (int(lower["x-bapi-limit-reset-timestamp"]) - now_ms) / 1000)
    except ValueError:  # "Retry-After" may also be an HTTP date: the caller's own back-off is as good
        return None
    return None
