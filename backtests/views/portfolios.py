"""The form of a new back-test of a portfolio. What comes of it is watched and read as every back-test."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from backtests import services
from backtests.analysis.kinds import KINDS
from backtests.errors import BackTestRefused
from backtests.examples import PORTFOLIO_SOURCES, portfolio_example
from backtests.portfolio_form import PortfolioForm
from web.pages import signed_in, username


@signed_in
def portfolio_create(request: HttpRequest) -> HttpResponse:
    form = PortfolioForm(request.POST or None, initial={"preset": portfolio_example(), "source": PORTFOLIO_SOURCES})
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
