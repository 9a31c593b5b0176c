"""Bybit's request limits: per account and path in a rolling second, per address in five.

https://bybit-exchange.github.io/docs/v5/rate-limit. Off unless asked for.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

import orjson
from aiohttp import web

from exchange.simulator.faults import answers

WINDOW_S = 1.0
IP_WINDOW_S = 5.0
USAGE = "off, bybit, or changes to Bybit's: order/create=5,order/*=20,ip=300,ban=60s"

# Requests per second of one account; where spot and linear differ, (linear, spot).
BYBIT: dict[str, tuple[int, int]] = {
    "order/create": (10, 20),
    "order/amend": (10, 10),
    "order/cancel": (10, 20),
    "order/cancel-all": (10, 20),
    "order/create-batch": (10, 20),
    "order/amend-batch": (10, 20),
    "order/cancel-batch": (10, 20),
    "order/realtime": (50, 50),
    "order/history": (50, 50),
    "execution/list": (50, 50),
    "position/list": (50, 50),
    "position/set-leverage": (10, 10),
    "account/wallet-balance": (50, 50),
    "account/fee-rate": (10, 5),
    "asset/coin/query-info": (5, 5),
    "user/query-api": (10, 10),
}
BYBIT_IP = 600
BYBIT_BAN_S = 600.0
_ENTRY = re.compile(r"([a-z*/-]+)=(\d+(?:\.\d+)?)s?")


@dataclass(frozen=True, slots=True)
class Limits:
    """``paths``: requests a second for linear and spot by path. ``ip`` requests in five seconds, then a ban."""

    paths: dict[str, tuple[int, int]]
    ip: int
    ban_s: float


def read_limits(written: str, paths: tuple[str, ...]) -> Limits | None:
    """``None`` when there are none. Raises ``ValueError`` that says what is wrong."""
    if written == "off":
        return None
    limits = Limits(dict(BYBIT), BYBIT_IP, BYBIT_BAN_S)
    if written == "bybit":
        return limits
    for entry in written.split(","):
        found = _ENTRY.fullmatch(entry.strip())
        if found is None or float(found[2]) <= 0:
            raise ValueError(f"{entry.strip()!r} is no limit; write {USAGE}")
        name, number = found[1], float(found[2])
        if name == "ip":
            limits = replace(limits, ip=int(number))
        elif name == "ban":
            limits = replace(limits, ban_s=number)
        else:
            meant = [path for path in paths if fnmatchcase(path, name)]
            if not meant:
                raise ValueError(f"{name!r} is no path of this exchange; there are {', '.join(paths)}")
            limits.paths.update({path: (int(number), int(number)) for path in meant})
    return limits


@dataclass(frozen=True, slots=True)
class Verdict:
    """``refused`` is the answer when the request is over a limit; ``headers`` go onto whatever is answered."""

    refused: web.Response | None = None
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Limiter:
    """Counts requests in rolling windows. ``None`` for the limits counts nothing and refuses nothing."""

    def __init__(self, limits: Limits | None) -> None:
        self.limits = limits
        self.refused: Counter[str] = Counter()
        self._seen: dict[tuple[str, str, bool], deque[float]] = {}
        self._by_ip: dict[str, deque[float]] = {}
        self._banned_until: dict[str, float] = {}

    async def judge(self, request: web.Request, path: str, account: str, at: float, now: int) -> Verdict:
        """``at`` is the monotonic time of arrival in s, ``now`` the server's in ms."""
        limits = self.limits
        if limits is None or path.startswith("ws/"):
            return Verdict()
        if self._over_ip(limits, request.remote or "", at):
            self.refused["ip"] += 1
            return Verdict(answers.banned(), "ip")
        rates = limits.paths.get(path)
        if rates is None or not account:
            return Verdict()
        is_spot, cost = await _weigh(request, path)
        limit = rates[is_spot]
        seen = self._seen.setdefault((account, path, is_spot), deque())
        while seen and at - seen[0] >= WINDOW_S:
            seen.popleft()
        if len(seen) + cost > limit:
            wait = WINDOW_S - (at - seen[0]) if seen else WINDOW_S
            self.refused[path] += 1
            headers = answers.limit_headers(limit, limit - len(seen), now + int(wait * 1000) + 1)
            return Verdict(answers.too_many_visits(now, headers), path)
        seen.extend([at] * cost)
        return Verdict(headers=answers.limit_headers(limit, limit - len(seen), now))

    def _over_ip(self, limits: Limits, ip: str, at: float) -> bool:
        if at < self._banned_until.get(ip, 0.0):
            return True
        seen = self._by_ip.setdefault(ip, deque())
        while seen and at - seen[0] >= IP_WINDOW_S:
            seen.popleft()
        seen.append(at)
        if len(seen) <= limits.ip:
            return False
        self._banned_until[ip] = at + limits.ban_s
        seen.clear()
        return True


async def _weigh(request: web.Request, path: str) -> tuple[bool, int]:
    """(whether it is about spot, how many requests it counts for): a batch counts for the orders in it."""
    if request.method != "POST":
        return request.query.get("category") == "spot", 1
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return False, 1
    if not isinstance(body, dict):
        return False, 1
    orders = body.get("request")
    cost = len(orders) if path.endswith("-batch") and isinstance(orders, list) else 1
    return body.get("category") == "spot", max(cost, 1)


LIMITS: web.AppKey[Limiter] = web.AppKey("limits", Limiter)
