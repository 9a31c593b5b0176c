"""A bot's mode is plain on each of its pages."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from bots.lifecycle import BotStatus, OrderStatus
from bots.models import Bot
from tests.bots import cast


def on_paper(name: str = "learner", **fields: object) -> Bot:
    account = cast.account("paper", environment="paper", base_url="", api_key="", api_secret="")
    return cast.bot(name, account=account, mode="paper", **fields)


def live(name: str = "earner") -> Bot:
    account = cast.account("real", environment="live", base_url="")
    return cast.bot(name, account=account, mode="live", status=BotStatus.RUNNING)


def pages_of(bot: Bot, mode: str) -> list[str]:
    order = cast.order(bot, "buy", "0.1", "1900", mode=mode)
    return [
        reverse("bot-detail", args=[bot.name]),
        reverse("bot-edit", args=[bot.name]),
        reverse("order-detail", args=[order.pk]),
    ]


def test_each_page_of_a_live_bot_says_so(person: Client) -> None:
    for address in [*pages_of(live(), "live"), reverse("bot-stop", args=["earner"])]:
        html = person.get(address).content.decode()
        assert "LIVE: real money." in html, address
    for address in pages_of(Bot.objects.get(name="earner"), "live"):
        assert '<span class="badge live">Live</span>' in person.get(address).content.decode(), address


def test_paper_and_signals_say_so_and_demo_has_no_banner(person: Client) -> None:
    watcher = cast.bot("watcher", mode="signals")
    for bot, mode, sentence in (
        (on_paper(), "paper", "Paper: real prices, play money."),
        (watcher, "signals", "Signals only: decides and writes down, sends nothing."),
    ):
        for address in pages_of(bot, mode):
            html = person.get(address).content.decode()
            assert sentence in html, address
            assert f'<span class="badge {mode}">' in html, address
    for address in pages_of(cast.bot("demo-grid"), "demo"):
        assert "mode-banner" not in person.get(address).content.decode(), address


def test_the_overview_names_each_bots_mode_and_adds_up_by_mode(person: Client) -> None:
    live()
    on_paper()
    cast.bot("watcher", mode="signals")
    html = person.get(reverse("overview")).content.decode()
    for badge in ("live", "paper", "signals"):
        assert f'<span class="badge {badge}">' in html
    # Equities of live and of paper, none of a bot that trades nothing.
    assert html.count("stat lead") == 2


def test_an_order_of_another_mode_is_marked_in_the_list(person: Client) -> None:
    bot = cast.bot("demo-grid")
    cast.order(bot, "buy", "0.1", "1900", mode="demo")
    html = person.get(reverse("bot-detail", args=[bot.name])).content.decode()
    assert '<span class="badge paper">' not in html
    cast.order(bot, "buy", "0.1", "1800", mode="paper")
    html = person.get(reverse("bot-detail", args=[bot.name])).content.decode()
    assert html.count('<span class="badge paper">Paper</span>') == 1


def test_the_form_explains_each_mode_and_names_the_accounts_that_fit(person: Client) -> None:
    on_paper()
    live()
    cast.account()
    html = person.get(reverse("bot-create")).content.decode()
    assert html.count('class="mode-choice ') == 4
    assert "Accounts: paper." in html
    assert "Accounts: practice." in html
    assert "Accounts: real." in html
    assert "Accounts: paper, practice, real." in html
    # A new bot is never live by itself.
    assert 'value="demo" ' in html.split("checked")[0].rsplit("<input", 1)[1]


def test_where_there_are_only_live_accounts_a_new_bot_gives_signals(person: Client) -> None:
    cast.account("real", environment="live", base_url="")
    html = person.get(reverse("bot-create")).content.decode()
    assert 'value="signals" ' in html.split("checked")[0].rsplit("<input", 1)[1]
    assert "No account fits it yet." in html


def test_what_a_bot_withholds_is_on_its_chart_and_its_page_says_that_nothing_was_sent(person: Client) -> None:
    bot = cast.bot("watcher", mode="signals", status=BotStatus.RUNNING)
    order = cast.order(bot, "buy", "0.1", "1900", mode="signals", status=OrderStatus.WITHHELD)
    lines = person.get(reverse("bot-chart", args=[bot.name])).json()["orders"]
    assert [line["price"] for line in lines] == [1900.0]
    html = person.get(reverse("order-detail", args=[order.pk])).content.decode()
    assert "Not sent (signals only)" in html
    assert "A bot for signals only sends nothing." in html
