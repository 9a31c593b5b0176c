"""The simulated market's time, in the head of every page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bots.simulation import simulated_market
from web.pages import signed_in


@signed_in
def market_clock(request: HttpRequest) -> HttpResponse:
    return render(request, "bots/_market_clock.html", {"market": simulated_market()})
