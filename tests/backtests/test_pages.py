"""The pages of back-tests: what they say, who may see them, what they cost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from backtests import services
from backtests.analysis.kinds import KINDS
from backtests.jobs import single, studies
from backtests.models import BackTest, JobStatus, Study
from backtests.preset import preset_of, read_preset
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


_INSIDE = "".join(f"  {line}\n" for line in preset_of(cast.PRESET).to_yaml().splitlines())
SEARCH_TEXT = f"preset:\n{_INSIDE}parameters:\n  config.grids: [6, 8]\n"


def test_a_search_in_the_form_becomes_a_study(visitor: Client) -> None:
    visitor.post("/back-tests/new/", form(SEARCH_TEXT))
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
        page = visitor.get(f"/back-tests/new/?as=yaml&strategy={name}").content.decode()
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


SAID = {
    "optimise": ("Best trials", "What can be had", "Not beaten in both", "Around the best: Return"),
    "walk-forward": ("Each window", "All tests, one after the other", "Efficiency"),
    "monte-carlo": ("What else could have come of it", "Trades drawn anew", "Run again on candles with noise"),
    "sensitivity": ("Every combination: Return", "The best surroundings"),
    "robustness": (
        "Each window",
        "Around the best",
        "What else could have come of it",
        "Did what was best on the past",
    ),
    "rank": ("Ranking", "How the coins are spread", "Do they earn on the same days?", "Mean correlation"),
    "grid-system": ("Moves in four hours", "Why this class", "Back-test", "28 candles of 4h"),
}


def of_kind(kind: str) -> Study:
    search = {
        "parameters": {"config.grids": [6, 8], "config.lower": ["94", "95"]},
        "objectives": ["roi", "max_drawdown"],
    }
    histories = {"runs": 20, "reruns": 1}
    match kind:
        case "rank":
            return cast.drive(
                cast.study(f"{cast.SOURCE} synthetic:regimes,days=12 synthetic:trend,days=12", {}, kind, {})
            )
        case "grid-system":
            preset = cast.PRESET | {"timeframe": "1h", "config": {"range_percent": 10, "grids": 9, "investment": 900}}
            study = services.request_study(
                kind=kind, preset=preset, source="synthetic:regimes,days=9 synthetic:sine,days=1",
                options={"fewest_trades": 0, "stress_days": 2, "objective": "roi"}, requested_by="alice",
            )  # fmt: skip
            return cast.drive(study)
        case "walk-forward" | "robustness":
            options = {"windows": 2} | (histories if kind == "robustness" else {})
            # Over-fitting is reckoned from 32 days on.
            return cast.drive(cast.study("synthetic:sine,days=33,period=240", search, kind, options))
        case _:
            return cast.drive(cast.study(search=search, kind=kind, options={} if kind == "sensitivity" else histories))


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_study_is_read_as_tables_charts_and_words(kind: str, visitor: Client) -> None:
    study = of_kind(kind)
    assert study.status == JobStatus.DONE, study.error
    page = visitor.get(f"/studies/{study.pk}/").content.decode()
    for sentence in SAID[kind]:
        assert sentence in page
    judged = study.summary["verdict"]
    assert (judged is None) == (kind in ("rank", "grid-system"))
    if judged is not None:
        assert escape(judged["sentence"]) in page
        for finding in judged["findings"]:
            assert escape(finding["sentence"]) in page
    if kind == "robustness":
        assert not judged["missing"]
        assert "Not examined" not in page
    assert "nan" not in page
    assert json.loads(visitor.get(f"/studies/{study.pk}/result.json").content)["hash"] == study.hash
    assert KINDS[kind].title.lower() in visitor.get("/back-tests/").content.decode()


def test_a_coins_grid_is_taken_further(visitor: Client) -> None:
    study = of_kind("grid-system")
    preset = read_preset(visitor.get(f"/studies/{study.pk}/preset.yaml?coin=0").content.decode())
    assert preset.strategy == "grid"
    assert "madeup-usdt-grid:" in visitor.get(f"/studies/{study.pk}/bot.yaml?coin=0").content.decode()
    visitor.post(f"/studies/{study.pk}/best/", {"coin": "0"})
    job = BackTest.objects.get()
    assert job.source == "synthetic:regimes,days=9"
    assert preset_of(job.preset).strategy_config == preset.strategy_config
    for coin in ("1", "-1", "luck"):
        assert visitor.get(f"/studies/{study.pk}/preset.yaml?coin={coin}").status_code == 404
    assert visitor.get(f"/studies/{study.pk}/preset.yaml").status_code == 404


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("strategy", ["grid", "dca", "trend", "smc", "hybrid"])
def test_a_study_can_be_asked_for_as_its_form_begins(kind: str, strategy: str, visitor: Client) -> None:
    address = f"/back-tests/new/?kind={kind}&strategy={strategy}"
    page = visitor.get(address)
    if KINDS[kind].preset_optional and strategy != "grid":
        assert page.status_code == 404
        return
    begun = dict(page.context["form"].initial)
    begun |= {name: field.initial for name, field in page.context["form"].fields.items() if name.startswith("option_")}
    answer = visitor.post(address, {name: value for name, value in begun.items() if value is not None})
    assert answer.status_code == 302, answer.context["form"].errors
    assert (Study.objects.get().kind, Study.objects.get().strategy) == (kind, strategy)


def test_a_wrong_option_is_named_with_its_mend_and_what_was_typed_stays(visitor: Client) -> None:
    typed = form(SEARCH_TEXT, option_windows="0", option_train_share="two", option_embargo_hours="")
    answer = visitor.post("/back-tests/new/?kind=walk-forward", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "windows: 0 must be a whole number from 1 to 1,000." in page
    assert escape("train_share: 'two' must be a number between 0 and 1.") in page
    assert 'value="two"' in page
    assert "config.grids: [6, 8]" in page
    assert not Study.objects.exists()
    answer = visitor.post("/back-tests/new/?kind=walk-forward", form())
    assert "say under parameters what to try" in answer.content.decode()
    answer = visitor.post("/back-tests/new/?kind=sensitivity", form(SEARCH_TEXT, option_parameter="config.luck"))
    assert "the search tries config.grids" in answer.content.decode()
    assert visitor.get("/back-tests/new/?kind=luck").status_code == 404


def test_a_study_is_watched_with_its_progress_and_the_time_left(visitor: Client) -> None:
    study = cast.study(kind="walk-forward", options={"windows": 2})
    for key in cast.begun(study)[:3]:
        studies.run_chunk(key)
    page = visitor.get(f"/studies/{study.pk}/?part=job", headers={"HX-Request": "true"}).content.decode()
    assert "12 of about 28" in page
    assert re.search(r"\d+ (s|min) left", page)


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
