"""The form of a new back-test of a portfolio. What comes of it is watched and read as every back-test."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from backtests import services
from backtests.analysis.kinds import KINDS
from backtests.errors import BackTestRefused
from backtests.examples import PORTFOLIO_SOURCES, portfolio_example
from backtests.portfolio_form import PortfolioForm
from backtests.views.asking import asked_before
from strategies.yaml_writing import escaped, written
from web.pages import signed_in, username


@signed_in
def portfolio_create(request: HttpRequest) -> HttpResponse:
    """``?again=`` begins with what an earlier back-test was of."""
    form = PortfolioForm(request.POST or None, initial=_again(request) if "again" in request.GET else _example())
    if request.method == "POST" and form.is_valid():
        try:
            made = services.request_back_test(
                preset=form.cleaned_data["preset"], requested_by=username(request), **form.candles
            )
        except BackTestRefused as refusal:
            form.add_problems(refusal.problems)
        else:
            return redirect("back-test-detail", made.pk)
    context = {"form": form, "kinds": KINDS.values()}
    return render(request, "backtests/new_portfolio.html", context, status=422 if form.is_bound else 200)


def _example() -> dict[str, Any]:
    return {"preset": portfolio_example(), "source": PORTFOLIO_SOURCES}


def _again(request: HttpRequest) -> dict[str, Any]:
    job = asked_before(request)
    if not job.is_portfolio:
        raise Http404(f"{job} is one of a single bot.")
    # As it was asked for, also where a strategy of one's own was changed since or is gone.
    text = written(escaped(job.preset))
    return {"preset": text, "source": "\n".join(job.source.split()), "since": job.since, "until": job.until}
