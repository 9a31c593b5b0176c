"""``make demo`` as a whole: it comes up, heals, ends without a trace and goes on from where it was."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.stack import DemoStack, wait_for
from traderagent.embedded.processes import PROCESSES

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("demo-life")]

NAMES = {name for process in PROCESSES for name in process.commands({})} | {"postgres", "redis"}


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    with DemoStack() as stack:
        yield stack


def _wait_until_healthy(stack: DemoStack, after: str) -> None:
    """What is ready answers; a bot that is behind after a start takes a tick to catch up."""

    def is_healthy() -> bool:
        try:
            with urllib.request.urlopen(f"{stack.url}/health", timeout=10) as response:
                return bool(json.load(response)["status"] == "ok")
        except OSError:  # not there yet, or a status of 503
            return False

    wait_for(is_healthy, timeout=60, what=f"health after {after}")


def _acting(stack: DemoStack) -> set[str]:
    """The bots that have ordered, or have seen a known row of their features and wait for their moment."""
    code = (
        "import json; from bots.models import Bot; "
        "print(json.dumps([b.name for b in Bot.objects.all() if b.orders.exists() or "
        "any(v is not None for s in b.snapshots.all()[:1] for v in s.features.values())]))"
    )
    return set(json.loads(stack.manage("shell", "--no-imports", "-c", code).stdout.splitlines()[-1]))


def _bots(stack: DemoStack) -> list[list[Any]]:
    code = (
        "import json; from bots.models import Bot, Order; "
        "print(json.dumps([[b.name, b.run, b.status, b.orders.count()] for b in Bot.objects.order_by('name')]))"
    )
    found: list[list[Any]] = json.loads(stack.manage("shell", "--no-imports", "-c", code).stdout.splitlines()[-1])
    return found


def test_every_process_of_the_list_runs_and_says_so(stack: DemoStack) -> None:
    assert set(stack.pids) == NAMES
    _wait_until_healthy(stack, "the start")


def test_the_address_and_the_login_are_printed(stack: DemoStack) -> None:
    assert f"page      {stack.url}" in stack.output
    assert f"user      {stack.username}" in stack.output
    assert f"password  {stack.password}" in stack.output
    assert re.search(r"TraderAgent is ready after \d+\.\d s", stack.output)


def test_five_bots_trade(stack: DemoStack) -> None:
    """The grid and DCA at once; the others when their candles say so, and they see them from the first tick on."""
    five = {"btc-hybrid", "btc-smc", "btc-trend", "eth-grid", "sol-dca"}
    wait_for(lambda: _acting(stack) == five, timeout=60, what="all five bots")

    def ordered() -> set[str]:
        return {name for name, _, _, orders in _bots(stack) if orders}

    wait_for(lambda: {"eth-grid", "sol-dca"} <= ordered(), timeout=90, what="orders of the grid and of DCA")
    assert all(status == "running" for _, _, status, _ in _bots(stack))


def test_the_market_is_marked_as_synthetic(stack: DemoStack) -> None:
    assert stack.simulator_status()["synthetic"] is True


@pytest.mark.parametrize("name", ["worker-ticks", "worker-research", "web", "simulator"])
def test_a_killed_process_is_started_again_and_all_is_well(stack: DemoStack, name: str) -> None:
    stack.wait_restarted(name, stack.kill(name))
    _wait_until_healthy(stack, f"{name} was killed")


def test_manage_py_in_another_shell_finds_the_running_stack(stack: DemoStack) -> None:
    code = "from django.conf import settings; print(settings.SIMULATOR_URL)"
    own = stack.own_environ
    environ = {k: v for k, v in stack.environ.items() if k not in own} | {"TRADERAGENT_HOME": str(stack.home.root)}
    done = stack.manage("shell", "--no-imports", "-c", code, environ=environ)
    assert done.stdout.splitlines()[-1] == stack.simulator_url


def test_a_taken_port_is_one_clear_line_and_nothing_is_started(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack = DemoStack(home=home, environ={"PORT": str(port)})
        stack.launch()
        assert stack.wait() == 1
    lines = stack.output.splitlines()
    assert len(lines) == 1
    assert f"PORT={port} is taken" in lines[0]
    assert not stack.home.postgres.exists()


def test_a_market_that_cannot_start_ends_the_start_with_its_reason(home: Path, tmp_path: Path) -> None:
    stack = DemoStack(home=home, candles=tmp_path)
    stack.launch()
    assert stack.wait() == 1
    assert "simulator does not start" in stack.output
    assert str(tmp_path) in stack.output
    assert stack.leftovers() == []


def test_after_a_stop_nothing_is_left_and_the_next_start_goes_on(stack: DemoStack) -> None:
    before, point = _bots(stack), stack.simulator_status()["point"]
    password = stack.password
    processes = [psutil.Process(pid) for pid in stack.pids.values()]
    family = [*processes, *(child for process in processes for child in process.children(recursive=True))]
    assert stack.stop(timeout=30) == 0
    assert [process for process in family if process.is_running()] == []
    assert stack.leftovers() == []

    stack.start()
    assert [bot[:3] for bot in _bots(stack)] == [bot[:3] for bot in before]
    assert stack.simulator_status()["point"] >= point
    assert stack.password == password


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_works(stack: DemoStack) -> None:
    processes = [psutil.Process(pid) for pid in stack.pids.values()]
    family = [*processes, *(child for process in processes for child in process.children(recursive=True))]
    stack.kill_supervisor()
    wait_for(lambda: not [p for p in family if p.is_running()], timeout=60, what="all processes end")
    stack.start()
    _wait_until_healthy(stack, "the next start")


def test_ctrl_c_while_it_is_starting_leaves_nothing(home: Path) -> None:
    stack = DemoStack(home=home)
    stack.launch()
    wait_for(lambda: "postgres" in stack.pids, timeout=60, what="PostgreSQL starts")
    psutil.Process(stack.supervisor_pid).send_signal(signal.SIGINT)
    assert stack.wait() == 0
    assert "Stopping before everything was up" in stack.output
    assert stack.leftovers() == []
