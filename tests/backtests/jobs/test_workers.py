"""Real Celery workers: a result as the command writes it; a walk-forward and a portfolio that outlive ``kill -9``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from backtests import services
from backtests.jobs.runs import run_of
from backtests.models import BackTest, JobStatus, Stage, Study
from strategies import registry
from tests.backtests.jobs import cast
from tests.backtests.jobs.command import written_by_command
from tests.stack import wait_for
from traderagent.embedded.home import PROJECT

SWINGS = "synthetic:sine,days=60,period=240"
LINES = {**cast.SEARCH, "parameters": {"config.grids": {"from": 2, "to": 33, "step": 1}}}

# A bot that goes on when somebody lets it.
WAITING = """\
import time
from pathlib import Path

from tests.bench.own_cross import OwnCross


class Waiting(OwnCross):
    name = "waiting"

    def step(self, *told):
        while not Path({gate!r}).exists():
            time.sleep(0.05)
        return super().step(*told)
"""

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class Worker:
    """Two processes on the queue ``research``, with a lease of four seconds."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        command = [
            *(sys.executable, "-m", "celery", "--quiet", "-A", "traderagent", "worker", "-Q", "research"),
            *("-P", "prefork", "-c", "2", "--without-gossip", "--without-mingle", "-n", f"test-{os.getpid()}@%h"),
        ]
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=PROJECT, env=environ, stdout=out, stderr=out)

    def kill(self) -> None:
        """All of it at once, without a chance to say goodbye."""
        whole = [*psutil.Process(self._process.pid).children(recursive=True), psutil.Process(self._process.pid)]
        for process in whole:
            process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            self.kill()


@pytest.fixture
def worker_environ(results_folder: Path, strategies_folder: Path, settings: Any) -> dict[str, str]:
    database = connection.settings_dict
    url = os.environ["DATABASE_URL"]
    base, _, rest = url.rpartition("/")
    assert database["NAME"]
    query = f"?{rest.partition('?')[2]}" if "?" in rest else ""
    settings.RESEARCH_LEASE_SECONDS = 4
    return {
        **os.environ,
        "DATABASE_URL": f"{base}/{database['NAME']}{query}",
        "BACKTESTS_DIR": str(results_folder),
        "RESEARCH_LEASE_SECONDS": "4",
        "DJANGO_SETTINGS_MODULE": "traderagent.settings",
        "STRATEGIES_DIR": str(strategies_folder),
    }


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file whose being there lets the bot :data:`WAITING` go on."""
    return tmp_path / "gate"


@pytest.fixture
def strategies_folder(tmp_path: Path, gate: Path) -> Iterator[Path]:
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "waiting.py").write_text(WAITING.format(gate=str(gate)))
    registry.use_folder(folder)
    yield folder
    registry.use_folder(None)


@pytest.fixture
def workers(worker_environ: dict[str, str], tmp_path: Path) -> Iterator[list[Worker]]:
    """The first one runs; more can be started and are stopped at the end."""
    found = [Worker(worker_environ, tmp_path / "worker.log")]
    yield found
    for worker in found:
        worker.stop()


def test_a_worker_gives_the_commands_result_and_what_a_killed_one_left_is_resumed(
    workers: list[Worker], worker_environ: dict[str, str], results_folder: Path, gate: Path, tmp_path: Path
) -> None:
    job = cast.back_test()
    wait_for(lambda: BackTest.objects.get(pk=job.pk).status == JobStatus.DONE, timeout=120, what="the back-test")
    (tmp_path / "preset.yaml").write_text(json.dumps(cast.PRESET), encoding="utf-8")
    command = [sys.executable, str(PROJECT / "manage.py"), "backtest", "preset.yaml", "--candles", cast.SOURCE]
    subprocess.run(
        [*command, "--json", "result.json"], cwd=tmp_path, env=worker_environ, check=True, capture_output=True
    )
    expected = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert json.loads(services.result_of(BackTest.objects.get(pk=job.pk))) == json.loads(expected)

    unwanted = cast.study(SWINGS, LINES, "sensitivity", {})
    wait_for(lambda: Study.objects.get(pk=unwanted.pk).finished >= 4, timeout=120, what="the first points of a map")
    assert services.cancel(unwanted)
    ended = Study.objects.get(pk=unwanted.pk).finished

    own = {"name": "own", "symbol": "BTC/USDT", "strategy": "waiting", "config": {}}
    portfolio = cast.portfolio(bots=[*cast.PORTFOLIO["bots"][:1], own])
    wait_for(lambda: BackTest.objects.get(pk=portfolio.pk).progress > 0.0, timeout=120, what="the portfolio's candles")

    study = cast.study(SWINGS, LINES, "walk-forward", {"windows": 2})
    wait_for(lambda: Study.objects.get(pk=study.pk).finished >= 8, timeout=120, what="the first chunks")
    workers[0].kill()
    left = set(study.chunks.filter(status=JobStatus.RUNNING).values_list("pk", flat=True))
    before = dict(study.chunks.filter(stage=Stage.WORK, status=JobStatus.DONE).values_list("pk", "done_at"))
    assert 8 <= Study.objects.get(pk=study.pk).finished < 64
    assert BackTest.objects.get(pk=portfolio.pk).status == JobStatus.RUNNING
    gate.touch()
    workers.append(Worker(worker_environ, tmp_path / "worker.log"))

    def are_done() -> bool:
        services.resume_abandoned(now=timezone.now())  # what beat does every half minute
        return not any(type(job).objects.get(pk=job.pk).is_active for job in (study, portfolio))

    wait_for(are_done, timeout=180, what="the study and the portfolio after the kill")
    resumed = BackTest.objects.get(pk=portfolio.pk)
    assert resumed.status == JobStatus.DONE, resumed.error
    assert resumed.attempts >= 2
    undisturbed = run_of(resumed).made(lambda share: None)
    assert (resumed.hash, resumed.summary) == (undisturbed.hash, json.loads(json.dumps(undisturbed.summary)))
    done = Study.objects.get(pk=study.pk)
    assert done.status == JobStatus.DONE, done.error
    # Two windows of 32 trials, and each one's best over its training and its test. Every run once:
    assert done.finished == done.total == 2 * 32 + 4
    asked = list(study.chunks.filter(stage=Stage.WORK))
    assert sum(chunk.end - chunk.first for chunk in asked) == done.finished
    assert len({(chunk.ask, chunk.first) for chunk in asked}) == len(asked)
    # Nothing that was done is done again, and what was in hands is taken up once more.
    assert before.items() <= dict(study.chunks.values_list("pk", "done_at")).items()
    assert left <= set(study.chunks.filter(attempts__gt=1).values_list("pk", flat=True))
    # What was cancelled went no further.
    assert Study.objects.get(pk=unwanted.pk).status == JobStatus.CANCELLED
    assert Study.objects.get(pk=unwanted.pk).finished == ended < 32
    # As if nothing had happened.
    found = json.loads(services.result_of(done))
    expected = written_by_command("walk-forward", LINES, SWINGS, {"windows": 2}, tmp_path)
    assert {name: found[name] for name in expected if name != "subject"} == {
        name: value for name, value in expected.items() if name != "subject"
    }
    assert not list((results_folder / "candles").iterdir())
