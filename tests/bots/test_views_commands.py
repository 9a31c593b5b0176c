"""The buttons of a bot: what they ask, what they do, and what they refuse."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from bots.lifecycle import BotStatus
from bots.models import Bot
from tests.bots import cast

HTMX = {"HX-Request": "true"}


def press(person: Client, command: str, **fields: str) -> tuple[str, list[str]]:
    """The address that one is sent to, and what is said there."""
    answer = person.post(f"/bots/eth-grid/{command}/", fields)
    assert answer.status_code == 302
    return answer["Location"], [str(message) for message in get_messages(answer.wsgi_request)]


def status(name: str = "eth-grid") -> str:
    return Bot.objects.get(name=name).status


def test_start_starts(person: Client) -> None:
    cast.bot(status=BotStatus.STOPPED)
    assert press(person, "start") == ("/bots/eth-grid/", ["eth-grid starts."])
    assert status() == BotStatus.STARTING


def test_pause_and_resume(person: Client) -> None:
    cast.bot(status=BotStatus.RUNNING)
    press(person, "pause")
    assert status() == BotStatus.PAUSED
    press(person, "resume")
    assert status() == BotStatus.RUNNING


@pytest.mark.parametrize(("position", "closes"), [("keep", False), ("close", True), ("", False)])
def test_stop_keeps_the_position_unless_closing_was_chosen(person: Client, position: str, closes: bool) -> None:
    cast.bot(status=BotStatus.RUNNING)
    press(person, "stop", position=position)
    bot = Bot.objects.get(name="eth-grid")
    assert (bot.status, bot.close_position_on_stop) == (BotStatus.STOPPING, closes)


def test_emergency_stop(person: Client) -> None:
    cast.bot(status=BotStatus.RUNNING)
    press(person, "emergency-stop")
    bot = Bot.objects.get(name="eth-grid")
    assert bot.status == BotStatus.EMERGENCY
    assert "alice" in bot.status_reason


def test_delete_leads_to_the_overview(person: Client) -> None:
    cast.bot(status=BotStatus.STOPPED)
    assert press(person, "delete") == ("/", ["eth-grid is deleted."])
    assert not Bot.objects.filter(name="eth-grid").exists()


@pytest.mark.parametrize(
    ("present", "command", "said"),
    [
        (BotStatus.STOPPED, "pause", "Bot eth-grid is stopped and cannot become paused"),
        (BotStatus.STOPPED, "stop", "Bot eth-grid is stopped and cannot become stopping"),
        (BotStatus.RUNNING, "start", "Bot eth-grid is running and cannot become starting"),
        (BotStatus.STARTING, "resume", "Bot eth-grid is starting and cannot become running"),
        (BotStatus.RUNNING, "delete", "Bot eth-grid is running: stop it before deleting it."),
    ],
)
def test_a_button_that_came_too_late_is_refused_with_a_sentence(
    person: Client, present: BotStatus, command: str, said: str
) -> None:
    cast.bot(status=present)
    address, (message,) = press(person, command)
    assert address == "/bots/eth-grid/"
    assert message.startswith(said)
    assert status() == present


def test_a_start_that_cannot_work_names_the_reason(person: Client) -> None:
    # Four intervals of 1 USDT each are far below the market's minimum of 5.
    cast.bot(status=BotStatus.STOPPED, config=cast.grid_config(investment="4"))
    _, (message,) = press(person, "start")
    assert "investment" in message
    assert status() == BotStatus.STOPPED


@pytest.mark.parametrize("command", ["stop", "emergency-stop", "delete"])
def test_dangerous_buttons_ask_first_with_and_without_javascript(person: Client, command: str) -> None:
    cast.bot(status=BotStatus.RUNNING)
    whole = person.get(f"/bots/eth-grid/{command}/").text
    dialog = person.get(f"/bots/eth-grid/{command}/", headers=HTMX).text
    for text in (whole, dialog):
        assert f'action="/bots/eth-grid/{command}/"' in text
        assert "csrfmiddlewaretoken" in text
    assert "<html" in whole
    assert "<html" not in dialog
    assert status() == BotStatus.RUNNING


@pytest.mark.parametrize("command", ["start", "pause", "resume"])
def test_opening_the_address_of_a_button_does_nothing(person: Client, command: str) -> None:
    cast.bot(status=BotStatus.STOPPED if command == "start" else BotStatus.RUNNING)
    before = status()
    assert person.get(f"/bots/eth-grid/{command}/")["Location"] == "/bots/eth-grid/"
    assert status() == before


def test_a_form_from_another_site_does_nothing(person: Client) -> None:
    cast.bot(status=BotStatus.RUNNING)
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(cast.alice())
    answer = stranger.post("/bots/eth-grid/pause/")
    assert answer.status_code == 403
    assert "This page was out of date" in answer.text
    assert status() == BotStatus.RUNNING


def test_nobody_commands_without_signing_in(db: None) -> None:
    cast.bot(status=BotStatus.RUNNING)
    assert Client().post("/bots/eth-grid/pause/")["Location"] == "/login/?next=/bots/eth-grid/pause/"
    assert status() == BotStatus.RUNNING
