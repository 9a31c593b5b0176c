"""The simulated market's time and source in the head of the pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

REPLAY = {
    "clock": "accelerated",
    "speed": 60.0,
    "time": 1_746_360_000_000,
    "source": ["binance_ETHUSDT_linear_1m_202505"],
    "synthetic": False,
}


@contextmanager
def simulator(status: dict[str, Any]) -> Iterator[str]:
    class Status(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/simulator/status"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(status).encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Status)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_replay_shows_its_speed_its_time_and_where_the_candles_came_from(person: Client, settings: Settings) -> None:
    with simulator(REPLAY) as settings.SIMULATOR_URL:
        page = person.get("/").text
    assert "Replay 60×" in page
    assert "May 4, 2025 12:00:00" in page
    assert "binance_ETHUSDT_linear_1m_202505" in page


def test_a_synthetic_market_is_called_so_on_every_page(person: Client, settings: Settings) -> None:
    with simulator({**REPLAY, "synthetic": True, "source": "synthetic"}) as settings.SIMULATOR_URL:
        for address in ("/", "/new/", "/market-clock/"):
            assert "Synthetic 60×" in person.get(address).text


def test_a_stepped_market_does_not_run_on_by_itself(person: Client, settings: Settings) -> None:
    with simulator({**REPLAY, "clock": "stepped"}) as settings.SIMULATOR_URL:
        clock = person.get("/market-clock/").text
    assert "Replay, stepped" in clock
    assert 'data-speed="0.0"' in clock


def test_a_silent_simulator_is_told_and_the_page_comes_up(person: Client, settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    answer = person.get("/")
    assert answer.status_code == 200
    assert "Simulator is not answering" in answer.text


def test_its_answer_serves_all_pages_for_a_moment(person: Client, settings: Settings) -> None:
    with simulator(REPLAY) as settings.SIMULATOR_URL:
        assert "Replay 60×" in person.get("/market-clock/").text
    # It is gone now, but was asked less than two seconds ago.
    assert "Replay 60×" in person.get("/market-clock/").text
    cache.clear()
    assert "not answering" in person.get("/market-clock/").text


def test_where_the_market_is_real_there_is_no_clock(person: Client, settings: Settings) -> None:
    settings.SIMULATOR_URL = ""
    assert 'id="market-clock"' not in person.get("/").text
