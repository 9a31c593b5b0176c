"""The dashboard as a signed-in person sees it.

Imports stand inside the fixtures: this file is read before the services that the settings need are started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.bots.pages import ChartedMarket


@pytest.fixture
def person(db: None, charted_market: ChartedMarket) -> Client:
    """Alice's browser, signed in, on a machine that hears of a quiet market."""
    from django.test import Client

    from tests.bots.cast import alice

    client = Client()
    client.force_login(alice())
    return client


@pytest.fixture
def charted_market(monkeypatch: pytest.MonkeyPatch) -> ChartedMarket:
    from django.core.cache import cache

    from bots import market_data, preflight
    from tests.bots.pages import ChartedMarket

    market = ChartedMarket()
    cache.clear()
    monkeypatch.setattr(market_data, "gateway_for", lambda config: market)
    monkeypatch.setattr(preflight, "gateway_for", lambda config: market)
    return market
