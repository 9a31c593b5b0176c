"""The pages of back-tests: what they say, who may see them, what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backtests import services
from backtests.jobs import single, studies
from backtests.models import BackTest, JobStatus, Study
from backtests.preset import preset_of
from tests.backtests.jobs import cast
from tests.bots.cast import alice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BACKTESTS_DIR = tmp_path
    monkeypatch.setattr(services, "_send_back_tests", lambda keys: None)
    monkeypatch.setattr(services, "send_chunks", lambda keys: None)


@pytest.fixture
def visitor(client: Client) -> Client:
    client.force_login(alice())
    return client


def form(preset: str = "", **changes: str) -> dict[str, str]:
    return {"preset": preset or preset_of(cast.PRESET).to_yaml(), "source": cast.SOURCE, **changes}


def test_a_preset_in_the_form_becomes_a_back_test(visitor: Client) -> None:
    answer = visitor.post("/back-tests/new/", form(since="2025-01-01", until="2025-01-02"))
    job = BackTest.objects.get()
    assert answer["Location"] == f"/back-tests/{job.pk}/"
    assert job.requested_by == "alice"
    assert (job.since, job.until) == (1_735_689_600_000, 1_735_776_000_000)


def test_a_search_in_the_form_becomes_a_study(visitor: Client) -> None:
    inside = "".join(f"  {line}\n" for line in preset_of(cast.PRESET).to_yaml().splitlines())
    visitor.post("/back-tests/new/", form(f"preset:\n{inside}parameters:\n  config.grids: [6, 8]\n"))
    assert Study.objects.get().search == {"parameters": {"config.grids": [6, 8]}}


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ("symbol: [", "This is not YAML"),
        ("5", "A preset is a mapping"),
        ("symbol: ETH/USDT\nmarket: spot\n", "timeframe is missing."),
        ("symbol: ETH/USDT\ntimeframe: 1m\ninitial_balance: -5\n", "line 3: initial_balance"),
        ("symbol: ${SECRET_KEY}\n", "SECRET_KEY"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_status_422(visitor: Client, preset: str, said: str) -> None:
    answer = visitor.post("/back-tests/new/", form(preset))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not BackTest.objects.exists()


def test_every_strategy_begins_with_a_preset_that_can_be_run(visitor: Client) -> None:
    for name in ("grid", "dca", "trend", "smc", "hybrid"):
        page = visitor.get(f"/back-tests/new/?strategy={name}").content.decode()
        assert f"strategy: {name}" in page
    assert visitor.get("/back-tests/new/?strategy=luck").status_code == 404


def test_a_back_test_is_watched_and_then_read(visitor: Client) -> None:
    job = cast.back_test()
    address = f"/back-tests/{job.pk}/"
    assert "Waiting for a worker" in visitor.get(address).content.decode()
    part = visitor.get(f"{address}?part=job", headers={"HX-Request": "true"})
    assert part.status_code == 200
    single.run_back_test(job.pk)
    # Nobody needs to ask again.
    assert visitor.get(f"{address}?part=job", headers={"HX-Request": "true"}).status_code == 286
    page = visitor.get(address).content.decode()
    done = BackTest.objects.get(pk=job.pk)
    assert f"{done.summary['roi'] * 100:+,.2f} %" in page
    assert "config.lower=95" in page
    assert page.count("<html") == 1
    assert done.hash in visitor.get(f"{address}report/").content.decode()
    assert "eth-usdt-grid:" in visitor.get(f"{address}bot.yaml").content.decode()


def test_a_study_tells_its_best_trials_and_a_verdict(visitor: Client) -> None:
    study = cast.study()
    waiting = [study.chunks.get().pk]
    while waiting:
        waiting += studies.run_chunk(waiting.pop())
    page = visitor.get(f"/studies/{study.pk}/").content.decode()
    assert "Is it to be believed?" in page
    assert "Around the best: Return" in page
    assert page.count('class="chosen"') == 1
    answer = visitor.post(f"/studies/{study.pk}/best/")
    job = BackTest.objects.get()
    assert answer["Location"] == f"/back-tests/{job.pk}/"
    single.run_back_test(job.pk)
    best = Study.objects.get().summary["best"]
    assert BackTest.objects.get().summary["roi"] == best["measures"]["roi"]


def test_a_job_is_cancelled_by_a_button_and_not_by_a_link(visitor: Client) -> None:
    job = cast.back_test()
    assert visitor.get(f"/back-tests/{job.pk}/cancel/").status_code == 405
    visitor.post(f"/back-tests/{job.pk}/cancel/")
    assert BackTest.objects.get().status == JobStatus.CANCELLED
    assert "It was cancelled" in visitor.get(f"/back-tests/{job.pk}/").content.decode()


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    for address in ("/back-tests/", "/back-tests/new/", "/back-tests/1/", "/studies/1/"):
        assert client.get(address)["Location"].startswith("/login/")


def test_the_list_costs_the_same_however_long_it_is(visitor: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert visitor.get("/back-tests/", {"part": "jobs"}, headers={"HX-Request": "true"}).status_code == 200
        return len(captured)

    assert "No back-tests yet" in visitor.get("/back-tests/").content.decode()
    cast.back_test(grids=5)
    cast.study(grids=5)
    first = cost()
    for grids in (6, 7, 8):
        cast.back_test(grids=grids)
        cast.study(grids=grids)
    # Session, person, and one query for each of the two kinds.
    assert cost() == first == 4
