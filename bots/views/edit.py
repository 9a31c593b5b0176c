"""Creating and changing a bot: the strategy's own form with a live preview."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from accounts.models import User
from bots import chart_data, market_data, preflight, services
from bots.errors import BotError, ConfigInvalid, ExchangeUnavailable, ModeRefused
from bots.forms import PREFIX, BotForm, bot_form, initial_of
from bots.lifecycle import InvalidTransition
from bots.models import Bot, BotMode
from bots.models.bot import ENVIRONMENTS_OF_MODE, mode_fit_for
from bots.views.bot import find_bot
from exchange.models import Environment, ExchangeAccount
from strategies.registry import UnknownStrategy, get_strategy, problems, strategies
from web.pages import Context, render_block, signed_in, username
from web.schema_forms import from_address, schema_fields

DEFAULT_STRATEGY = "grid"


@signed_in
def bot_create(request: HttpRequest) -> HttpResponse:
    strategy = _strategy(request.GET.get("strategy", DEFAULT_STRATEGY))
    form_class = bot_form(strategy.Config)
    if request.method != "POST":
        return _show(request, form_class(initial=_first_initial(request, strategy)), strategy)
    form = form_class(request.POST)
    if "preview" in request.POST:
        return _show(request, form, strategy)
    if form.is_valid():
        try:
            bot = services.create_bot(
                owner=cast(User, request.user),
                strategy=strategy.name,
                requested_by=username(request),
                **_values(form),
            )
        except ConfigInvalid as invalid:
            form.add_problems(invalid.problems)
        except BotError as refusal:
            form.add_error(_field_of(refusal), refusal.detail)
        else:
            return _saved(request, bot, f"{bot.name} is created.")
    return _show(request, form, strategy)


@signed_in
def bot_edit(request: HttpRequest, name: str) -> HttpResponse:
    bot = find_bot(name)
    strategy = _strategy(bot.strategy)
    form_class = bot_form(strategy.Config)
    if request.method != "POST":
        return _show(request, form_class(initial=initial_of(bot)), strategy, bot)
    form = form_class(request.POST)
    if "preview" in request.POST:
        return _show(request, form, strategy, bot)
    if form.is_valid():
        try:
            bot = services.update_bot(bot=bot, requested_by=username(request), **_values(form))
        except ConfigInvalid as invalid:
            form.add_problems(invalid.problems)
        except BotError as refusal:
            form.add_error(_field_of(refusal), refusal.detail)
        else:
            return _saved(request, bot, f"{bot.name} is saved.")
    return _show(request, form, strategy, bot)


@signed_in
def bot_preview(request: HttpRequest) -> HttpResponse:
    """What the form, as it stands, would do: the lines for the chart and every problem, beside its field."""
    strategy = _strategy(request.POST.get("strategy", DEFAULT_STRATEGY))
    form = bot_form(strategy.Config)(request.POST)
    context = _preview(form, strategy)
    form.forget_untouched_errors()
    return HttpResponse(render_block(request, "bots/bot_form.html", "preview", context | {"form": form, "swap": True}))


@signed_in
def account_symbols(request: HttpRequest) -> HttpResponse:
    """The options of the symbol field for ``?account=``."""
    return HttpResponse(render_block(request, "bots/bot_form.html", "symbols", _symbols(_account(request))))


@signed_in
def market_candles(request: HttpRequest) -> JsonResponse:
    """``?account=&symbol=&timeframe=``, for the preview's chart. ``error`` says why there are none."""
    account, timeframe = _account(request), request.GET.get("timeframe", "5m")
    if account is None or timeframe not in market_data.TIMEFRAMES:
        raise Http404("There is no such account, or no such timeframe.")
    return JsonResponse(chart_data.market_chart(account, request.GET.get("symbol", ""), timeframe))


def _account(request: HttpRequest) -> ExchangeAccount | None:
    key = request.GET.get("account", "")
    return ExchangeAccount.objects.filter(pk=int(key)).first() if key.isascii() and key.isdigit() else None


def _values(form: BotForm) -> dict[str, Any]:
    return {**{item.name: form.cleaned_data[item.name] for item in form.bot_fields}, "config": form.config()}


def _field_of(refusal: BotError) -> str | None:
    return "mode" if isinstance(refusal, ModeRefused) else None


def _saved(request: HttpRequest, bot: Bot, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    if "start" in request.POST:
        try:
            services.start_bot(bot=bot, requested_by=username(request))
        except (BotError, InvalidTransition) as refusal:
            messages.error(request, f"It was not started: {refusal}")
    return redirect("bot-detail", bot.name)


def _show(request: HttpRequest, form: BotForm, strategy: Any, bot: Bot | None = None) -> HttpResponse:
    """The page; after a refused attempt with status 422."""
    context = _preview(form, strategy) if form.is_bound else _no_preview()
    refused = form.is_bound and "preview" not in request.POST
    context |= {
        "form": form,
        "bot": bot,
        "strategy": strategy,
        "strategies": strategies(),
        "unusable": problems() if request.user.is_staff else [],
        "has_accounts": ExchangeAccount.objects.exists(),
        **_symbols(_chosen_account(form)),
    }
    return render(request, "bots/bot_form.html", context, status=422 if refused else 200)


def _no_preview() -> Context:
    return {"preview": None, "preview_lines": None, "unavailable": ""}


def _preview(form: BotForm, strategy: Any) -> Context:
    """Adds what the preflight finds to the form's errors."""
    form.is_valid()
    account, symbol = form.cleaned_data.get("account"), form.cleaned_data.get("symbol")
    if account is None or not symbol:
        return _no_preview()
    try:
        found = preflight.preview(
            account=account,
            symbol=symbol,
            strategy=strategy.name,
            config=form.config(),
            sends_orders=form.cleaned_data.get("mode") != BotMode.SIGNALS,
        )
    except ExchangeUnavailable as unavailable:
        return _no_preview() | {"unavailable": unavailable.detail}
    # One sentence beside a field at a time: the first one is about the level to look at first.
    form.add_problems(problem for problem in found.problems if problem.field not in form.errors)
    return {
        "preview": found,
        "unavailable": "",
        "preview_lines": {
            "symbol": symbol,
            "account": account.pk,
            "price": float(found.price) if found.price is not None else None,
            "levels": chart_data.as_lines(found.levels),
        },
    }


def _symbols(account: ExchangeAccount | None) -> Context:
    if account is None:
        return {"symbols": [], "symbols_unavailable": ""}
    try:
        return {"symbols": market_data.symbols(account), "symbols_unavailable": ""}
    except ExchangeUnavailable as unavailable:
        return {"symbols": [], "symbols_unavailable": unavailable.detail}


def _chosen_account(form: BotForm) -> ExchangeAccount | None:
    value = form["account"].value()
    accounts = ExchangeAccount.objects.all()
    return accounts.filter(pk=int(value)).first() if str(value).isdigit() else accounts.first()


def _first_initial(request: HttpRequest, strategy: Any) -> dict[str, Any]:
    """A link may fill in the form: ``?symbol=ETH/USDT``. The account is never a live one by itself."""
    accounts = list(ExchangeAccount.objects.all())
    first = next((one for one in accounts if one.environment in ENVIRONMENTS_OF_MODE[BotMode.DEMO]), None)
    first = first or next((one for one in accounts if one.environment == Environment.PAPER), None)
    first = first or next(iter(accounts), None)
    if first is None:
        return {}
    mode = BotMode.SIGNALS if first.plays_with_real_money else mode_fit_for(first.environment)
    query = request.GET.dict()
    settings = dict(schema_fields(strategy.Config, PREFIX))
    named = {name: query[name] for name in ("name", "symbol") if name in query}
    return {"account": first.pk, "mode": mode} | named | from_address(settings, query)


def _strategy(name: str) -> Any:
    try:
        return get_strategy(name)
    except UnknownStrategy as error:
        raise Http404(str(error)) from error
