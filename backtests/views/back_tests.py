"""Back-tests for people: watched, read, made into bots."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST

from backtests import services
from backtests.models import BackTest
from backtests.portfolio.preset import portfolio_of
from backtests.preset import preset_of
from backtests.reports import wording
from backtests.reports.bot_preset import bot_document, bot_name, bots_document
from backtests.views.watching import JSON, YAML, cancelled, download, kept, watched
from web.pages import Context, signed_in
from web.schema_forms import for_address, schema_fields, spread

# Round trips that a page shows; all are in the JSON.
_NEWEST = 25


@signed_in
def back_test_detail(request: HttpRequest, key: int) -> HttpResponse:
    return watched(request, get_object_or_404(BackTest, pk=key), "backtests/back_test.html", _read)


def _read(job: BackTest) -> Context:
    report = services.report_of(job).decode()
    # The report's own inside, which a worker rendered with everything escaped: the page adds nothing to it.
    inside = report.partition("<!-- result -->")[2].partition("<!-- /result -->")[0]
    return {
        "inside": mark_safe(inside),  # noqa: S308
        "trades": _trades(orjson.loads(services.result_of(job))),
        "bot_link": None if job.is_portfolio else _bot_link(job),
    }


def _trades(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The last ones, newest first, in words; of a portfolio with the bot's name."""
    parts = [(bot["name"], bot["trades"]) for bot in result.get("bots", [])] or [("", result["trades"])]
    closed = sorted(
        ({**row, "bot": name} for name, trades in parts for row in trades[-_NEWEST:]), key=lambda row: row["closed_at"]
    )
    return [
        {
            **row,
            "opened": wording.moment(row["opened_at"]),
            "closed": wording.moment(row["closed_at"]),
            "lasted": wording.duration(row["closed_at"] - row["opened_at"]),
            "entry": wording.number(row["entry_price"]),
            "exit": wording.number(row["exit_price"]),
            "size": wording.number(row["amount"]),
            "earned": wording.signed_money(row["profit"]),
            "tone": "up" if row["profit"] > 0 else "down",
        }
        for row in reversed(closed[-_NEWEST:])
    ]


def _bot_link(job: BackTest) -> dict[str, str]:
    """What fills in the form of a new bot."""
    preset = preset_of(job.preset)
    config = preset.strategy_config.model_dump(mode="json", exclude_defaults=True)
    fields = dict(schema_fields(type(preset.strategy_config), "config."))
    settings = {path: for_address(value) for path, value in spread({"config": config}, fields)}
    return {"strategy": preset.strategy, "symbol": preset.symbol, "name": bot_name(preset), **settings}


@signed_in
@require_POST
def back_test_cancel(request: HttpRequest, key: int) -> HttpResponse:
    return cancelled(request, get_object_or_404(BackTest, pk=key), "back-test-detail")


@signed_in
def back_test_report(request: HttpRequest, key: int) -> HttpResponse:
    return HttpResponse(kept(services.report_of, get_object_or_404(BackTest, pk=key)))


@signed_in
def back_test_result(request: HttpRequest, key: int) -> HttpResponse:
    job = get_object_or_404(BackTest, pk=key)
    return download(kept(services.result_of, job), f"back-test-{job.pk}.json", JSON)


@signed_in
def back_test_preset(request: HttpRequest, key: int) -> HttpResponse:
    """What ``manage.py backtest`` takes, as a file."""
    job = get_object_or_404(BackTest, pk=key)
    if job.is_portfolio:
        return download(portfolio_of(job.preset).to_yaml(), f"portfolio-{job.pk}.yaml", YAML)
    preset = preset_of(job.preset)
    return download(preset.to_yaml(), f"{bot_name(preset)}-preset.yaml", YAML)


@signed_in
def back_test_bot(request: HttpRequest, key: int) -> HttpResponse:
    """What ``manage.py bots apply`` takes, as a file."""
    job = get_object_or_404(BackTest, pk=key)
    remarks = [f"From {str(job).lower()} of this installation.", *([f"Its hash: {job.hash}"] if job.hash else [])]
    if job.is_portfolio:
        bots = {bot.name: bot.preset for bot in portfolio_of(job.preset).bots}
        return download(bots_document(bots, remarks), f"portfolio-{job.pk}-bots.yaml", YAML)
    preset = preset_of(job.preset)
    return download(bot_document(preset, remarks), f"{bot_name(preset)}.yaml", YAML)
