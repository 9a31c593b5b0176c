"""What an answer says, beside its content, of how much more may be asked."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from exchange.translation import retry_after

TEAPOT, TOO_MANY, FORBIDDEN = 418, 429, 403
# "IP bans … scale in duration for repeat offenders, from 2 minutes": where the answer does not say how long.
_BAN_S = 120.0
_LONGEST_S = 3 * 24 * 3600.0
# A country or a firewall that keeps us out for good is not a ban that ends.
_FOR_GOOD = ("country", "restricted location", "region", "cloudfront")
_BANNED_CODES = {"10009": 600.0, "10018": 5.0}  # Bybit: "IP has been banned", "exceeded the IP rate limit"
# What one account may do is told by the second, at most by the minute.
_CLOSED_S, _LONGEST_CLOSED_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is only looked at when ``status`` is an error's."""

    status: int
    headers: Mapping[str, str]
    body: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """``ban`` seconds for the host; ``closed`` seconds for the account's budget; ``used`` of the host's window;
    ``account_left`` and ``account_limit`` of the account's."""

    ban: float | None = None
    closed: float | None = None
    host_used: int | None = None
    account_left: int | None = None
    account_limit: int | None = None


def read(
    answer: Answer, *, forbidden_ban: float | None, now_ms: int, code: str = "", too_many: bool = False
) -> Reading:
    """``now_ms`` is the exchange's present time; ``code`` its own error code; ``too_many`` when ccxt calls it so."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    told = _told(headers, answer.body, now_ms)
    ban = closed = None
    if answer.status == TEAPOT:
        ban = told if told is not None else _BAN_S
    elif answer.status == TOO_MANY and told is not None:
        ban = told
    elif answer.status == FORBIDDEN and forbidden_ban is not None and not _is_for_good(answer.body):
        ban = told if told is not None else forbidden_ban
    elif code in _BANNED_CODES:
        ban = told if told is not None else _BANNED_CODES[code]
    elif answer.status == TOO_MANY or too_many:
        closed = told if told is not None else retry_after(headers, now_ms) or _CLOSED_S
    return Reading(
        ban=None if ban is None else min(ban, _LONGEST_S),
        closed=None if closed is None else min(closed, _LONGEST_CLOSED_S),
        host_used=_number(headers, "x-mbx-used-weight-1m"),
        account_left=_number(headers, "x-bapi-limit-status"),
        account_limit=_number(headers, "x-bapi-limit"),
    )


def _is_for_good(body: str) -> bool:
    said = body.lower()
    return any(words in said for words in _FOR_GOOD)


def _told(headers: Mapping[str, str], body: str, now_ms: int) -> float | None:
    """How long the whole host is to be left alone, in seconds."""
    if date := headers.get("retry-after"):
        told = retry_after({"retry-after": date}, now_ms)
        return told if told is not None else _until(date, now_ms)
    if banned := re.search(r"banned until (\d{13})", body):  # Binance
        return max(0.0, (int(banned.group(1)) - now_ms) / 1000)
    return None


def _until(date: str, now_ms: int) -> float | None:
    """``Retry-After`` may be an HTTP date."""
    try:
        end = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return None
    if end.tzinfo is None:
        end = end.replace(tzinfo=UTC)
    return max(0.0, (end - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds())


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdecimal() else None
