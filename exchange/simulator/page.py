"""The simulator's page: where it stands, its faults, and the last requests. It works without JavaScript."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from exchange.simulator.administration import SCOPE, add_rules, describe_status, from_elsewhere
from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.plan import Fault, Stage
from exchange.simulator.faults.rules import KINDS, describe
from exchange.simulator.faults.script import parse_script
from exchange.simulator.http import ENGINE
from exchange.simulator.traffic import TRAFFIC, Arrival

SHOWN = 100
_TEMPLATE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
_STAGES = {Stage.WAITING: "blue", Stage.ACTIVE: "orange", Stage.DONE: "muted"}


def add_routes(app: web.Application) -> None:
    app.router.add_get("/simulator", _move)
    app.router.add_get("/simulator/", _show)
    app.router.add_post("/simulator/", _add)
    app.router.add_post("/simulator/faults/clear", _clear)
    app.router.add_post(r"/simulator/faults/{number:\d+}/remove", _remove)


async def _move(request: web.Request) -> web.Response:
    raise web.HTTPMovedPermanently("/simulator/")


async def _show(request: web.Request) -> web.Response:
    return render(request.app)


async def _add(request: web.Request) -> web.Response:
    """The form's rules; when one is wrong, the page again with what was written and what is wrong with it."""
    _refuse_elsewhere(request)
    script = str((await request.post()).get("script", ""))
    try:
        add_rules(request.app, parse_script(script, request.app[SCOPE]))
    except FaultError as error:
        return render(request.app, script=script, problem=str(error), status=400)
    raise web.HTTPSeeOther("/simulator/")


async def _clear(request: web.Request) -> web.Response:
    _refuse_elsewhere(request)
    request.app[ENGINE].faults.clear()
    raise web.HTTPSeeOther("/simulator/")


async def _remove(request: web.Request) -> web.Response:
    """Removing what is gone already is no mistake: the page may be older than the list."""
    _refuse_elsewhere(request)
    request.app[ENGINE].faults.remove(int(request.match_info["number"]))
    raise web.HTTPSeeOther("/simulator/")


def _refuse_elsewhere(request: web.Request) -> None:
    if from_elsewhere(request):
        raise web.HTTPForbidden(text="this is asked from the page of another site")


def render(app: web.Application, *, script: str = "", problem: str = "", status: int = 200) -> web.Response:
    plan = app[ENGINE].faults
    nonce = secrets.token_urlsafe(16)
    wrong = f'<section class="card error" role="alert"><strong>Not added.</strong> {escape(problem)}</section>'
    body = _TEMPLATE.substitute(
        problem=wrong if problem else "",
        status=_status(app),
        script=escape(script),
        seed=plan.seed,
        kinds="".join(
            f"<tr><td><code>{escape(kind.name)} {escape(kind.parameters.usage)}</code></td>"
            f'<td class="wrap muted">{escape(kind.text)}</td></tr>'
            for kind in KINDS.values()
        ),
        faults=_faults(plan.faults),
        requests=_requests(app[TRAFFIC].latest(SHOWN)),
        nonce=nonce,
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'"
    headers = {"Content-Security-Policy": f"{policy}; form-action 'self'; frame-ancestors 'none'"}
    return web.Response(text=body, status=status, content_type="text/html", headers=headers)


def _status(app: web.Application) -> str:
    status, engine = describe_status(app), app[ENGINE]
    speed = "" if status["clock"] == "stepped" else f" × {status['speed']:g}"
    balances = sum(1 for account in engine.accounts.values() for coin in account.coins.values() if coin.wallet)
    orders = sum(len(account.open_orders) for account in engine.accounts.values())
    entries = {
        "Clock": f"{status['clock']}{speed}",
        "Market's time": _time(status["time"], "%Y-%m-%d %H:%M:%S"),
        "Point": f"{status['point']}",
        "Server's time": _time(engine.server_ms(), "%Y-%m-%d %H:%M:%S"),
        "Accounts": f"{len(engine.accounts)} with {balances} balances",
        "Open orders": f"{orders}",
        "Requests": f"{app[TRAFFIC].newest}",
        "Refused by limits": f"{sum(status['refused'].values())}",
        **status["last"],
    }
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in entries.items())


def _faults(faults: list[Fault]) -> str:
    if not faults:
        return '<tr><td class="muted" colspan="5">None: everything works.</td></tr>'
    return "".join(
        f'<tr><td class="wrap"><code>{escape(describe(fault.rule))}</code></td>'
        f'<td class="{_STAGES[fault.stage]}">{fault.stage.value}</td><td data-label="applied">{fault.applied}</td>'
        f'<td data-label="met">{fault.met}</td>'
        f'<td><form method="post" action="/simulator/faults/{fault.number}/remove">'
        f'<button class="small" aria-label="Remove rule {fault.number}">Remove</button></form></td></tr>'
        for fault in faults
    )


def _requests(arrivals: Iterable[Arrival]) -> str:
    rows = "".join(
        f'<tr><td class="muted">{_time(arrival.wall, "%H:%M:%S.%f")[:-3]}</td>'
        f"<td><code>{escape(arrival.method)} {escape(arrival.path[:80])}</code></td>"
        f'<td class="{_colour(arrival)}">{arrival.status or "…"}</td>'
        f"<td>{'' if arrival.code is None else arrival.code}</td>"
        f'<td class="orange">{escape(", ".join(arrival.faults) or (arrival.refused_by and "limit"))}</td>'
        f'<td class="muted">{escape(arrival.account[:24])}</td></tr>'
        for arrival in arrivals
    )
    return rows or '<tr><td class="muted" colspan="6">None yet.</td></tr>'


def _colour(arrival: Arrival) -> str:
    if arrival.status >= 400 or arrival.code:
        return "down"
    return "up" if arrival.status else "muted"


def _time(ms: int, pattern: str) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime(pattern)
