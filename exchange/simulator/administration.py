"""The simulator's own endpoints under ``/simulator``: where it stands, stepping, accounts, faults, requests.

Nobody is asked who he is (it listens on 127.0.0.1), but a page of another site that a browser has open is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from exchange.simulator.clock import ClockKind
from exchange.simulator.errors import Refusal
from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.plan import Fault
from exchange.simulator.faults.rules import FaultRule, Scope
from exchange.simulator.faults.script import parse_script, read_object
from exchange.simulator.http import ENGINE, parse_body
from exchange.simulator.limits import LIMITS
from exchange.simulator.sockets import HUB
from exchange.simulator.traffic import TRAFFIC, busiest

MAX_STEP = 1_000_000
DEFAULT_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class Status:
    """What the administrative endpoints tell of the run beside the engine's own state."""

    clock: ClockKind
    speed: float
    source: list[str]
    synthetic: bool


STATUS: web.AppKey[Status] = web.AppKey("status", Status)
SCOPE: web.AppKey[Scope] = web.AppKey("scope", Scope)


def add_routes(app: web.Application) -> None:
    router = app.router
    router.add_get("/simulator/status", _status)
    router.add_post("/simulator/step", administrative(_step))
    router.add_post("/simulator/accounts", administrative(_put_account))
    router.add_get("/simulator/faults", _list_faults)
    router.add_post("/simulator/faults", administrative(_add_faults))
    router.add_delete("/simulator/faults", administrative(_clear_faults))
    router.add_delete(r"/simulator/faults/{number:\d+}", _remove_fault)
    router.add_get("/simulator/requests", _requests)


def from_elsewhere(request: web.Request) -> bool:
    """Whether another site's page asks, by the header that browsers put on every request that changes something."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _problem(message: str, status: int = 400) -> web.Response:
    return web.json_response({"error": message}, status=status)


def administrative(handler: Callable[[web.Application, dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
    """A JSON body in, a JSON object out; what is wrong is told as ``{"error": …}`` with 400."""

    async def serve(request: web.Request) -> web.Response:
        if from_elsewhere(request):
            return _problem("this is asked from the page of another site", 403)
        try:
            return web.json_response(handler(request.app, parse_body(await request.read())))
        except Refusal as error:
            return _problem(error.message)
        except FaultError as error:
            return _problem(str(error))

    return serve


# Where it stands


def describe_status(app: web.Application) -> dict[str, Any]:
    engine, status = app[ENGINE], app[STATUS]
    replay = engine.replay
    return {
        "clock": status.clock.value,
        "speed": 1.0 if status.clock is ClockKind.REAL else status.speed,
        "time": replay.time,
        "point": replay.point,
        "points": replay.points,
        "source": "synthetic" if status.synthetic else status.source,
        "synthetic": status.synthetic,
        "symbols": sorted(replay.tracks),
        "start": replay.start,
        "candles": replay.candles,
        "timeframe_ms": replay.timeframe_ms,
        "listeners": app[HUB].listeners(),
        "last": {symbol: str(market.last) for symbol, market in engine.markets["linear"].items()},
        "refused": dict(app[LIMITS].refused),
        "faults": sum(fault.stage != "done" for fault in engine.faults.faults),
    }


async def _status(request: web.Request) -> web.Response:
    return web.json_response(describe_status(request.app))


def _step(app: web.Application, body: dict[str, Any]) -> dict[str, Any]:
    if app[STATUS].clock is not ClockKind.STEPPED:
        raise Refusal(10001, f"the clock is {app[STATUS].clock.value}; start the simulator with --clock stepped")
    points = body.get("points", 1)
    if not isinstance(points, int) or isinstance(points, bool) or not 1 <= points <= MAX_STEP:
        raise Refusal(10001, f"points [{points}] must be a whole number from 1 to {MAX_STEP}")
    app[ENGINE].advance(points)
    app[HUB].tell_prices()
    return describe_status(app)


# Accounts


def _put_account(app: web.Application, body: dict[str, Any]) -> dict[str, Any]:
    api_key, api_secret = str(body.get("api_key") or ""), str(body.get("api_secret") or "")
    if not api_key or not api_secret:
        raise Refusal(10001, "api_key and api_secret are required")
    balances = body.get("balances", {})
    if not isinstance(balances, dict):
        raise Refusal(10001, 'balances must be an object, as {"USDT": "100000"}')
    app[ENGINE].put_account(api_key, api_secret, read_balances(balances))
    return {"api_key": api_key, "balances": {coin: str(amount) for coin, amount in balances.items()}}


def read_balances(balances: dict[str, Any]) -> dict[str, Decimal]:
    read = {}
    for coin, amount in balances.items():
        try:
            read[str(coin).upper()] = Decimal(str(amount))
        except InvalidOperation as error:
            raise Refusal(10001, f"balance of {coin} [{amount}] is not a number") from error
        if not read[str(coin).upper()].is_finite() or read[str(coin).upper()] < 0:
            raise Refusal(10001, f"balance of {coin} [{amount}] must not be negative")
    return read


# Faults


def describe_faults(app: web.Application) -> dict[str, Any]:
    plan = app[ENGINE].faults
    return {"seed": plan.seed, "faults": [fault.describe() for fault in plan.faults]}


async def _list_faults(request: web.Request) -> web.Response:
    return web.json_response(describe_faults(request.app))


def add_rules(app: web.Application, rules: list[FaultRule]) -> list[Fault]:
    """Adds them and does at once what they do at once. Raises ``FaultError`` when there are too many."""
    added = app[ENGINE].faults.add(rules)
    app[ENGINE].apply_faults()
    app[HUB].apply_faults()
    return added


def _add_faults(app: web.Application, body: dict[str, Any]) -> dict[str, Any]:
    script, rules = body.get("script"), body.get("rules")
    if isinstance(script, str) and rules is None:
        added = add_rules(app, parse_script(script, app[SCOPE]))
    elif isinstance(rules, list) and script is None:
        added = add_rules(app, _read_rules(rules, app[SCOPE]))
    else:
        raise FaultError('send {"script": "5% error on *"} or {"rules": [{"kind": "error", "chance": 0.05}]}')
    return {"added": [fault.describe() for fault in added]}


def _read_rules(rules: list[Any], scope: Scope) -> list[FaultRule]:
    read, problems = [], []
    for number, one in enumerate(rules, start=1):
        if not isinstance(one, dict):
            problems.append(f"rule {number}: {one!r} is no object")
            continue
        try:
            read.append(read_object(one, scope))
        except FaultError as error:
            problems.append(f"rule {number}: {error}")
    if problems:
        raise FaultError("\n".join(problems))
    return read


def _clear_faults(app: web.Application, body: dict[str, Any]) -> dict[str, Any]:
    app[ENGINE].faults.clear()
    return describe_faults(app)


async def _remove_fault(request: web.Request) -> web.Response:
    if from_elsewhere(request):
        return _problem("this is asked from the page of another site", 403)
    number = int(request.match_info["number"])
    if not request.app[ENGINE].faults.remove(number):
        return _problem(f"there is no rule {number}", 404)
    return web.json_response(describe_faults(request.app))


# Requests


async def _requests(request: web.Request) -> web.Response:
    """``since``: number of the last request that is known; ``window_ms``: also the most that came within as long."""
    traffic, query = request.app[TRAFFIC], request.query
    numbers = {"since": 0, "limit": DEFAULT_REQUESTS, "window_ms": 1000}
    for name in numbers:
        if name in query:
            if not query[name].isdigit():
                return _problem(f"{name} [{query[name]}] must be a whole number")
            numbers[name] = int(query[name])
    found = traffic.since(numbers["since"], account=query.get("account"), path=query.get("path"))
    shown = found[: numbers["limit"]]
    return web.json_response(
        {
            "requests": [arrival.describe() for arrival in shown],
            "last": shown[-1].number if shown else numbers["since"],
            "more": len(found) > len(shown),
            "newest": traffic.newest,
            "count": len(found),
            "busiest": busiest(found, numbers["window_ms"] / 1000),
            "by_path": dict(traffic.by_path),
            "forgotten": traffic.forgotten,
        }
    )
