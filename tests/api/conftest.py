"""The API as a program uses it: a token, JSON, no browser.

Imports stand inside the fixtures: this file is read before the services that the settings need are started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rest_framework.test import APIClient

    from exchange.gateway_config import GatewayConfig
    from tests.api.market import QuietMarket


@pytest.fixture
def api(db: None) -> APIClient:
    """Logged in as Alice by a real token."""
    from rest_framework.test import APIClient

    from tests.bots.cast import alice

    user = alice()
    user.set_password("correct horse")
    user.save()
    client = APIClient()
    answer = client.post("/api/v1/auth/token/", {"username": "alice", "password": "correct horse"}, format="json")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    return client


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> QuietMarket:
    from bots import preflight
    from tests.api.market import QuietMarket

    quiet = QuietMarket()

    def gateway_for(config: GatewayConfig) -> QuietMarket:
        return quiet

    monkeypatch.setattr(preflight, "gateway_for", gateway_for)
    return quiet
