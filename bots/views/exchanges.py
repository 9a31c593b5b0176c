"""How every exchange is doing: breakers, bans, budgets, clocks, prices, accounts."""

from __future__ import annotations

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError

from bots.exchanges import check_account, close_breaker, exchanges_state
from exchange.errors import ExchangeError
from exchange.models import ExchangeAccount
from web.pages import Context, page, signed_in, username

log = structlog.get_logger(__name__)


@signed_in
def exchanges(request: HttpRequest) -> HttpResponse:
    return page(request, "exchange/exchanges.html", {"venues": _venues})


def _venues() -> Context:
    now = timezone.now()
    try:
        state = exchanges_state(now=now)
    except RedisError as error:
        log.error("state of the exchanges unknown", error=str(error))
        return {"now": now, "unknown": "Redis does not answer: nobody can say how the exchanges are."}
    return {"now": now, "venues": state.venues, "happened": state.log}


@require_POST
@signed_in
def breaker_close(request: HttpRequest) -> HttpResponse:
    host = request.POST.get("host", "")
    try:
        closed = close_breaker(host=host, requested_by=username(request))
    except RedisError as error:
        log.error("circuit breaker not closed", host=host, error=str(error))
        messages.error(request, "Redis does not answer: the circuit breaker stays as it is.")
    else:
        said = "is closed: the next request finds out." if closed else "was closed already."
        messages.success(request, f"The circuit breaker of {host} {said}")
    return redirect("exchanges")


@require_POST
@signed_in
def account_check(request: HttpRequest, name: str) -> HttpResponse:
    account = get_object_or_404(ExchangeAccount, name=name)
    try:
        found = check_account(account, now=timezone.now())
    except ExchangeError as error:
        messages.error(request, f"{name}: {error.detail}")
    else:
        if found.ok:
            messages.success(request, f"{name} can trade.")
        else:
            messages.error(request, f"{name} cannot trade: see what failed below.")
    return redirect("exchanges")
