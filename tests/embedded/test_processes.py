from __future__ import annotations

import subprocess
import sys
import time

import pytest
from django.conf import settings
from redis import Redis

from traderagent.embedded.alive import problem
from traderagent.embedded.home import PROJECT, StackError
from traderagent.embedded.processes import PROCESSES, find


def _arguments(name: str, **environ: str) -> str:
    return " ".join(find(name).command(environ)[1:])


def test_the_names_are_unique() -> None:
    names = [process.name for process in PROCESSES]
    assert names == ["simulator", "web", "worker-ticks", "worker-research", "beat", "stream"]


def test_web_listens_where_it_is_told_and_on_the_loopback_address_else() -> None:
    assert _arguments("web") == "-m traderagent.web -b 127.0.0.1 -p 8000 -v 0 traderagent.asgi:application"
    assert "-b 0.0.0.0 -p 9000" in _arguments("web", WEB_HOST="0.0.0.0", PORT="9000")


def test_forwarded_addresses_are_believed_behind_a_proxy_only() -> None:
    assert "--proxy-headers" not in _arguments("web")
    assert "--proxy-headers" in _arguments("web", BEHIND_PROXY="1")


def test_the_workers_take_one_queue_each() -> None:
    assert "-Q ticks -P threads -c 8 -n ticks@%h" in _arguments("worker-ticks")
    assert "-Q research -P prefork -c 3 -n research@%h" in _arguments("worker-research", RESEARCH_WORKERS="3")


def test_two_workers_tick_so_that_one_can_die() -> None:
    commands = find("worker-ticks").commands({})
    assert list(commands) == ["worker-ticks", "worker-ticks-2"]
    nodes = [command[command.index("-n") + 1] for command in commands.values()]
    assert nodes == ["worker-ticks@%h", "worker-ticks-2@%h"]
    assert list(find("worker-ticks").commands({"TICK_PROCESSES": "1"})) == ["worker-ticks"]
    assert list(find("beat").commands({})) == ["beat"]


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_count_of_workers_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(StackError, match=f"TICK_WORKERS={value} is not a count"):
        find("worker-ticks").command({"TICK_WORKERS": value})


def test_an_unknown_process_is_refused_with_the_names_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "traderagent.embedded.processes", "worker"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "'worker'" in done.stderr
    assert "worker-ticks, worker-research" in done.stderr


def test_a_process_is_alive_while_it_leaves_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    redis = Redis.from_url(settings.REDIS_URL)
    redis.delete("heartbeat:beat")
    assert problem("beat", {}) == "beat has not given a sign of life lately."
    redis.set("heartbeat:beat", time.time_ns() // 1_000_000, ex=15)
    assert problem("beat", {}) == ""
    redis.delete("heartbeat:beat")


def test_a_web_server_that_does_not_answer_is_not_alive() -> None:
    assert "http://127.0.0.1:1/health/live does not answer" in problem("web", {"PORT": "1"})
