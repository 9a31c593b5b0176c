"""The back office: everything can be seen but secrets, facts cannot be changed, bots obey their services."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bots.lifecycle import BotStatus
from bots.models import Bot, EquityPoint, Event, ExternalSignal, JournalEntry, Position, Signal, Snapshot, Trade
from exchange.encryption import verify_encryption_key
from exchange.models import ExchangeAccount, PaperBalance, PaperBook, PaperExecution, PaperMarket, PaperOrder
from tests.bots import cast

KEY, SECRET, PASSWORD = "K3y-that-nobody-sees", "S3cret-that-nobody-sees", "P4ss-that-nobody-sees"
OURS = ("accounts", "exchange", "bots")


@pytest.fixture
def office(db: None, client: Client) -> Client:
    boss = User.objects.create_superuser("boss", password="correct horse")
    client.force_login(boss)
    return client


@pytest.fixture
def everything(db: None) -> None:
    """One of each model."""
    verify_encryption_key()
    cast.account(api_key=KEY, api_secret=SECRET, api_password=PASSWORD)
    bot = cast.bot()
    order = cast.order(bot, "buy", "1", "1900")
    cast.fill(order, price="1900", amount="1")
    common = {"bot": bot, "account": bot.account, "symbol": bot.symbol}
    Position.objects.create(**common, updated_at=cast.NOW)
    Trade.objects.create(**common, run=1, key="grid:1", ordinal=1, direction="long", amount=1, opened_at=cast.NOW)
    Event.objects.create(bot=bot, kind="bot_started", message="Started.", created_at=cast.NOW)
    JournalEntry.objects.create(bot=bot, action="note", code="n", sentence="Noted.", created_at=cast.NOW)
    Snapshot.objects.create(bot=bot, run=1, strategy_version="1", state={}, created_at=cast.NOW)
    EquityPoint.objects.create(
        bot=bot, account=bot.account, at=cast.NOW, exchange_time=cast.NOW, price=1, realised_pnl=0, unrealised_pnl=0
    )
    paper = PaperBook.objects.create(account=cast.account("paper", environment="paper", api_key="", api_secret=""))
    PaperBalance.objects.create(book=paper, coin="USDT", total=1)
    PaperMarket.objects.create(book=paper, symbol=bot.symbol, price=1, seen_at=1)
    resting = PaperOrder.objects.create(
        book=paper, number=1, client_order_id="a", symbol=bot.symbol, side="buy", type="limit", amount=1, price=1,
        status="open", arrival=1, created=1, updated=1,
    )  # fmt: skip
    PaperExecution.objects.create(
        book=paper, order=resting, number=1, is_spot=False, price=1, amount=1, fee=0, is_maker=True, timestamp=1
    )
    ExternalSignal.objects.create(
        bot=bot, direction="long", source="tradingview", delivery_id="1", received_at=cast.NOW
    )
    Signal.objects.create(bot=bot, direction="long", entry=1, confidence=0.5, strategy_type="grid", timestamp=cast.NOW)


def our_models() -> list[str]:
    return [model._meta.label_lower for room in OURS for model in apps.get_app_config(room).get_models()]


def test_every_model_has_its_place() -> None:
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert set(our_models()) <= registered


@pytest.mark.usefixtures("everything")
def test_every_list_search_and_page_opens_and_shows_no_secret(office: Client) -> None:
    for label in our_models():
        model = apps.get_model(label)
        base = f"admin:{label.replace('.', '_')}"
        thing = model._default_manager.first()
        assert thing is not None, label
        for address in (
            reverse(f"{base}_changelist"),
            f"{reverse(f'{base}_changelist')}?q=e" if admin.site._registry[model].search_fields else "/admin/",
            reverse(f"{base}_change", args=[thing.pk]),
            reverse(f"{base}_history", args=[thing.pk]),
        ):
            page = office.get(address)
            assert page.status_code == 200, address
            html = page.content.decode()
            for secret in (KEY, SECRET, PASSWORD, "gAAAA"):
                assert secret not in html, address


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    "label",
    ["bots.order", "bots.fill", "bots.trade", "bots.position", "bots.event", "bots.journalentry"],
)
def test_what_happened_cannot_be_edited_added_or_deleted(office: Client, label: str) -> None:
    thing = apps.get_model(label)._default_manager.get()
    base = f"admin:{label.replace('.', '_')}"
    page = office.get(reverse(f"{base}_change", args=[thing.pk])).content.decode()
    assert 'name="_save"' not in page
    assert office.post(reverse(f"{base}_change", args=[thing.pk]), {"symbol": "X"}).status_code == 403
    assert office.post(reverse(f"{base}_delete", args=[thing.pk]), {"post": "yes"}).status_code == 403
    assert office.get(reverse(f"{base}_add")).status_code == 403


def account_form(**changes: str) -> dict[str, str]:
    return {
        "name": "practice",
        "owner": str(cast.alice().pk),
        "exchange_id": "bybit",
        "environment": "simulator",
        "base_url": "http://127.0.0.1:9",
        "options": "{}",
        **changes,
    }


def change_account(office: Client, **changes: str) -> str:
    account = ExchangeAccount.objects.get(name="practice")
    address = reverse("admin:exchange_exchangeaccount_change", args=[account.pk])
    return office.post(address, account_form(**changes), follow=True).content.decode()


@pytest.mark.usefixtures("everything")
def test_key_fields_are_password_inputs_without_a_value(office: Client) -> None:
    address = reverse("admin:exchange_exchangeaccount_change", args=[ExchangeAccount.objects.get(name="practice").pk])
    fields = re.findall(r'<input[^>]*name="new_api_\w+"[^>]*>', office.get(address).content.decode())
    assert len(fields) == 3
    for field in fields:
        assert 'type="password"' in field
        assert "value=" not in field


@pytest.mark.usefixtures("everything")
def test_empty_keys_stay_and_new_ones_replace(office: Client) -> None:
    change_account(office, options='{"enableRateLimit": false}', new_api_secret="changed")
    account = ExchangeAccount.objects.get(name="practice")
    assert account.options == {"enableRateLimit": False}
    assert (account.api_key, account.api_secret, account.api_password) == (KEY, "changed", PASSWORD)


@pytest.mark.usefixtures("everything")
def test_a_refused_form_does_not_send_the_typed_key_back(office: Client) -> None:
    page = change_account(office, exchange_id="bibyt", new_api_key="typed-just-now")
    assert "is not an exchange that ccxt knows" in page
    assert "typed-just-now" not in page
    assert ExchangeAccount.objects.get(name="practice").api_key == KEY


@pytest.mark.usefixtures("everything")
def test_an_account_does_not_change_its_environment_under_a_running_bot(office: Client) -> None:
    Bot.objects.update(status=BotStatus.RUNNING)
    page = change_account(office, environment="demo", base_url="")
    assert "it is used by eth-grid" in page
    assert ExchangeAccount.objects.get(name="practice").environment == "simulator"


def test_an_account_is_added_with_its_keys(office: Client) -> None:
    office.post(reverse("admin:exchange_exchangeaccount_add"), account_form(new_api_key="k", new_api_secret="s"))
    account = ExchangeAccount.objects.get(name="practice")
    assert (account.api_key, account.api_secret) == ("k", "s")


def act(office: Client, action: str, *bots: Bot) -> str:
    data = {"action": action, "_selected_action": [bot.pk for bot in bots]}
    return office.post(reverse("admin:bots_bot_changelist"), data, follow=True).content.decode()


def test_bots_obey_the_services_and_what_is_refused_is_told(office: Client) -> None:
    running = cast.bot("running", status=BotStatus.RUNNING)
    stopped = cast.bot("stopped")
    page = act(office, "pause", running, stopped)
    assert "Bot running is paused." in page
    assert "Bot stopped is stopped and cannot become paused" in page
    running.refresh_from_db()
    assert (running.status, running.status_reason) == (BotStatus.PAUSED, "Paused by boss.")
    act(office, "resume", running)
    running.refresh_from_db()
    assert running.status == BotStatus.RUNNING
    act(office, "stop", running)
    running.refresh_from_db()
    assert running.status == BotStatus.STOPPING


def test_a_bot_on_a_dead_exchange_is_not_started_and_says_why(office: Client) -> None:
    bot = cast.bot()
    assert "practice: " in act(office, "start", bot)
    bot.refresh_from_db()
    assert bot.status == BotStatus.STOPPED


def test_lists_show_amounts_without_the_zeros_of_their_columns(office: Client) -> None:
    cast.order(cast.bot(), "buy", "1.250", "1900")
    page = office.get(reverse("admin:bots_order_changelist")).text
    assert ">1.25<" in page
    assert ">1900<" in page
    assert "1.2500" not in page
