"""From a bot's page to the form of a back-test, filled in with what the bot is."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from exchange.errors import TemporaryError
from exchange.tasks import fetch_candles
from tests.bots import cast
from tests.bots.pages import ChartedMarket

ADDRESS = "/bots/eth-grid/back-test/"


def form(person: Client) -> dict[str, Any]:
    """Each field with what it holds."""
    page = person.get(ADDRESS, follow=True)
    assert page.status_code == 200
    return {item.name: item.value() for item in page.context["form"]}


def test_the_form_begins_with_the_bots_settings_market_and_own_fees(person: Client) -> None:
    cast.bot(
        config=cast.grid_config(direction="neutral", leverage="3", trail_stop_loss=False),
        fee_rates={"maker": "0.00012", "taker": "0.0004"},
        account=cast.account(baseline={"coins": {"USDT": "2500.5"}}),
    )
    assert f'href="{ADDRESS}"' in person.get("/bots/eth-grid/").text
    held = form(person)
    assert {name: held[name] for name in ("symbol", "market", "timeframe", "source", "initial_balance")} == {
        "symbol": "ETH/USDT:USDT",
        "market": "linear",
        "timeframe": "1m",
        "source": "bybitsimulator/linear/ETHUSDT",
        "initial_balance": "2500.5",
    }
    settings = ("lower", "upper", "grids", "investment", "direction", "leverage", "trail_stop_loss", "spacing")
    assert [held[f"config.{name}"] for name in settings] == [
        "1800", "2200", "4", "1000", "neutral", "3", False, "arithmetic",
    ]  # fmt: skip
    assert (held["fees.maker"], held["fees.taker"]) == ("0.00012", "0.0004")
    market = cast.ETH_LINEAR
    assert [held[f"{name}"] for name in ("precision.price", "precision.amount", "limits.amount.max")] == [
        str(market.tick), str(market.step), str(market.max_amount),
    ]  # fmt: skip


def test_a_bot_that_never_ran_has_the_published_fees_and_its_play_money(person: Client) -> None:
    cast.bot(account=cast.account(environment="paper", paper_balances={"USDT": "700"}))
    held = form(person)
    assert held["initial_balance"] == "700"
    assert [held["fees.maker"], held["fees.taker"]] == [str(cast.ETH_LINEAR.maker_fee), str(cast.ETH_LINEAR.taker_fee)]


def test_without_the_exchange_the_rest_is_filled_in_and_what_is_missing_is_said(
    person: Client, charted_market: ChartedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.bot(fee_rates={"maker": "0.00012", "taker": "0.0004"})

    def refuse() -> Any:
        raise TemporaryError("bybit: connection refused.")

    monkeypatch.setattr(charted_market, "markets", refuse)
    page = person.get(ADDRESS, follow=True)
    assert "The steps and limits of ETH/USDT:USDT are not known" in page.text
    assert page.context["form"]["config.upper"].value() == "2200"
    assert page.context["form"]["fees.maker"].value() == "0.00012"
    assert page.context["form"]["precision.price"].value() is None


def test_the_candles_of_the_bots_market_are_fetched_meanwhile(person: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = cast.bot()
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(fetch_candles, "delay", lambda *what: asked.append(what))
    page = person.get(ADDRESS, follow=True)
    assert asked == [(bot.account_id, "ETH/USDT:USDT", "1m", 30)]
    assert "The candles of ETH/USDT:USDT of the last 30 days are being fetched" in page.text


def test_a_stranger_is_sent_to_sign_in(client: Client, db: None) -> None:
    cast.bot()
    assert client.get(ADDRESS)["Location"].startswith("/login/")


def test_a_bot_whose_strategy_is_gone_is_told_so_on_its_page(person: Client) -> None:
    cast.bot(strategy="vanished")
    page = person.get(ADDRESS, follow=True)
    assert page.redirect_chain == [("/bots/eth-grid/", 302)]
    assert "There is no strategy called &#x27;vanished&#x27;" in page.text
