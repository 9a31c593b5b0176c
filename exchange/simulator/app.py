"""The routes, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from exchange.simulator import administration, clock, page
from exchange.simulator.administration import SCOPE, STATUS, Status
from exchange.simulator.clock import ClockKind
from exchange.simulator.endpoints import PATHS, PRIVATE_GET, PRIVATE_POST, PUBLIC_GET
from exchange.simulator.engine import Engine
from exchange.simulator.errors import NOT_FOUND_PATH, Refusal
from exchange.simulator.faults.injector import CLOSING, inject
from exchange.simulator.faults.rules import Scope
from exchange.simulator.http import ENGINE, answer, private_get, private_post, public, refusal
from exchange.simulator.limits import LIMITS, Limiter, Limits
from exchange.simulator.sockets import HUB, Hub, serve_socket
from exchange.simulator.traffic import TRAFFIC, Traffic


def scope_of(engine: Engine) -> Scope:
    """What rules of faults can be about."""
    symbols = [f"{category}/{symbol}" for category, markets in engine.markets.items() for symbol in markets]
    return Scope(PATHS, tuple(symbols))


def create_app(engine: Engine, status: Status, limits: Limits | None = None) -> web.Application:
    app = web.Application(middlewares=[inject])
    app[ENGINE] = engine
    app[STATUS] = status
    app[SCOPE] = scope_of(engine)
    app[TRAFFIC] = Traffic()
    app[LIMITS] = Limiter(limits)
    app[CLOSING] = asyncio.Event()
    app[HUB] = hub = Hub(engine)
    engine.on_changes = hub.tell_changes
    for path, handler in PUBLIC_GET.items():
        app.router.add_get(path, public(handler))
    for path, handler in PRIVATE_GET.items():
        app.router.add_get(path, private_get(handler))
    for path, handler in PRIVATE_POST.items():
        app.router.add_post(path, private_post(handler))
    app.router.add_get("/v5/public/{category}", serve_socket)
    app.router.add_get("/v5/private", serve_socket)
    administration.add_routes(app)
    page.add_routes(app)
    app.router.add_route("*", "/{path:.*}", _no_such_path)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_hang_up)
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    engine, status, hub = app[ENGINE], app[STATUS], app[HUB]

    def advance(points: int) -> None:
        engine.advance(points)
        hub.tell_prices()

    moving = None
    if status.clock is not ClockKind.STEPPED:
        speed = 1.0 if status.clock is ClockKind.REAL else status.speed
        moving = asyncio.create_task(clock.run(engine.replay, speed, advance))
        moving.add_done_callback(_stop_when_broken)
    yield
    if moving is not None:
        moving.cancel()
    engine.store.close()


async def _hang_up(app: web.Application) -> None:
    """Before the server waits for its connections to end: sockets and held answers would not by themselves."""
    app[CLOSING].set()
    await app[HUB].close()


def _stop_when_broken(task: asyncio.Task[None]) -> None:
    """A market that no longer moves must not look alive."""
    if not task.cancelled() and task.exception() is not None:
        task.get_loop().call_exception_handler(
            {"message": "the market's clock broke; the simulator stops", "exception": task.exception()}
        )
        raise SystemExit(1) from task.exception()


async def _no_such_path(request: web.Request) -> web.Response:
    missing = Refusal(NOT_FOUND_PATH, f"request path not found: {request.method} {request.path}")
    return answer(refusal(missing, request.app[ENGINE].server_ms()), 404)
