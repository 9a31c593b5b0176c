"""Pages that ask for their changing part until there is nothing more to come."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse

from backtests.models import BackTest, Study
from web.pages import is_htmx

STOP_POLLING: Final = 286


def until_over(request: HttpRequest, job: BackTest | Study, answer: HttpResponse) -> HttpResponse:
    """The status that tells HTMX to ask no more."""
    if is_htmx(request) and not job.is_active:
        answer.status_code = STOP_POLLING
    return answer
