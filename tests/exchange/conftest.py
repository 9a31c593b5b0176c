from __future__ import annotations

import pytest

from exchange.bybit_gateway import BybitGateway
from exchange.venues import Venue
from tests.exchange import wire
from tests.exchange.wire import LIVE, Wire


@pytest.fixture
def bybit_wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return wire.cut(monkeypatch)


@pytest.fixture
def bybit(bybit_wire: Wire) -> BybitGateway:
    """A gateway to the live exchange at the other end of the scripted wire."""
    return BybitGateway(LIVE, Venue(LIVE))
