"""The routes, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from exchange.simulator import clock, market_data, trading, wallet
from exchange.simulator.clock import ClockKind
from exchange.simulator.engine import Engine
from exchange.simulator.errors import NOT_FOUND_PATH, Refusal
from exchange.simulator.http import (
    ENGINE,
    Handler,
    answer,
    holding_nothing,
    parse_body,
    private_get,
    private_post,
    public,
    refusal,
)
from exchange.simulator.sockets import HUB, Hub, serve_socket

MAX_STEP = 1_000_000


@dataclass(frozen=True, slots=True)
class Status:
    """What the administrative endpoints tell of the run beside the engine's own state."""

    clock: ClockKind
    speed: float
    source: list[str]
    synthetic: bool


STATUS: web.AppKey[Status] = web.AppKey("status", Status)

PUBLIC_GET: dict[str, Handler] = {
    "/v5/market/time": market_data.server_time,
    "/v5/market/instruments-info": market_data.instruments_info,
    "/v5/market/tickers": market_data.tickers,
    "/v5/market/kline": market_data.kline,
    "/v5/market/mark-price-kline": market_data.kline,
    "/v5/market/index-price-kline": market_data.kline,
    "/v5/market/orderbook": market_data.orderbook,
    "/v5/market/recent-trade": market_data.recent_trade,
    "/v5/system/status": market_data.system_status,
}
PRIVATE_GET: dict[str, Handler] = {
    "/v5/order/realtime": holding_nothing(trading.realtime),
    "/v5/order/history": holding_nothing(trading.history),
    "/v5/execution/list": holding_nothing(trading.executions),
    "/v5/account/wallet-balance": wallet.wallet_balance,
    "/v5/account/info": wallet.account_info,
    "/v5/account/fee-rate": wallet.fee_rate,
    "/v5/position/list": holding_nothing(wallet.position_list),
    "/v5/user/query-api": wallet.query_api,
    "/v5/asset/coin/query-info": wallet.coin_info,
}
PRIVATE_POST: dict[str, Handler] = {
    "/v5/order/create": trading.create,
    "/v5/order/amend": trading.amend,
    "/v5/order/cancel": trading.cancel,
    "/v5/order/cancel-all": trading.cancel_all,
    "/v5/order/create-batch": trading.create_batch,
    "/v5/order/amend-batch": trading.amend_batch,
    "/v5/order/cancel-batch": trading.cancel_batch,
    "/v5/position/set-leverage": wallet.set_leverage,
    "/v5/position/switch-mode": wallet.switch_mode,
    "/v5/account/set-margin-mode": wallet.set_margin_mode,
}


def create_app(engine: Engine, status: Status) -> web.Application:
    app = web.Application()
    app[ENGINE] = engine
    app[STATUS] = status
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
    app.router.add_get("/simulator/status", _status)
    app.router.add_post("/simulator/step", _administrative(_step))
    app.router.add_post("/simulator/accounts", _administrative(_put_account))
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
    """Before the server waits for its connections to end: sockets would not by themselves."""
    await app[HUB].close()


def _stop_when_broken(task: asyncio.Task[None]) -> None:
    """A market that no longer moves must not look alive."""
    if not task.cancelled() and task.exception() is not None:
        task.get_loop().call_exception_handler(
            {"message": "the market's clock broke; the simulator stops", "exception": task.exception()}
        )
        raise SystemExit(1) from task.exception()


async def _no_such_path(request: web.Request) -> web.Response:
    return answer(refusal(Refusal(NOT_FOUND_PATH, f"request path not found: {request.method} {request.path}")), 404)


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
    }


async def _status(request: web.Request) -> web.Response:
    return web.json_response(describe_status(request.app))


def _administrative(handler: Callable[[web.Application, dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
    async def serve(request: web.Request) -> web.Response:
        try:
            return web.json_response(handler(request.app, parse_body(await request.read())))
        except Refusal as error:
            return web.json_response({"error": error.message}, status=400)

    return serve


def _step(app: web.Application, body: dict[str, Any]) -> dict[str, Any]:
    if app[STATUS].clock is not ClockKind.STEPPED:
        raise Refusal(10001, f"the clock is {app[STATUS].clock.value}; start the simulator with --clock stepped")
    points = body.get("points", 1)
    if not isinstance(points, int) or isinstance(points, bool) or not 1 <= points <= MAX_STEP:
        raise Refusal(10001, f"points [{points}] must be a whole number from 1 to {MAX_STEP}")
    app[ENGINE].advance(points)
    app[HUB].tell_prices()
    return describe_status(app)


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
