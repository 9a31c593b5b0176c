from __future__ import annotations

import pytest

from exchange.bybit_gateway import BybitGateway
from exchange.resilience.shared_state import shared_state
from exchange.venues import Venue
from tests.exchange import wire
from tests.exchange.wire import LIVE, Wire


@pytest.fixture(autouse=True)
def no_memory_of_hosts() -> None:
    """Scripted exchanges have the real ones' names: what one test did to a host is not another's concern."""
    connection = shared_state().connection
    for key in connection.scan_iter("guard:*", count=1000):
        connection.delete(key)


@pytest.fixture
def bybit_wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return wire.cut(monkeypatch)


@pytest.fixture
def bybit(bybit_wire: Wire) -> BybitGateway:
    """A gateway to the live exchange at the other end of the scripted wire."""
    return BybitGateway(LIVE, Venue(LIVE))
