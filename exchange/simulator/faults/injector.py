"""Faults of requests: what comes between the socket and the handler."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from exchange.simulator.faults import answers
from exchange.simulator.faults.parameters import Cut, Hang, Reset, Status
from exchange.simulator.faults.plan import Decision, Fault
from exchange.simulator.http import ENGINE
from exchange.simulator.limits import LIMITS
from exchange.simulator.traffic import TRAFFIC, Arrival

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Set when the server stops: whoever is held back then goes on at once, or stopping would take as long as they wait.
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)

ADMINISTRATION = "/simulator"
_CODE = re.compile(rb'\A\{"retCode":(-?\d+)')
_POLL_S = 0.05


def address_of(path: str) -> str:
    """``/v5/order/create`` → ``order/create``; sockets have ``ws/`` before what they serve."""
    below = path.removeprefix("/v5/")
    if below == "private" or below.startswith("public/"):
        return f"ws/{below}"
    return below


@web.middleware
async def inject(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Each request of the exchange is noted, held against the limits, and meets the faults that are its lot."""
    if request.path == ADMINISTRATION or request.path.startswith(ADMINISTRATION + "/"):
        return await handler(request)
    app = request.app
    engine, limits = app[ENGINE], app[LIMITS]
    path, account = address_of(request.path), request.headers.get("X-BAPI-API-KEY", "")
    arrival = app[TRAFFIC].arrived(request.method, path, account, request.remote or "")
    verdict = await limits.judge(request, path, account, arrival.at, engine.server_ms())
    if verdict.refused is not None:
        arrival.refused_by = verdict.reason
        response: web.StreamResponse = verdict.refused
    else:
        decision = engine.faults.decide(path, account)
        arrival.faults = tuple(decision.names)
        try:
            response = await _meet(request, handler, decision)
        except web.HTTPException as error:
            arrival.status = error.status
            raise
    response.headers.extend(verdict.headers)
    _note(arrival, request, response)
    return response


def _note(arrival: Arrival, request: web.Request, response: web.StreamResponse) -> None:
    if request.transport is None or request.transport.is_closing():
        return  # nobody gets this answer
    arrival.status = response.status
    if (
        isinstance(response, web.Response)
        and isinstance(response.body, bytes)
        and (found := _CODE.match(response.body))
    ):
        arrival.code = int(found[1])


async def _meet(request: web.Request, handler: Handler, decision: Decision) -> web.StreamResponse:
    await hold(request, decision.before)
    fault = decision.fault
    if fault is None:
        response = await handler(request)
    else:
        response = _instead(request, fault) or await _after(request, await handler(request), fault)
    await hold(request, decision.after)
    return response


def _instead(request: web.Request, fault: Fault) -> web.Response | None:
    """The answer of faults that leave the request unhandled."""
    now = request.app[ENGINE].server_ms()
    match fault.rule.kind.name:
        case "rate-limit":
            wait = fault.parameters(Reset).ms
            return answers.too_many_visits(now, answers.limit_headers(10, 0, now + round(wait)))
        case "too-many-requests":
            wait = fault.parameters(Reset).ms
            return answers.too_many_requests(now, wait, answers.limit_headers(10, 0, now + round(wait)))
        case "ban":
            return answers.banned()
        case "maintenance":
            # Where one looks up whether the exchange is well still answers.
            return None if address_of(request.path) == "system/status" else answers.maintenance(now)
        case "error" if not fault.parameters(Status).after_accept:
            return answers.gateway_error(fault.random.choice(fault.parameters(Status).codes))
        case "drop-before-accept":
            return _hang_up(request)
    return None


async def _after(request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
    """What becomes of the answer to a request that was handled."""
    match fault.rule.kind.name:
        case "drop-after-accept":
            return _hang_up(request)
        case "lose-response":
            await hold(request, fault.parameters(Hang).seconds)
            return _hang_up(request)
        case "error":
            return answers.gateway_error(fault.random.choice(fault.parameters(Status).codes))
        case "truncate" if isinstance(response, web.Response) and isinstance(response.body, bytes):
            return await _truncate(request, response.body, announced=fault.parameters(Cut).announced)
    return response


def _hang_up(request: web.Request) -> web.Response:
    """Closes the connection; the answer that aiohttp is then given cannot be sent any more."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _truncate(request: web.Request, body: bytes, *, announced: bool) -> web.StreamResponse:
    half = body[: len(body) // 2]
    if not announced:
        return web.Response(body=half, content_type="application/json")
    response = web.StreamResponse()
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(half)
    _hang_up(request)
    return response


async def hold(request: web.Request, seconds: float) -> None:
    """Waits, but no longer than the client does, and not while the server stops."""
    closing, loop = request.app[CLOSING], asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0 and not closing.is_set():
        if request.transport is None or request.transport.is_closing():
            return
        try:
            await asyncio.wait_for(closing.wait(), min(left, _POLL_S))
        except TimeoutError:
            continue
