"""What an exchange, or what stands before it, answers when it does not do what it was asked."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aiohttp import web

from exchange.simulator.errors import MAINTENANCE, TOO_MANY_VISITS, Refusal
from exchange.simulator.http import answer, refusal

_REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_PAGE = (
    "<html>\r\n<head><title>{code} {reason}</title></head>\r\n<body>\r\n<center><h1>{code} {reason}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
LIMIT_HEADER = "X-Bapi-Limit"
STATUS_HEADER = "X-Bapi-Limit-Status"
RESET_HEADER = "X-Bapi-Limit-Reset-Timestamp"


def limit_headers(limit: int, left: int, reset_ms: int) -> dict[str, str]:
    """``left`` of ``limit`` requests; ``reset_ms`` is the server's time when there are more again."""
    return {LIMIT_HEADER: str(limit), STATUS_HEADER: str(left), RESET_HEADER: str(reset_ms)}


def too_many_visits(now: int, headers: Mapping[str, str]) -> web.Response:
    """Over an account's limit: HTTP 200 and Bybit's code 10006."""
    refused = Refusal(TOO_MANY_VISITS, "Too many visits. Exceeded the API Rate Limit.")
    return answer(refusal(refused, now), headers=headers)


def too_many_requests(now: int, wait_ms: float, headers: Mapping[str, str]) -> web.Response:
    """HTTP 429, Bybit's "system level frequency protection"."""
    refused = Refusal(TOO_MANY_VISITS, "Too many visits. System level frequency protection.")
    waiting = {"Retry-After": str(math.ceil(wait_ms / 1000)), **headers}
    return answer(refusal(refused, now), 429, headers=waiting)


def banned() -> web.Response:
    """The address is banned: what stands before the exchange answers, in plain text and without a hint for how long."""
    return web.Response(status=403, text="403, access too frequent", content_type="text/plain")


def maintenance(now: int) -> web.Response:
    return answer(refusal(Refusal(MAINTENANCE, "System is under maintenance. Please try again later."), now))


def gateway_error(code: int) -> web.Response:
    page = _PAGE.format(code=code, reason=_REASONS[code])
    return web.Response(status=code, text=page, content_type="text/html")
