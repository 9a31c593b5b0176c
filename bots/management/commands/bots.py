"""``manage.py bots``: bots from the command line, and accounts and bots as YAML."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from bots import services
from bots.configuration import Applied, DocumentInvalid, apply_configuration, export_configuration
from bots.errors import BotError
from bots.lifecycle import InvalidTransition
from bots.models import Bot
from exchange.encryption import require_encryption_key
from exchange.errors import ExchangeError

REQUESTED_BY = "command line"


class Command(BaseCommand):
    help = "Lists, configures and controls bots."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        apply = commands.add_parser("apply", help="create and change accounts and bots as a YAML file says")
        apply.add_argument("file", help="the YAML file; - reads standard input")
        apply.add_argument("--owner", help="username of the owner of what is created; needed when there are several")
        apply.add_argument("--check", action="store_true", help="only say what would be done")
        commands.add_parser("export", help="write accounts and bots as YAML, without keys")
        commands.add_parser("list", help="one line for each bot")
        for name, what in (("start", "start"), ("pause", "pause"), ("resume", "resume a paused bot")):
            commands.add_parser(name, help=what).add_argument("names", nargs="+", metavar="NAME")
        stop = commands.add_parser("stop", help="cancel the orders; the position is kept unless --close")
        stop.add_argument("names", nargs="+", metavar="NAME")
        stop.add_argument("--close", action="store_true", help="close the position at market")
        stop.add_argument("--reason", default="", help="why, for the record")
        emergency = commands.add_parser("emergency", help="withdraw every order at once and wait for an operator")
        emergency.add_argument("names", nargs="+", metavar="NAME")
        emergency.add_argument("--reason", default="", help="why, for the record")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        require_encryption_key()
        handlers: dict[str, Callable[..., None]] = {
            "apply": self._apply,
            "export": self._export,
            "list": self._list,
            "start": self._start,
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "emergency": self._emergency,
        }
        handlers[command](**options)

    def _apply(self, file: str, owner: str | None, check: bool, **_: Any) -> None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        try:
            applied = apply_configuration(text, owner=_owner(owner), requested_by=REQUESTED_BY, dry_run=check)
        except DocumentInvalid as error:
            raise CommandError(f"{file}: nothing was changed.\n{error}") from error
        except ExchangeError as error:
            raise CommandError(f"{file}: nothing was changed.\n{error.detail}") from error
        self._report(applied, check)

    def _report(self, applied: Applied, check: bool) -> None:
        would = "would be " if check else ""
        for what, names in (
            ("account", applied.created_accounts),
            ("bot", applied.created_bots),
        ):
            for name in names:
                self.stdout.write(f"{what} {name} {would}created")
        for what, names in (("account", applied.updated_accounts), ("bot", applied.updated_bots)):
            for name in names:
                self.stdout.write(f"{what} {name} {would}changed")
        if applied.unchanged:
            self.stdout.write(f"unchanged: {', '.join(applied.unchanged)}")

    def _export(self, **_: Any) -> None:
        try:
            self.stdout.write(export_configuration(), ending="")
        except ExchangeError as error:
            raise CommandError(error.detail) from error

    def _list(self, **_: Any) -> None:
        columns = ("name", "status", "mode", "strategy", "symbol", "account__name", "status_reason")
        rows = list(Bot.objects.active().order_by("name").values_list(*columns))
        if not rows:
            self.stdout.write("There are no bots yet.")
            return
        table = [("NAME", "STATUS", "MODE", "STRATEGY", "SYMBOL", "ACCOUNT", "REASON"), *rows]
        widths = [max(len(str(row[number])) for row in table) for number in range(len(columns))]
        for row in table:
            cells = (str(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def _start(self, names: list[str], **_: Any) -> None:
        self._each(names, "is starting", lambda bot: services.start_bot(bot=bot, requested_by=REQUESTED_BY))

    def _stop(self, names: list[str], close: bool, reason: str, **_: Any) -> None:
        self._each(
            names,
            "is stopping and closes its position" if close else "is stopping",
            lambda bot: services.stop_bot(bot=bot, requested_by=REQUESTED_BY, reason=reason, close_position=close),
        )

    def _pause(self, names: list[str], **_: Any) -> None:
        self._each(names, "is paused", lambda bot: services.pause_bot(bot=bot, requested_by=REQUESTED_BY))

    def _resume(self, names: list[str], **_: Any) -> None:
        self._each(names, "goes on", lambda bot: services.resume_bot(bot=bot, requested_by=REQUESTED_BY))

    def _emergency(self, names: list[str], reason: str, **_: Any) -> None:
        self._each(
            names,
            "is in emergency",
            lambda bot: services.emergency_stop_bot(bot=bot, requested_by=REQUESTED_BY, reason=reason),
        )

    def _each(self, names: list[str], done: str, command: Callable[[Bot], Any]) -> None:
        """Every name is tried; the exit code is 1 when any was refused."""
        bots = {bot.name: bot for bot in Bot.objects.active().select_related("account").filter(name__in=names)}
        refused = []
        for name in names:
            if name not in bots:
                refused.append(f"There is no bot {name}; `manage.py bots list` shows those that there are.")
                continue
            try:
                command(bots[name])
            except (BotError, InvalidTransition) as error:
                refused.append(f"{name}: {error}")
            else:
                self.stdout.write(f"{name} {done}")
        if refused:
            raise CommandError("\n".join(refused))


def _owner(username: str | None) -> User:
    if username is not None:
        found = User.objects.filter(username=username).first()
        if found is None:
            raise CommandError(f"--owner {username}: there is no such user.")
        return found
    users = list(User.objects.filter(is_active=True).order_by("username")[:2])
    if not users:
        raise CommandError("There is no user yet who could own bots. Make one: manage.py createsuperuser.")
    if len(users) > 1:
        raise CommandError("There are several users: say with --owner USERNAME whose these are to be.")
    return users[0]
