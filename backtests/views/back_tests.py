"""Back-tests for people: watched, read, made into bots."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST

from backtests import selectors, services
from backtests.errors import NotDone
from backtests.models import BackTest, JobStatus
from backtests.preset import Preset, preset_of
from backtests.reports import wording
from backtests.reports.bot_preset import bot_document, bot_name
from backtests.views.polling import until_over
from web.pages import Context, page, signed_in


@signed_in
def back_test_detail(request: HttpRequest, key: int) -> HttpResponse:
    job = get_object_or_404(BackTest, pk=key)
    return until_over(request, job, page(request, "backtests/back_test.html", {"job": lambda: _back_test(job)}))


def _back_test(job: BackTest) -> Context:
    context: Context = {"job": job, "row": selectors.job_row(job, now=timezone.now()), "now": timezone.now()}
    if job.status != JobStatus.DONE:
        return context
    try:
        report = services.report_of(job).decode()
    except NotDone as missing:
        return context | {"missing": str(missing)}
    # The report's own inside, which a worker rendered with everything escaped: the page adds nothing to it.
    inside = report.partition("<!-- result -->")[2].partition("<!-- /result -->")[0]
    return context | {"inside": mark_safe(inside), "trades": _trades(job), "bot_link": _bot_link(job)}  # noqa: S308


def _trades(job: BackTest, most: int = 25) -> list[dict[str, Any]]:
    """The last ones, newest first, in words."""
    rows = orjson.loads(services.result_of(job))["trades"][-most:]
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
        for row in reversed(rows)
    ]


def _bot_link(job: BackTest) -> dict[str, str]:
    """What fills in the form of a new bot."""
    preset = preset_of(job.preset)
    config = preset.strategy_config.model_dump(mode="json", exclude_defaults=True)
    plain = {f"config.{name}": str(value) for name, value in config.items() if not isinstance(value, dict | list)}
    return {"strategy": preset.strategy, "symbol": preset.symbol, "name": bot_name(preset), **plain}


@signed_in
@require_POST
def back_test_cancel(request: HttpRequest, key: int) -> HttpResponse:
    job = get_object_or_404(BackTest, pk=key)
    if services.cancel_back_test(back_test=job):
        messages.success(request, f"{job} is cancelled.")
    return redirect("back-test-detail", key)


@signed_in
def back_test_report(request: HttpRequest, key: int) -> HttpResponse:
    job = get_object_or_404(BackTest, pk=key)
    try:
        return HttpResponse(services.report_of(job))
    except NotDone as missing:
        raise Http404(str(missing)) from missing


@signed_in
def back_test_bot(request: HttpRequest, key: int) -> HttpResponse:
    """What ``manage.py bots apply`` takes, as a file."""
    job = get_object_or_404(BackTest, pk=key)
    preset: Preset = preset_of(job.preset)
    remarks = [f"From {str(job).lower()} of this installation.", *([f"Its hash: {job.hash}"] if job.hash else [])]
    answer = HttpResponse(bot_document(preset, remarks), content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{bot_name(preset)}.yaml"'
    return answer
