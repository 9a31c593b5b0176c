"""Back-tests and studies for people: asked for, watched, read."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import dropwhile
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST

from backtests import selectors, services
from backtests.errors import BackTestRefused, NotDone
from backtests.forms import BackTestForm
from backtests.models import BackTest, JobStatus, Study
from backtests.preset import Preset, preset_of
from backtests.reports import wording
from backtests.reports.bot_preset import bot_document, bot_name
from backtests.reports.maps import Map, map_of
from strategies.registry import strategies
from web.pages import Context, is_htmx, page, signed_in, username

EXAMPLES = Path(settings.BASE_DIR) / "configs" / "presets"
STOP_POLLING = 286
USUAL_SOURCE = "synthetic:mean-reverting,days=30,price=2000"


@signed_in
def jobs(request: HttpRequest) -> HttpResponse:
    return page(request, "backtests/jobs.html", {"jobs": _jobs})


def _jobs() -> Context:
    now = timezone.now()
    rows = selectors.job_rows(now=now)
    return {"rows": rows, "now": now, "moving": any(row.job.is_active for row in rows)}


@signed_in
def back_test_create(request: HttpRequest) -> HttpResponse:
    names = [strategy.name for strategy in strategies()]
    chosen = request.GET.get("strategy", "grid")
    if chosen not in names:
        raise Http404(f"There is no strategy {chosen}.")
    form = BackTestForm(request.POST or None, initial={"source": USUAL_SOURCE, "preset": example_of(chosen)})
    if request.method == "POST" and form.is_valid():
        try:
            made = _requested(form, username(request))
        except BackTestRefused as refusal:
            form.add_problems(refusal.problems)
        else:
            return redirect("study-detail" if isinstance(made, Study) else "back-test-detail", made.pk)
    context = {"form": form, "strategies": names, "chosen": chosen}
    return render(request, "backtests/new.html", context, status=422 if form.is_bound else 200)


def _requested(form: BackTestForm, requested_by: str) -> BackTest | Study:
    asked: dict[str, Any] = {
        "source": form.cleaned_data["source"],
        "since": _start_of(form.cleaned_data["since"]),
        "until": _start_of(form.cleaned_data["until"]),
        "requested_by": requested_by,
    }
    data = form.cleaned_data["preset"]
    if "parameters" not in data:
        return services.request_back_test(preset=data, **asked)
    search = {name: value for name, value in data.items() if name not in ("preset", "candles")}
    return services.request_study(preset=data.get("preset", {}), search=search, **asked)


def example_of(strategy: str) -> str:
    """The preset that comes with the project; for a strategy of one's own a beginning."""
    path = EXAMPLES / f"{strategy}.yaml"
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        # What stands above it is for the command line.
        return "".join(dropwhile(lambda line: line.startswith("#"), lines))
    return (
        f"symbol: ETH/USDT\nmarket: spot\ntimeframe: 1m\nstrategy: {strategy}\nconfig: {{}}\n"
        "initial_balance: 10000\nfees: {maker: 0.0002, taker: 0.0005}\n"
    )


@signed_in
def back_test_detail(request: HttpRequest, key: int) -> HttpResponse:
    job = get_object_or_404(BackTest, pk=key)
    return _until_over(request, job, page(request, "backtests/back_test.html", {"job": lambda: _back_test(job)}))


def _until_over(request: HttpRequest, job: BackTest | Study, answer: HttpResponse) -> HttpResponse:
    """The status that tells HTMX to ask no more."""
    if is_htmx(request) and not job.is_active:
        answer.status_code = STOP_POLLING
    return answer


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


@signed_in
def study_detail(request: HttpRequest, key: int) -> HttpResponse:
    study = get_object_or_404(Study, pk=key)
    return _until_over(request, study, page(request, "backtests/study.html", {"job": lambda: _study(study)}))


def _study(study: Study) -> Context:
    context: Context = {"job": study, "row": selectors.job_row(study, now=timezone.now()), "now": timezone.now()}
    if study.status != JobStatus.DONE:
        return context
    try:
        result = orjson.loads(services.result_of(study))
    except NotDone as missing:
        return context | {"missing": str(missing)}
    ranking = result["ranking"]
    names = list(ranking[0]["parameters"]) if ranking else []
    measures = list(ranking[0]["measures"]) if ranking else []
    surface: Map | None = map_of(result["sensitivity"]) if result.get("sensitivity") else None
    return context | {
        "result": result,
        "parameter_names": [name.removeprefix("config.") for name in names],
        "measure_names": measures,
        "ranking": [
            {
                "number": trial["number"],
                "keeps_limits": trial["keeps_limits"],
                "parameters": [trial["parameters"][name] for name in names],
                "measures": [wording.number(trial["measures"][name]) for name in measures],
            }
            for trial in ranking[:20]
        ],
        "map": surface,
    }


@signed_in
@require_POST
def study_best(request: HttpRequest, key: int) -> HttpResponse:
    """A back-test of the best trial, from which a bot can be made."""
    study = get_object_or_404(Study, pk=key)
    try:
        preset = orjson.loads(services.result_of(study)).get("preset")
    except NotDone as missing:
        raise Http404(str(missing)) from missing
    if preset is None:
        raise Http404(f"{study} found nothing that keeps its limits.")
    job = services.request_back_test(
        preset=preset, source=study.source, since=study.since, until=study.until, requested_by=username(request)
    )
    return redirect("back-test-detail", job.pk)


@signed_in
@require_POST
def study_cancel(request: HttpRequest, key: int) -> HttpResponse:
    study = get_object_or_404(Study, pk=key)
    if services.cancel_study(study=study):
        messages.success(request, f"{study} is cancelled.")
    return redirect("study-detail", key)


def _start_of(day: Any) -> int | None:
    return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
