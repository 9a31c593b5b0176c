"""A strategy from a file of one's own on the pages and in the API: a form, a preview, a bot; and a broken file told."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from rest_framework.test import APIClient

from bots import chart_data
from bots.models import Bot
from strategies import registry
from tests.bots import cast
from tests.strategies.own_files import write_example


@pytest.fixture(autouse=True)
def own(tmp_path: Path) -> Iterator[Path]:
    registry.use_folder(tmp_path)
    write_example(tmp_path)
    yield tmp_path
    registry.use_folder(None)


def form(**changes: str) -> dict[str, str]:
    return {
        "strategy": "ema_cross",
        "name": "my-own",
        "account": str(cast.account().pk),
        "symbol": "ETH/USDT:USDT",
        "mode": "demo",
        "tick_interval": "2",
        "config.timeframe": "15m",
        "config.fast": "5",
        "config.slow": "20",
        "config.amount": "0.25",
        **changes,
    }


def test_its_form_is_made_of_its_parameters(person: Client) -> None:
    cast.account()
    page = person.get("/new/?strategy=ema_cross").content.decode()
    assert "New bot: EMA cross" in page
    assert "Follows the hourly trend" in page
    for name in ("timeframe", "fast", "slow", "amount"):
        assert f'name="config.{name}"' in page
    assert "Its period, in candles." in page


def test_a_bot_of_it_is_created_and_shown(person: Client) -> None:
    answer = person.post("/new/?strategy=ema_cross", form())
    assert answer["Location"] == "/bots/my-own/"
    bot = Bot.objects.get(name="my-own")
    assert (bot.strategy, bot.config["timeframe"], bot.config["fast"]) == ("ema_cross", "15m", 5)
    assert person.get("/bots/my-own/").status_code == 200


def test_what_its_model_refuses_is_said_beside_the_field(person: Client) -> None:
    answer = person.post("/new/?strategy=ema_cross", form(**{"config.fast": "1"}))
    assert answer.status_code == 422
    assert "greater than or equal to 2" in answer.content.decode()


def test_the_api_tells_its_regimes_and_schema(person: Client) -> None:
    client = APIClient()
    client.force_authenticate(cast.alice())
    found = {each["name"]: each for each in client.get("/api/v1/strategies/").json()["results"]}
    assert found["ema_cross"]["regimes"] == ["bull_trend"]
    assert found["ema_cross"]["config_schema"]["properties"]["slow"]["maximum"] == 200


def test_a_broken_file_is_told_to_staff_with_its_line(person: Client, own: Path) -> None:
    (own / "broken.py").write_text("\nx = 1 / 0\n")
    assert "broken.py" not in person.get("/new/").content.decode()
    user = cast.alice()
    user.is_staff = True
    user.save()
    assert "broken.py, line 2: ZeroDivisionError" in person.get("/new/").content.decode()


def test_a_bot_whose_file_was_taken_away_can_still_be_looked_at_and_stopped(person: Client) -> None:
    bot = cast.bot(strategy="vanished", status="running")
    page = person.get("/bots/eth-grid/")
    assert page.status_code == 200
    assert "There is no strategy called &#x27;vanished&#x27;" in page.text
    assert person.post("/bots/eth-grid/stop/", {"position": "keep"}).status_code in (200, 302)
    bot.refresh_from_db()
    assert bot.status == "stopping"
    assert person.get("/bots/eth-grid/edit/").status_code == 404
    bot.status = "stopped"
    assert chart_data.levels(bot, Decimal(2000)) == []
