"""The API, the commands and /health of a stack that really runs, on the simulated exchange."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.stack import DemoStack, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("demo")]


class Api:
    """A program that has logged in as the demo user."""

    def __init__(self, stack: DemoStack) -> None:
        self._base = f"{stack.url}/api/v1"
        self._session = requests.Session()
        login = {"username": stack.username, "password": stack.password}
        token = self._session.post(f"{self._base}/auth/token/", json=login, timeout=30).json()["access"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._session.request(method, f"{self._base}/{path}", json=body, timeout=60)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status_of(self, bot: str) -> str:
        return str(self.get(f"bots/{bot}/")["status"])


@pytest.fixture
def api(demo_stack: DemoStack) -> Api:
    return Api(demo_stack)


PLAN = {
    "account": "simulator",
    # A linear symbol has one position per account, which the demo's bots hold; spot may be shared.
    "symbol": "ETH/USDT",
    "strategy": "grid",
    "config": {"range_percent": 2, "grids": 6, "investment": 600},
}


@pytest.fixture
def gone_afterwards(api: Api) -> Iterator[str]:
    """The name of a bot that is stopped and deleted when the test is over."""
    name = "api-bot"
    yield name
    if api.ask("GET", f"bots/{name}/").status_code == 404:
        return
    if api.status_of(name) != "stopped":
        api.ask("POST", f"bots/{name}/stop/", {"close_position": True})
        wait_for(lambda: api.status_of(name) == "stopped", timeout=60, what=f"{name} stopped")
    assert api.ask("DELETE", f"bots/{name}/").status_code == 204


def test_a_bot_lives_its_life_over_the_api(api: Api, gone_afterwards: str) -> None:
    name = gone_afterwards
    preview = api.ask("POST", "bots/preview/", PLAN).json()
    assert preview["problems"] == []
    assert len(preview["levels"]) == 6
    created = api.ask("POST", "bots/", {**PLAN, "name": name})
    assert created.status_code == 201, created.text
    assert api.ask("POST", f"bots/{name}/start/").json()["status"] == "starting"
    wait_for(lambda: api.status_of(name) == "running", timeout=60, what=f"{name} running")
    # The holding intervals are bought for at market, then one order rests in each interval.
    wait_for(lambda: api.get(f"bots/{name}/fills/")["count"], timeout=60, what="the first fill")
    wait_for(lambda: api.get(f"bots/{name}/orders/?status=open")["count"] >= 5, timeout=60, what="resting orders")
    journal = api.get(f"bots/{name}/journal/?action=place")
    assert all(entry["sentence"] and entry["client_order_id"] for entry in journal["results"])
    refused = api.ask("PATCH", f"bots/{name}/", {"tick_interval": 5})
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "application/problem+json")
    assert api.ask("POST", f"bots/{name}/pause/").json()["status"] == "paused"
    assert api.ask("POST", f"bots/{name}/resume/").json()["status"] == "running"
    assert api.ask("POST", f"bots/{name}/stop/", {"close_position": True}).json()["status"] == "stopping"
    wait_for(lambda: api.status_of(name) == "stopped", timeout=60, what=f"{name} stopped")
    assert api.get(f"bots/{name}/orders/?status=live")["count"] == 0
    kinds = [event["kind"] for event in api.get(f"bots/{name}/events/?page_size=500")["results"]]
    assert {"bot_created", "bot_started", "bot_paused", "bot_resumed", "bot_stopped"} <= set(kinds)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"symbol": "ETH/MOON"}, "symbol", "has no market ETH/MOON"),
        ({"config": {"lower": 3000, "upper": 2000, "grids": 5, "investment": 600}}, "config.upper", "above lower"),
        ({"config": {**PLAN["config"], "grids": 0}}, "config.grids", "grids"),  # type: ignore[dict-item]
        # Half a dollar for each interval: less than the smallest amount that Bybit trades.
        ({"config": {**PLAN["config"], "investment": 3}}, "config.investment", "below the minimum of 0.00036 ETH"),  # type: ignore[dict-item]
        ({"config": {**PLAN["config"], "investment": 250000}}, "config.investment", "USDT"),  # type: ignore[dict-item]
        # 0.02 % between two lines, 0.2 % fees for the pair.
        ({"config": {"range_percent": "0.05", "grids": 5, "investment": 600}}, "config.grids", "fee"),
    ],
)
def test_what_the_market_does_not_allow_is_refused_before_the_start(
    api: Api, gone_afterwards: str, changes: dict[str, Any], field: str, words: str
) -> None:
    preview = api.ask("POST", "bots/preview/", {**PLAN, **changes}).json()
    (problem,) = [item for item in preview["problems"] if item["field"] == field]
    assert words in problem["message"]
    refused = api.ask("POST", "bots/", {**PLAN, **changes, "name": gone_afterwards})
    if refused.status_code == 201:
        # What only the market knows is asked at the start.
        refused = api.ask("POST", f"bots/{gone_afterwards}/start/")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")
    (error,) = [item for item in refused.json()["errors"] if item["field"] == field]
    assert words in error["message"]


def test_a_wrong_key_is_told_in_plain_words(api: Api, demo_stack: DemoStack) -> None:
    account = {
        "name": "wrong-key",
        "environment": "simulator",
        "base_url": demo_stack.simulator_url,
        "api_key": "nobody",
        "api_secret": "knows",
    }
    assert api.ask("POST", "accounts/", account).status_code == 201
    try:
        tried = api.ask("POST", "accounts/wrong-key/test/").json()
        assert tried["ok"] is False
        (failed,) = [check for check in tried["checks"] if check["verdict"] == "failed"]
        assert "API key" in failed["sentence"]
        preview = api.ask("POST", "bots/preview/", {**PLAN, "account": "wrong-key"})
        assert preview.status_code == 503
        assert "wrong-key: " in preview.json()["detail"]
        assert "API key" in preview.json()["detail"]
    finally:
        assert api.ask("DELETE", "accounts/wrong-key/").status_code == 204


def test_health_is_good_and_ticks_are_fresh(demo_stack: DemoStack) -> None:
    answer = requests.get(f"{demo_stack.url}/health", timeout=30)
    assert answer.status_code == 200, answer.text
    checks = answer.json()["checks"]
    assert {"database", "redis", "simulator", "ticks", "worker-ticks", "worker-research", "beat", "stream"} == set(
        checks
    )
    assert checks["ticks"]["last_tick_age_seconds"] < 30


def test_a_dead_stream_shows_in_health_until_it_is_back(demo_stack: DemoStack) -> None:
    def failing() -> set[str]:
        checks = requests.get(f"{demo_stack.url}/health", timeout=30).json()["checks"]
        return {name for name, check in checks.items() if not check["ok"]}

    wait_for(lambda: not failing(), timeout=60, what="a healthy stack")
    pid = demo_stack.pids["stream"]
    # Stopped, so that the supervisor sees a living process: only the heartbeat tells.

    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: failing() == {"stream"}, timeout=60, what="the frozen stream in /health")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not failing(), timeout=60, what="a healthy stack again")


def test_bots_go_out_and_come_back_as_yaml(demo_stack: DemoStack, tmp_path: Path) -> None:
    exported = demo_stack.manage("bots", "export").stdout
    document = yaml.safe_load(exported)
    assert {"btc-hybrid", "btc-smc", "btc-trend", "eth-grid", "sol-dca"} <= set(document["bots"])
    assert demo_stack.own_environ["SIMULATOR_API_SECRET"] not in exported
    path = tmp_path / "bots.yaml"
    path.write_text(exported, encoding="utf-8")
    applied = demo_stack.manage("bots", "apply", str(path), "--owner", demo_stack.username)
    assert applied.stdout.startswith("unchanged: paper, simulator, ")
    assert "created" not in applied.stdout


def test_a_refused_command_exits_with_one_and_says_why(demo_stack: DemoStack) -> None:
    result = demo_stack.manage("bots", "resume", "eth-grid", "nobody", check=False)
    assert result.returncode == 1
    assert "eth-grid: Bot eth-grid is running and cannot become running" in result.stderr
    assert "There is no bot nobody" in result.stderr
    assert "Traceback" not in result.stderr
