"""``manage.py demo_setup``: a user, the accounts and the bots of configs/demo.yaml. Harmless to repeat."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from bots import services
from bots.configuration import DocumentInvalid, apply_configuration
from bots.errors import BotError
from bots.lifecycle import BotStatus, InvalidTransition
from bots.models import Bot
from bots.watchlist import publish_watchlist
from exchange.encryption import require_encryption_key

# Not a username: what people create themselves is theirs to start.
REQUESTED_BY = "the demo set-up"
BOTS = settings.BASE_DIR / "configs" / "demo.yaml"


class Command(BaseCommand):
    help = "Makes the demo user, the simulator and paper accounts and, the first time, starts the bots of configs/demo.yaml."

    def handle(self, *args: Any, **options: Any) -> None:
        require_encryption_key()
        user = self._user()
        self._configure(user)
        # A bot that ran before is left as the operator left it.
        for bot in Bot.objects.active().filter(owner=user, run=0, status=BotStatus.STOPPED).select_related("account"):
            if bot.events.filter(message=f"Created by {REQUESTED_BY}.").exists():
                self._start(bot)

    def _user(self) -> User:
        username, password = os.environ.get("DEMO_USERNAME") or "demo", os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("DEMO_PASSWORD is not set: it is the password that the demo user is to have.")
        user, created = User.objects.get_or_create(username=username, defaults={"is_staff": True, "is_superuser": True})
        # The login that the stack prints must work, whatever was changed since.
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        self.stdout.write(f"user {username} {'created' if created else 'is there'}")
        return user

    def _configure(self, user: User) -> None:
        """Bots are made once: whoever deletes or changes one does not find it restored at the next start."""
        first_time = not Bot.objects.filter(owner=user).exists()
        text = BOTS.read_text(encoding="utf-8")
        try:
            applied = apply_configuration(
                text,
                owner=user,
                requested_by=REQUESTED_BY,
                accounts_only=not first_time,
            )
        except DocumentInvalid as error:
            raise CommandError(f"{BOTS}:\n{error}") from error
        # The simulator may have another address than last time, and running bots another source of prices with it.
        publish_watchlist()
        for name in applied.created_bots:
            self.stdout.write(f"bot {name} created")

    def _start(self, bot: Bot) -> None:
        try:
            services.start_bot(bot=bot, requested_by=REQUESTED_BY)
        except (BotError, InvalidTransition) as error:
            # One bot that does not fit this market must not keep the stack from coming up.
            self.stderr.write(f"bot {bot.name} was not started: {error}")
        else:
            self.stdout.write(f"bot {bot.name} is starting")
