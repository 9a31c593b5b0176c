"""One bot: chart, figures, orders, fills, cycles, events and journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from bots import chart_data, market_data, selectors
from bots.lifecycle import BotStatus
from bots.models import Bot, BotMode
from bots.views.config_summary import config_summary
from bots.views.sight import nearest_orders, sight_of
from strategies.registry import UnknownStrategy, get_strategy
from web.pages import Context, page, signed_in

DEFAULT_TIMEFRAME = "1m"

# Address, heading and what fills it.
TABS: dict[str, tuple[str, Callable[..., selectors.Page[Any]]]] = {
    "orders": ("Orders", selectors.orders_page),
    "fills": ("Fills", selectors.fills_page),
    "cycles": ("Cycles", selectors.trades_page),
    "events": ("Events", selectors.events_page),
    "journal": ("Journal", selectors.journal_page),
    "signals": ("Signals", selectors.signals_page),
}


def find_bot(name: str) -> Bot:
    return get_object_or_404(Bot.objects.active().select_related("account", "owner"), name=name)


@signed_in
def bot_detail(request: HttpRequest, name: str) -> HttpResponse:
    bot = find_bot(name)
    parts: dict[str, Callable[[], Context]] = {
        "head": partial(_head, bot),
        "figures": partial(_figures, bot),
        "sight": partial(_sight, bot),
        "records": partial(_records, bot, request),
        "settings": partial(_settings, bot),
    }
    return page(request, "bots/bot.html", parts)


def _head(bot: Bot) -> Context:
    return {
        "now": timezone.now(),
        "bot": bot,
        "can_emergency_stop": bot.may_become(BotStatus.EMERGENCY),
        "timeframes": list(market_data.TIMEFRAMES),
    }


def _figures(bot: Bot) -> Context:
    now = timezone.now()
    return {"now": now, "bot": bot, "figures": selectors.bot_figures(bot, now=now)}


def _sight(bot: Bot) -> Context:
    snapshot = selectors.newest_snapshot(bot)
    price = selectors.last_price(bot) or (snapshot.price if snapshot else None)
    orders = selectors.standing_orders(bot)
    return {
        "bot": bot,
        "sight": sight_of(bot.strategy, snapshot),
        "standing_count": len(orders),
        "nearest": nearest_orders(orders, price),
        "notes": selectors.notes_in_sight(bot),
        "now": timezone.now(),
    }


def _records(bot: Bot, request: HttpRequest) -> Context:
    tab = request.GET.get("tab", "signals" if bot.mode == BotMode.SIGNALS else "orders")
    if tab not in TABS:
        raise Http404(f"A bot's page has no tab {tab!r}.")
    before = _whole_number(request, "before")
    return {
        "now": timezone.now(),
        "bot": bot,
        "tab": tab,
        "tabs": _tabs_of(bot),
        "before": before,
        "records": TABS[tab][1](bot, before=before),
        "quote": selectors.quote_of(bot.symbol),
        "base": selectors.base_of(bot.symbol),
    }


def _tabs_of(bot: Bot) -> list[tuple[str, str]]:
    """Signals first where there is nothing else; not at all where there are none."""
    titles = [(key, title) for key, (title, _) in TABS.items() if key != "signals"]
    signals = ("signals", TABS["signals"][0])
    if bot.mode == BotMode.SIGNALS:
        return [signals, *titles]
    return [*titles, signals] if bot.signals.exists() else titles


def _settings(bot: Bot) -> Context:
    try:
        strategy = get_strategy(bot.strategy)
    except UnknownStrategy as gone:  # its file was taken away: the page has to be there to stop the bot
        return {"bot": bot, "gone": str(gone)}
    return {
        "bot": bot,
        "strategy": strategy,
        "config_groups": config_summary(strategy.Config, bot.config),
        "quote": selectors.quote_of(bot.symbol),
    }


@signed_in
def bot_chart(request: HttpRequest, name: str) -> JsonResponse:
    """``?timeframe=5m`` is everything; ``?since=<seconds>`` only what a fill changes."""
    bot = find_bot(name)
    since = _whole_number(request, "since")
    if since is not None:
        return JsonResponse(chart_data.trading(bot, datetime.fromtimestamp(since, UTC)))
    timeframe = request.GET.get("timeframe", DEFAULT_TIMEFRAME)
    if timeframe not in market_data.TIMEFRAMES:
        raise Http404(f"There is no timeframe {timeframe!r}; there are {', '.join(market_data.TIMEFRAMES)}.")
    return JsonResponse(chart_data.bot_chart(bot, timeframe))


def _whole_number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    # The database's ids and the calendar both end somewhere.
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise Http404(f"{name}={text!r} is not a whole number.")
    return int(text)
