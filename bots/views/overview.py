"""The first page: everything at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from redis.exceptions import RedisError

from bots import market_data, selectors
from bots.errors import ExchangeUnavailable
from bots.exchanges import hosts_in_trouble
from bots.models import BotMode
from exchange.models import ExchangeAccount
from web.pages import Context, page, signed_in


@dataclass(slots=True)
class Equity:
    """What the accounts behind some bots are worth together; ``trouble`` says which of them did not answer."""

    total: Decimal | None
    trouble: list[str]


@signed_in
def overview(request: HttpRequest) -> HttpResponse:
    return page(request, "bots/overview.html", {"bots": _bots, "orders": _orders, "events": _events})


def _bots() -> Context:
    now = timezone.now()
    rows = selectors.bot_rows(now=now)
    totals = selectors.totals_of(rows)
    accounts = {row.bot.account_id: row.bot.account for row in rows}
    try:
        troubled, without_redis = hosts_in_trouble({account.venue for account in accounts.values()}, now=now), False
    except RedisError:
        troubled, without_redis = [], True
    return {
        "now": now,
        "rows": rows,
        "hosts_in_trouble": troubled,
        "without_redis": without_redis,
        "venues_in_trouble": {host.venue for host in troubled},
        "totals": [
            # Bots that send nothing trade on nobody's money, and perhaps on an account without keys.
            (total, _equity([accounts[key] for key in sorted(total.account_ids)], total.quote))
            for total in totals
            if total.mode != BotMode.SIGNALS
        ],
        "signals_only": sum(row.bot.mode == BotMode.SIGNALS for row in rows),
        "has_accounts": bool(rows) or ExchangeAccount.objects.exists(),
    }


def _equity(accounts: list[ExchangeAccount], quote: str) -> Equity:
    total, trouble = None, []
    for account in accounts:
        try:
            worth = market_data.account_worth(account, quote)
        except ExchangeUnavailable as unavailable:
            trouble.append(f"{account.name}: {unavailable.detail}")
            continue
        total = (total or Decimal(0)) + worth.equity
        if worth.unvalued:
            trouble.append(f"{account.name}: no {quote} price for {', '.join(worth.unvalued)}, left out.")
    return Equity(total, trouble)


def _orders() -> Context:
    return {"now": timezone.now(), "orders": selectors.open_orders()}


def _events() -> Context:
    return {"now": timezone.now(), "events": selectors.recent_events()}
