"""Faults of requests, each met by a client over a real connection."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any

import ccxt
import pytest

from tests.exchange.simulator.process import SimulatorProcess

SPOT = "ETH/USDT"
TIME = "/v5/market/time"


def get(simulator: SimulatorProcess, path: str = TIME, timeout: float = 5) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body), whatever the status is."""
    try:
        with urllib.request.urlopen(simulator.url + path, timeout=timeout) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def applied(simulator: SimulatorProcess) -> list[int]:
    return [fault["applied"] for fault in simulator.faults()]


def standing(exchange: Any) -> list[str]:
    return [order["clientOrderId"] for order in exchange.fetch_open_orders(SPOT)]


def buy(exchange: Any, name: str) -> Any:
    return exchange.create_order(SPOT, "limit", "buy", 1, 60, {"clientOrderId": name})


def test_latency_holds_a_request_back(simulator: SimulatorProcess) -> None:
    simulator.inject("latency 300ms on market/time ×1")
    began = time.monotonic()
    get(simulator)
    first = time.monotonic() - began
    began = time.monotonic()
    get(simulator)
    assert first >= 0.3
    assert time.monotonic() - began < 0.3


def test_over_an_accounts_limit_bybit_answers_200_with_a_code_and_its_headers(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    simulator.inject("rate-limit 2s on order/create ×1")
    with pytest.raises(ccxt.RateLimitExceeded):
        buy(exchange, "refused")
    assert exchange.last_response_headers["X-Bapi-Limit-Status"] == "0"
    ahead = int(exchange.last_response_headers["X-Bapi-Limit-Reset-Timestamp"]) - time.time() * 1000
    assert 1000 < ahead <= 2000
    assert standing(exchange) == []
    buy(exchange, "taken")
    assert standing(exchange) == ["taken"]


def test_429_says_when_to_come_again(simulator: SimulatorProcess) -> None:
    simulator.inject("too-many-requests 3s on market/*")
    status, headers, body = get(simulator)
    assert (status, headers["Retry-After"], json.loads(body)["retCode"]) == (429, "3", 10006)
    assert headers["X-Bapi-Limit-Status"] == "0"


def test_a_ban_is_403_for_everything_until_it_ends(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("ban for 600ms")
    status, _, body = get(simulator)
    assert (status, body) == (403, b"403, access too frequent")
    with pytest.raises(ccxt.RateLimitExceeded):
        exchange.fetch_balance()
    time.sleep(0.7)
    assert get(simulator)[0] == 200


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_gateways_error_is_a_page_and_nothing_was_handled(
    simulator: SimulatorProcess, exchange: Any, code: int
) -> None:
    simulator.inject(f"error {code} on order/create ×1")
    with pytest.raises(ccxt.NetworkError):
        buy(exchange, "lost")
    assert str(code) in exchange.last_http_response
    assert standing(exchange) == []


def test_a_gateway_can_give_up_on_what_the_exchange_has_taken(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("error 504 after-accept on order/create ×1")
    with pytest.raises(ccxt.NetworkError):
        buy(exchange, "taken")
    assert standing(exchange) == ["taken"]


def test_maintenance_answers_everything_with_10016_and_is_announced(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("maintenance")
    assert json.loads(get(simulator)[2])["retCode"] == 10016
    with pytest.raises(ccxt.ExchangeError, match="10016"):
        buy(exchange, "refused")
    [announced] = json.loads(get(simulator, "/v5/system/status")[2])["result"]["list"]
    assert announced["state"] == "ongoing"
    simulator.clear_faults()
    assert json.loads(get(simulator, "/v5/system/status")[2])["result"]["list"] == []
    assert standing(exchange) == []


def test_dropped_before_accept_there_is_no_order(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("drop-before-accept on order/create ×1")
    with pytest.raises(ccxt.NetworkError):
        buy(exchange, "lost")
    assert standing(exchange) == []
    assert applied(simulator) == [1]
    [sent] = simulator.requests(account=exchange.apiKey, path="order/create")["requests"]
    assert (sent["status"], sent["code"], sent["faults"]) == (0, None, ["drop-before-accept"])


def test_dropped_after_accept_the_order_is_there_and_its_id_is_taken(
    simulator: SimulatorProcess, exchange: Any
) -> None:
    simulator.inject("drop-after-accept on order/create ×1")
    with pytest.raises(ccxt.NetworkError):
        buy(exchange, "taken")
    assert standing(exchange) == ["taken"]
    with pytest.raises(ccxt.InvalidOrder):
        buy(exchange, "taken")
    assert standing(exchange) == ["taken"]


def test_a_lost_response_times_out_and_the_order_is_there(simulator: SimulatorProcess, exchange: Any) -> None:
    simulator.inject("lose-response on order/create ×1")
    exchange.timeout = 500
    with pytest.raises(ccxt.RequestTimeout):
        buy(exchange, "taken")
    exchange.timeout = 10_000
    assert standing(exchange) == ["taken"]


def test_a_held_connection_is_closed_at_last(simulator: SimulatorProcess) -> None:
    simulator.inject("lose-response 300ms on market/time ×1")
    began = time.monotonic()
    with pytest.raises(RemoteDisconnected):
        get(simulator)
    assert 0.3 <= time.monotonic() - began < 3


def test_half_an_answer_is_no_json(simulator: SimulatorProcess) -> None:
    whole = get(simulator)[2]
    simulator.inject("truncate on market/time ×1", "truncate announced on market/time ×1")
    status, _, half = get(simulator)
    assert (status, len(half)) == (200, len(whole) // 2)
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)
    with pytest.raises(IncompleteRead):
        get(simulator)


def test_a_rule_counts_what_it_met_and_what_it_did(simulator: SimulatorProcess) -> None:
    simulator.inject("error 500 on market/* ×2", "drop-before-accept on order/create")
    assert [get(simulator)[0] for _ in range(4)] == [500, 500, 200, 200]
    [errors, drops] = simulator.faults()
    assert (errors["met"], errors["applied"], errors["stage"]) == (2, 2, "done")
    assert (drops["met"], drops["applied"], drops["stage"]) == (0, 0, "active")


def test_a_rule_waits_for_its_point_and_ends_after_it(simulator: SimulatorProcess) -> None:
    simulator.inject("from point +2 to +3: error 500 on market/time")
    seen = []
    for _ in range(5):
        seen.append(get(simulator)[0])
        simulator.step()
    assert seen == [200, 200, 500, 500, 200]


def test_a_point_that_has_passed_does_not_come_again(simulator: SimulatorProcess) -> None:
    point = simulator.status()["point"]
    simulator.step()
    simulator.inject(f"at point {point}: error on *")
    assert simulator.faults()[0]["stage"] == "done"
    assert get(simulator)[0] == 200


def test_a_rule_can_be_about_one_account(simulator: SimulatorProcess, new_account: Any) -> None:
    one, other = new_account(USDT="100"), new_account(USDT="100")
    simulator.inject(f"drop-before-accept on account/* account={one.apiKey}")
    with pytest.raises(ccxt.NetworkError):
        one.fetch_balance()
    assert other.fetch_balance()["USDT"]["free"] == 100


def test_the_administration_meets_no_fault(simulator: SimulatorProcess) -> None:
    simulator.inject("drop-before-accept on *", "error on *", "ban")
    assert simulator.status()["faults"] == 3
    simulator.clear_faults()
    assert simulator.faults() == []


def test_rules_come_as_objects_and_go_one_by_one(simulator: SimulatorProcess) -> None:
    simulator._call("/simulator/faults", {"rules": [{"kind": "error", "parameters": "502", "on": "market/time"}]})
    assert get(simulator)[0] == 502
    [fault] = simulator.faults()
    assert fault["rule"] == "error 502 on market/time"
    simulator._call(f"/simulator/faults/{fault['id']}", method="DELETE")
    assert get(simulator)[0] == 200
    with pytest.raises(RuntimeError, match="there is no rule"):
        simulator._call(f"/simulator/faults/{fault['id']}", method="DELETE")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"script": "error\nfrob"}, "line 2: 'frob' is no kind of fault"),
        ({"rules": [{"kind": "error"}, 5]}, "rule 2: 5 is no object"),
        ({}, "send {"),
    ],
)
def test_wrong_rules_are_refused_as_a_whole(simulator: SimulatorProcess, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        simulator._call("/simulator/faults", body)
    assert problem in json.loads(str(caught.value))["error"]
    assert simulator.faults() == []


def test_another_sites_page_cannot_ask(simulator: SimulatorProcess) -> None:
    body = json.dumps({"script": "ban"}).encode()
    request = urllib.request.Request(
        simulator.url + "/simulator/faults", data=body, headers={"Origin": "https://elsewhere.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    assert caught.value.code == 403
    assert simulator.faults() == []
