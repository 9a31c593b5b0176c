"""The buttons. Each is a form that is posted; what cannot be taken back is asked for first, on a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from bots import services
from bots.errors import BotError
from bots.lifecycle import InvalidTransition
from bots.models import Bot
from bots.views.bot import find_bot
from web.pages import is_htmx, render_block, signed_in, username


@dataclass(frozen=True, slots=True)
class Command:
    """``question`` is asked before the dangerous ones; ``done`` is said afterwards, with the bot's name."""

    run: Callable[[Bot, HttpRequest], Bot | None]
    done: str
    title: str = ""
    question: str = ""
    offers_closing: bool = False
    leads_to: str = "bot-detail"


def _start(bot: Bot, request: HttpRequest) -> Bot | None:
    return services.start_bot(bot=bot, requested_by=username(request))


def _stop(bot: Bot, request: HttpRequest) -> Bot | None:
    return services.stop_bot(
        bot=bot,
        requested_by=username(request),
        close_position=request.POST.get("position") == "close",
    )


def _pause(bot: Bot, request: HttpRequest) -> Bot | None:
    return services.pause_bot(bot=bot, requested_by=username(request))


def _resume(bot: Bot, request: HttpRequest) -> Bot | None:
    return services.resume_bot(bot=bot, requested_by=username(request))


def _emergency_stop(bot: Bot, request: HttpRequest) -> Bot | None:
    return services.emergency_stop_bot(bot=bot, requested_by=username(request))


def _delete(bot: Bot, request: HttpRequest) -> Bot | None:
    services.delete_bot(bot=bot, requested_by=username(request))
    return None


COMMANDS = {
    "start": Command(_start, "{} starts."),
    "stop": Command(
        _stop,
        "{} stops.",
        title="Stop {}?",
        question="All its resting orders are cancelled. What it holds may stay, or be closed at the market price.",
        offers_closing=True,
    ),
    "pause": Command(_pause, "{} is paused: nothing new is ordered, resting orders stay."),
    "resume": Command(_resume, "{} goes on."),
    "emergency-stop": Command(
        _emergency_stop,
        "{} is in emergency stop.",
        title="Emergency stop of {}?",
        question="Every order is withdrawn at once and nothing new is ordered; what the bot holds stays as it is. "
        "It then waits until you stop it.",
    ),
    "delete": Command(
        _delete,
        "{} is deleted.",
        title="Delete {}?",
        question="It disappears from all pages and does not trade again. If it has traded, its orders and fills stay "
        "on record.",
        leads_to="overview",
    ),
}


@signed_in
def bot_command(request: HttpRequest, name: str, command: str) -> HttpResponse:
    """POST runs the command; GET asks the question of the dangerous ones."""
    bot, action = find_bot(name), COMMANDS[command]
    if request.method == "POST":
        return _run(request, bot, action)
    if request.method == "GET" and action.question:
        context = {
            "bot": bot,
            "command": command,
            "title": action.title.format(bot.name),
            "question": action.question,
            "offers_closing": action.offers_closing,
        }
        if is_htmx(request):
            return HttpResponse(render_block(request, "bots/confirm.html", "dialog", context))
        return render(request, "bots/confirm.html", context)
    # Somebody was signed out when the button was pressed, or came back by the address: nothing was done.
    return redirect("bot-detail", bot.name)


def _run(request: HttpRequest, bot: Bot, action: Command) -> HttpResponse:
    arguments = () if action.leads_to == "overview" else (bot.name,)
    target = redirect(action.leads_to, *arguments)
    try:
        action.run(bot, request)
    except (BotError, InvalidTransition) as refusal:
        messages.error(request, str(refusal))
        target = redirect("bot-detail", bot.name)
    else:
        messages.success(request, action.done.format(bot.name))
    return target
