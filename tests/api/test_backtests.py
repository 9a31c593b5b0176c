"""Back-tests and studies over the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from backtests import services
from backtests.api import BackTestViewSet, StudyViewSet
from backtests.api_examples import BACK_TESTS
from backtests.jobs import single
from backtests.models import BackTest, JobStatus, Study
from tests.backtests.jobs import cast

ASKED = {"preset": cast.PRESET, "source": cast.SOURCE}


@pytest.fixture(autouse=True)
def quiet(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results in a folder of the test's own, and no worker that could be told."""
    settings.BACKTESTS_DIR = tmp_path
    monkeypatch.setattr(services, "_send_back_tests", lambda keys: None)
    monkeypatch.setattr(services, "send_chunks", lambda keys: None)


# The lease is renewed on a connection of its own, which has to see the row.
@pytest.mark.django_db(transaction=True)
def test_asked_for_run_and_read(api: APIClient) -> None:
    answer = api.post("/api/v1/back-tests/", ASKED, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["status"], made["progress"], made["requested_by"]) == ("queued", 0.0, "alice")
    address = f"/api/v1/back-tests/{made['id']}/"
    assert api.get(f"{address}result/").status_code == 409
    single.run_back_test(made["id"])
    done = api.get(address).json()
    assert (done["status"], done["progress"], done["seconds_left"]) == ("done", 1.0, None)
    result = api.get(f"{address}result/")
    assert json.loads(result.content)["summary"] == done["summary"]
    report = api.get(f"{address}report/")
    assert report["Content-Type"].startswith("text/html")
    assert done["hash"] in report.content.decode()


# The lease is renewed on a connection of its own, which has to see the row.
@pytest.mark.django_db(transaction=True)
def test_a_portfolio_is_asked_for_run_and_read(api: APIClient) -> None:
    answer = api.post("/api/v1/back-tests/", {"preset": cast.PORTFOLIO, "source": cast.SOURCES}, format="json")
    assert answer.status_code == 201, answer.content
    address = f"/api/v1/back-tests/{answer.json()['id']}/"
    assert [bot["name"] for bot in answer.json()["preset"]["bots"]] == ["eth", "btc"]
    single.run_back_test(answer.json()["id"])
    done = api.get(address).json()
    assert (done["status"], done["progress"]) == ("done", 1.0)
    result = json.loads(api.get(f"{address}result/").content)
    assert (result["hash"], result["summary"]) == (done["hash"], done["summary"])
    assert [bot["summary"]["refused"] for bot in result["bots"]] == [0, 0]
    assert "What each bot added" in api.get(f"{address}report/").content.decode()


def test_what_is_wrong_with_a_portfolio_is_named_with_value_and_mend(api: APIClient) -> None:
    bots = [{"name": "eth", "symbol": "ETH/USDT"}, {"name": "eth", "symbol": "BTC/USDT", "config": {"grids": -1}}]
    wrong = {"preset": {**cast.PORTFOLIO, "bots": bots}, "source": "ETHUSDT=../../etc/passwd"}
    answer = api.post("/api/v1/back-tests/", wrong, format="json")
    assert answer.status_code == 400
    errors = {error["field"]: error for error in answer.json()["errors"]}
    assert errors["source"]["value"] == "../../etc/passwd"
    assert "write a series of the candle store as bybit/linear/ETHUSDT" in errors["source"]["message"]
    assert errors["preset.bots.1.config.grids"]["value"] == "-1"
    answer = api.post("/api/v1/back-tests/", {**wrong, "preset": {**cast.PORTFOLIO, "bots": 3}}, format="json")
    assert "bots is a list" in answer.json()["detail"]
    assert not BackTest.objects.exists()


@pytest.mark.parametrize("example", BACK_TESTS, ids=lambda example: example.name)
def test_the_examples_of_the_schema_can_be_asked_for(example: Any, api: APIClient) -> None:
    answer = api.post("/api/v1/back-tests/", example.value, format="json")
    assert answer.status_code == 201, answer.content


def test_a_portfolio_is_found_by_what_any_of_its_bots_trades(api: APIClient) -> None:
    one, many = cast.back_test(), cast.portfolio()

    def found(query: str) -> list[int]:
        return [row["id"] for row in api.get(f"/api/v1/back-tests/?{query}").json()["results"]]

    assert found("symbol=ETH/USDT") == [many.pk, one.pk]
    assert found("symbol=BTC/USDT&strategy=grid") == [many.pk]
    assert found("symbol=BTC/USDT&strategy=dca") == found("symbol=XRP/USDT") == []


def test_what_cannot_work_is_named_field_by_field(api: APIClient) -> None:
    wrong = {"preset": {**cast.PRESET, "timeframe": "7x"}, "source": "../../etc/passwd"}
    answer = api.post("/api/v1/back-tests/", wrong, format="json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {"source", "preset"}
    assert not BackTest.objects.exists()


def test_a_study_is_asked_for_and_cancelled(api: APIClient) -> None:
    answer = api.post("/api/v1/studies/", {**ASKED, "search": cast.SEARCH}, format="json")
    assert answer.status_code == 201
    address = f"/api/v1/studies/{answer.json()['id']}/"
    assert api.post(f"{address}cancel/").json()["status"] == "cancelled"
    assert api.post(f"{address}cancel/").json()["status"] == "cancelled"
    refused = api.get(f"{address}result/")
    assert refused.status_code == 409
    assert "cancelled" in refused.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_a_study_of_another_kind_is_asked_for_led_to_its_end_and_read(api: APIClient) -> None:
    asked = {**ASKED, "kind": "walk-forward", "search": cast.SEARCH, "options": {"windows": 2, "anchored": True}}
    answer = api.post("/api/v1/studies/", asked, format="json")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["kind"], made["options"]) == ("walk-forward", {"windows": 2, "anchored": True})
    done = cast.drive(Study.objects.get(pk=made["id"]))
    row = api.get(f"/api/v1/studies/{done.pk}/").json()
    assert (row["status"], row["finished"], row["total"]) == ("done", 28, 28)
    result = json.loads(api.get(f"/api/v1/studies/{done.pk}/result/").content)
    assert row["summary"]["efficiency"] == result["efficiency"]
    assert len(result["windows"]) == 2
    assert [each["id"] for each in api.get("/api/v1/studies/?kind=walk-forward").json()["results"]] == [done.pk]
    assert api.get("/api/v1/studies/?kind=rank").json()["results"] == []


def test_coins_are_ranked_without_a_search_and_a_grid_is_found_without_a_preset(api: APIClient) -> None:
    coins = "synthetic:sine,days=2 synthetic:trend,days=2"
    ranked = api.post("/api/v1/studies/", {"kind": "rank", "preset": cast.PRESET, "source": coins}, format="json")
    grid = api.post("/api/v1/studies/", {"kind": "grid-system", "source": coins}, format="json")
    assert (ranked.status_code, grid.status_code) == (201, 201)
    assert (grid.json()["preset"], grid.json()["search"]) == ({}, {})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "luck"}, "kind"),
        ({"options": {"windows": "many"}}, "options.windows"),
        ({"options": {"beauty": 1}}, "options.beauty"),
        ({"search": {}}, "search"),
        ({"preset": {}}, "preset.symbol"),
    ],
)
def test_what_a_study_cannot_be_asked_is_named(api: APIClient, wrong: dict[str, Any], field: str) -> None:
    asked = {**ASKED, "kind": "walk-forward", "search": cast.SEARCH, **wrong}
    answer = api.post("/api/v1/studies/", asked, format="json")
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert not Study.objects.exists()


def test_nothing_is_told_to_strangers() -> None:
    for address in ("/api/v1/back-tests/", "/api/v1/studies/"):
        assert APIClient().get(address).status_code == 401


@pytest.mark.parametrize("address", ["/api/v1/back-tests/", "/api/v1/studies/"])
def test_a_list_costs_the_same_however_long_it_is(api: APIClient, address: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(address).status_code == 200
        return len(captured)

    for grids in (5, 6):
        cast.back_test(grids=grids)
        cast.study(grids=grids)
    assert cost() == 3
    for grids in (7, 8, 9):
        cast.back_test(grids=grids)
        cast.study(grids=grids)
    assert cost() == 3


def test_a_list_is_filtered_and_its_rows_are_as_the_schema_promises(api: APIClient) -> None:
    job, study = cast.back_test(), cast.study()
    BackTest.objects.filter(pk=cast.back_test(grids=7).pk).update(status=JobStatus.FAILED)
    rows = api.get("/api/v1/back-tests/?status=queued&symbol=ETH/USDT").json()["results"]
    assert [row["id"] for row in rows] == [job.pk]
    for view, row in ((BackTestViewSet, rows[0]), (StudyViewSet, api.get(f"/api/v1/studies/{study.pk}/").json())):
        assert view.serializer_class is not None
        assert set(row) == set(view.serializer_class().fields)
    assert api.get("/api/v1/back-tests/?luck=1").status_code == 400
    assert Study.objects.count() == 1
