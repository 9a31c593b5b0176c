"""Markets are loaded once per process and venue; ccxt clients are never shared between threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from exchange import gateways, venues
from exchange.ccxt_gateway import CcxtGateway
from exchange.errors import TemporaryError
from exchange.gateway_config import GatewayConfig
from exchange.gateways import gateway_for
from exchange.venues import Venue
from tests.exchange.wire import LIVE, Wire

INSTRUMENTS = "/v5/market/instruments-info"
ONE_LOADING = 3  # spot, linear, linear before launch


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venues, "_venues", {})
    monkeypatch.setattr(gateways, "_local", threading.local())


def ccxt_gateway(config: GatewayConfig) -> CcxtGateway:
    gateway = gateway_for(config)
    assert isinstance(gateway, CcxtGateway)
    return gateway


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def in_threads(number: int, work: object) -> list[object]:
    """Each call on a thread of its own, all at once."""
    barrier = threading.Barrier(number)

    def run(_: int) -> object:
        barrier.wait()
        return work()  # type: ignore[operator]

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_ten_threads_load_the_markets_once(bybit_wire: Wire) -> None:
    in_threads(10, lambda: len(gateway_for(LIVE).markets()))

    assert len(bybit_wire.to(INSTRUMENTS)) == ONE_LOADING


def test_each_thread_has_a_client_of_its_own(bybit_wire: Wire) -> None:
    clients = in_threads(4, lambda: ccxt_gateway(LIVE).client)

    assert len({id(client) for client in clients}) == 4


def test_a_thread_gets_its_gateway_back(bybit_wire: Wire) -> None:
    assert gateway_for(LIVE) is gateway_for(replace(LIVE))


def test_changed_keys_make_another_gateway(bybit_wire: Wire) -> None:
    assert gateway_for(LIVE) is not gateway_for(replace(LIVE, api_secret="another"))


def test_two_accounts_of_a_venue_share_its_markets(bybit_wire: Wire) -> None:
    one, other = ccxt_gateway(LIVE), ccxt_gateway(replace(LIVE, api_key="another"))
    one.markets()
    other.markets()

    assert len(bybit_wire.to(INSTRUMENTS)) == ONE_LOADING
    assert other.client.markets is one.client.markets


def test_old_markets_are_loaded_anew(bybit_wire: Wire) -> None:
    clock = Clock()
    gateway = CcxtGateway(LIVE, Venue(LIVE, clock))
    gateway.markets()
    before = gateway.client.markets

    clock.now += venues.MAX_AGE_S + 1
    gateway.markets()

    assert len(bybit_wire.to(INSTRUMENTS)) == 2 * ONE_LOADING
    assert gateway.client.markets is not before


def test_old_markets_serve_on_while_the_exchange_is_away(bybit_wire: Wire) -> None:
    clock = Clock()
    venue = Venue(LIVE, clock)
    known = venue.markets().specs
    bybit_wire[INSTRUMENTS] = requests.ConnectionError("gone")

    clock.now += venues.MAX_AGE_S + 1

    assert venue.markets().specs is known


class Queue:
    """A lock that tells when all who will want it have come."""

    def __init__(self, expected: int) -> None:
        self._lock, self._guard = threading.Lock(), threading.Lock()
        self._missing = expected
        self.complete = threading.Event()

    def __enter__(self) -> None:
        with self._guard:
            self._missing -= 1
            if not self._missing:
                self.complete.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_threads_that_waited_for_a_failed_loading_share_its_error(
    bybit_wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = Venue(LIVE)
    queue = Queue(expected=5)
    monkeypatch.setattr(venue, "_lock", queue)

    def dead(_: object) -> Exception:
        assert queue.complete.wait(10)
        return requests.ConnectionError("gone")

    bybit_wire[INSTRUMENTS] = dead

    def ask() -> TemporaryError:
        with pytest.raises(TemporaryError) as raised:
            venue.markets()
        return raised.value

    errors = in_threads(5, ask)

    assert len(errors) == 5
    assert len(bybit_wire.to(INSTRUMENTS)) == 1


def test_after_a_failure_the_next_one_tries_again(bybit_wire: Wire) -> None:
    venue = Venue(LIVE)
    healthy = bybit_wire._script[INSTRUMENTS]
    bybit_wire[INSTRUMENTS] = requests.ConnectionError("gone")
    with pytest.raises(TemporaryError):
        venue.markets()

    bybit_wire[INSTRUMENTS] = healthy

    assert "BTC/USDT" in venue.markets().specs
