"""What the pages of back-tests and studies have in common: a job is watched until it is over, cancelled, taken home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from backtests import selectors, services
from backtests.errors import NotDone
from backtests.models import BackTest, JobStatus, Study
from web.pages import Context, is_htmx, page

STOP_POLLING: Final = 286
JSON: Final = "application/json"
YAML: Final = "application/yaml; charset=utf-8"


def watched(request: HttpRequest, job: BackTest | Study, template: str, read: Callable[[Any], Context]) -> HttpResponse:
    """The page of a job: how far it is, and what ``read`` makes of its result. HTMX asks for its part ``job`` until there
    is nothing more to come."""

    def context() -> Context:
        found: Context = {"job": job, "row": selectors.job_row(job, now=timezone.now()), "now": timezone.now()}
        if job.status != JobStatus.DONE:
            return found
        try:
            return found | read(job)
        except NotDone as missing:
            return found | {"missing": str(missing)}

    answer = page(request, template, {"job": context})
    if is_htmx(request) and not job.is_active:
        answer.status_code = STOP_POLLING
    return answer


def cancelled(request: HttpRequest, job: BackTest | Study, address: str) -> HttpResponse:
    """Back on the job's page, whose name is ``address``."""
    if services.cancel(job):
        messages.success(request, f"{job} is cancelled.")
    return redirect(address, job.pk)


def kept(read: Callable[[Any], bytes], job: BackTest | Study) -> bytes:
    """A file of the result. Raises ``Http404`` when there is none."""
    try:
        return read(job)
    except NotDone as missing:
        raise Http404(str(missing)) from missing


def download(contents: str | bytes, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(contents, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
