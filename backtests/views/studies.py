"""Studies for people: watched and read, and what came of them taken further."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from backtests import services
from backtests.models import Study
from backtests.preset import Preset, preset_of
from backtests.reports import wording
from backtests.reports.bot_preset import bot_document, bot_name
from backtests.reports.studies import sections_of
from backtests.views.watching import JSON, YAML, cancelled, download, kept, watched
from web.pages import Context, signed_in, username

# What the button says that runs the preset which a study ends with.
_BACK_TEST = {
    "optimise": "Back-test the best",
    "robustness": "Back-test the best",
    "monte-carlo": "Back-test it",
}


@signed_in
def study_detail(request: HttpRequest, key: int) -> HttpResponse:
    return watched(request, get_object_or_404(Study, pk=key), "backtests/study.html", _read)


def _read(study: Study) -> Context:
    contents = orjson.loads(services.result_of(study))
    return {
        "sections": sections_of(study.kind, contents),
        "best": _BACK_TEST.get(study.kind) if contents.get("preset") else None,
        "asked": _asked(study, contents),
    }


def _asked(study: Study, contents: dict[str, Any]) -> list[tuple[str, str]]:
    options = contents["study"].get("options", study.options)
    period = [wording.moment(each) for each in (study.since, study.until)]
    return [
        ("from", period[0] if study.since is not None else "the first candle"),
        ("to", period[1] if study.until is not None else "the last candle"),
        *((name, _said(value)) for name, value in options.items()),
    ]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or wording.NOTHING
    return f"{value:,.12g}" if isinstance(value, int | float) else str(value)


@signed_in
@require_POST
def study_best(request: HttpRequest, key: int) -> HttpResponse:
    """A back-test of the preset that the study ended with, from which a bot can be made."""
    study = get_object_or_404(Study, pk=key)
    source, preset = _found(study, request.POST.get("coin"))
    job = services.request_back_test(
        preset=preset, source=source, since=study.since, until=study.until, requested_by=username(request)
    )
    return redirect("back-test-detail", job.pk)


@signed_in
def study_preset(request: HttpRequest, key: int) -> HttpResponse:
    """What ``manage.py backtest`` takes, as a file."""
    study = get_object_or_404(Study, pk=key)
    preset = preset_of(_found(study, request.GET.get("coin"))[1])
    return download(preset.to_yaml(), f"{bot_name(preset)}-preset.yaml", YAML)


@signed_in
def study_bot(request: HttpRequest, key: int) -> HttpResponse:
    """What ``manage.py bots apply`` takes, as a file."""
    study = get_object_or_404(Study, pk=key)
    preset: Preset = preset_of(_found(study, request.GET.get("coin"))[1])
    remarks = [f"From {str(study).lower()} of this installation.", f"Its hash: {study.hash}"]
    return download(bot_document(preset, remarks), f"{bot_name(preset)}.yaml", YAML)


@signed_in
def study_result(request: HttpRequest, key: int) -> HttpResponse:
    study = get_object_or_404(Study, pk=key)
    return download(kept(services.result_of, study), f"study-{study.pk}-{study.kind}.json", JSON)


def _found(study: Study, coin: str | None) -> tuple[str, dict[str, Any]]:
    """The candles and the preset that the study ended with; of one with many coins that of the ``coin`` with this place."""
    contents = orjson.loads(kept(services.result_of, study))
    if coin is None:
        preset, source = contents.get("preset"), study.source
    else:
        coins = contents.get("coins", [])
        if not coin.isdecimal() or int(coin) >= len(coins):
            raise Http404(f"{study} has no coin {coin}.")
        preset, source = coins[int(coin)]["preset"], coins[int(coin)]["source"]
    if preset is None:
        raise Http404(f"{study} found nothing that keeps its limits.")
    return source, preset


@signed_in
@require_POST
def study_cancel(request: HttpRequest, key: int) -> HttpResponse:
    return cancelled(request, get_object_or_404(Study, pk=key), "study-detail")
