"""Creating and changing a bot on its form: preview while typing, problems beside their fields."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from bots.lifecycle import BotStatus
from bots.models import Bot
from exchange.errors import TemporaryError
from tests.bots import cast
from tests.bots.pages import ChartedMarket

HTMX = {"HX-Request": "true"}


def form(**changes: str) -> dict[str, str]:
    values = {
        "strategy": "grid",
        "name": "my-grid",
        "account": str(cast.account().pk),
        "symbol": "ETH/USDT:USDT",
        "mode": "demo",
        "tick_interval": "2",
        "config.lower": "1800",
        "config.upper": "2200",
        "config.grids": "4",
        "config.investment": "1000",
        "config.spacing": "arithmetic",
        "config.direction": "long",
        "config.amount_mode": "quote",
        "config.on_stop": "close",
    }
    return {**values, **{name.replace("__", "."): value for name, value in changes.items()}}


def error_beside(page: str, field: str) -> str:
    found = re.search(rf'<p class="field-error" id="error-{field}"[^>]*>(.*?)</p>', page, re.S)
    assert found, f"no error slot for {field}"
    return found[1]


def test_a_bot_is_created_with_what_was_typed(person: Client) -> None:
    answer = person.post("/new/", form())
    assert answer["Location"] == "/bots/my-grid/"
    bot = Bot.objects.get(name="my-grid")
    assert (bot.symbol, bot.strategy, bot.mode, bot.tick_interval, bot.status) == (
        "ETH/USDT:USDT",
        "grid",
        "demo",
        2,
        "stopped",
    )
    assert (bot.owner.username, bot.account.name) == ("alice", "practice")
    assert {name: bot.config[name] for name in ("lower", "upper", "grids", "investment")} == {
        "lower": "1800",
        "upper": "2200",
        "grids": 4,
        "investment": "1000",
    }


def test_create_and_start_in_one(person: Client) -> None:
    person.post("/new/", form(start="1"))
    assert Bot.objects.get(name="my-grid").status == BotStatus.STARTING


def test_a_bot_that_cannot_start_is_created_all_the_same_and_says_why(person: Client) -> None:
    answer = person.post("/new/", form(start="1", config__investment="4"), follow=True)
    assert Bot.objects.get(name="my-grid").status == BotStatus.STOPPED
    assert "It was not started" in answer.text


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"config__lower": "2300"}, "config-upper", "upper must be above lower"),
        ({"config__grids": "0"}, "config-grids", "greater than or equal to 1"),
        ({"config__grids": ""}, "config-grids", "Intervals is missing."),
        ({"config__investment": "lots"}, "config-investment", "Investment is a number"),
        ({"name": ""}, "name", "This field is required."),
        ({"mode": "live"}, "mode", "mode live needs an account of environment live"),
    ],
)
def test_a_refused_form_comes_back_filled_with_the_message_beside_its_field(
    person: Client, changes: dict[str, str], field: str, message: str
) -> None:
    answer = person.post("/new/", form(**changes))
    assert answer.status_code == 422
    assert message in error_beside(answer.text, field)
    assert 'value="ETH/USDT:USDT"' in answer.text
    assert not Bot.objects.exists()


def test_a_name_is_given_once(person: Client) -> None:
    cast.bot("my-grid")
    answer = person.post("/new/", form())
    assert "exists already" in error_beside(answer.text, "name")


def test_the_preview_shows_each_order_that_a_start_would_rest(person: Client) -> None:
    page = person.post("/new/preview/", form(), headers=HTMX).text
    # Between 1800 and 2200 in four intervals at a price of 2000: two wait below, two hold and sell above.
    assert 'data-level-count="4"' in page
    for price in ("1,800", "1,900", "2,100", "2,200"):
        assert f">{price}</td>" in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"symbol": "ETH/EUR"}, "symbol", "bybit has no market ETH/EUR. Did you mean ETH/USDT:USDT?"),
        ({"config__lower": "2300"}, "config-upper", "upper must be above lower"),
        ({"config__investment": "4"}, "config-investment", "minimum"),
        ({"config__investment": "150000"}, "config-investment", "100000"),
    ],
)
def test_the_preview_says_what_stands_in_the_way_beside_the_field(
    person: Client, changes: dict[str, str], field: str, message: str
) -> None:
    page = person.post("/new/preview/", form(**changes), headers=HTMX).text
    assert message in error_beside(page, field)


def test_the_preview_does_not_blame_what_was_not_typed_yet(person: Client) -> None:
    page = person.post(
        "/new/preview/",
        form(name="", config__lower="", config__upper="", config__grids="", config__investment=""),
        headers=HTMX,
    ).text
    assert error_beside(page, "name") == ""
    assert error_beside(page, "config-grids") == ""
    assert error_beside(page, "config-lower") == ""
    assert "Price now" in page


def test_without_javascript_a_button_shows_the_preview_on_the_page(person: Client) -> None:
    answer = person.post("/new/", form(preview="1"))
    assert answer.status_code == 200
    assert 'data-level-count="4"' in answer.text
    assert not Bot.objects.exists()


def test_a_dead_exchange_is_named_on_the_form(
    person: Client, charted_market: ChartedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise TemporaryError("bybit: connection refused.")

    monkeypatch.setattr(charted_market, "markets", refuse)
    assert person.get("/new/").status_code == 200
    page = person.post("/new/preview/", form(), headers=HTMX).text
    assert "practice: bybit: connection refused." in page


def test_the_symbol_field_offers_the_account_s_markets(person: Client) -> None:
    account = cast.account()
    options = person.get(f"/new/symbols/?account={account.pk}", headers=HTMX).text
    assert '<option value="ETH/USDT:USDT">' in options
    assert person.get("/new/symbols/?account=nonsense", headers=HTMX).text.strip() == ""


def test_the_preview_chart_has_candles_or_a_reason(person: Client) -> None:
    account = cast.account()
    chart = person.get(f"/new/candles.json?account={account.pk}&symbol=ETH/USDT:USDT").json()
    assert (len(chart["candles"]), chart["error"]) == (3, "")
    assert person.get("/new/candles.json?account=99999&symbol=ETH/USDT:USDT").status_code == 404


def test_a_stopped_bot_is_changed(person: Client) -> None:
    cast.bot("eth-grid", status=BotStatus.STOPPED)
    shown = person.get("/bots/eth-grid/edit/").text
    assert 'name="config.lower" value="1800"' in shown
    answer = person.post("/bots/eth-grid/edit/", form(name="eth-grid", config__upper="2300"))
    assert answer["Location"] == "/bots/eth-grid/"
    assert Bot.objects.get(name="eth-grid").config["upper"] == "2300"


def test_a_renamed_bot_is_found_under_its_new_name(person: Client) -> None:
    cast.bot("eth-grid", status=BotStatus.STOPPED)
    assert person.post("/bots/eth-grid/edit/", form(name="eth-two"))["Location"] == "/bots/eth-two/"


def test_a_running_bot_is_not_changed_and_says_so(person: Client) -> None:
    cast.bot("eth-grid", status=BotStatus.RUNNING)
    assert "stop it before changing it" in person.get("/bots/eth-grid/edit/").text
    answer = person.post("/bots/eth-grid/edit/", form(name="eth-grid", config__upper="2300"))
    assert answer.status_code == 422
    assert "stop it before changing it" in answer.text
    assert Bot.objects.get(name="eth-grid").config["upper"] == "2200"


def test_an_unknown_strategy_is_not_found(person: Client) -> None:
    assert person.get("/new/?strategy=martingale").status_code == 404


def test_a_link_may_fill_in_the_form(person: Client) -> None:
    cast.account()
    page = person.get("/new/?symbol=ETH/USDT:USDT&config.lower=1800").text
    assert 'value="ETH/USDT:USDT"' in page
    assert 'name="config.lower" value="1800"' in page


def test_a_bot_may_be_called_like_one_of_our_pages(person: Client) -> None:
    assert person.post("/new/", form(name="login"))["Location"] == "/bots/login/"
    assert person.get("/bots/login/").status_code == 200
