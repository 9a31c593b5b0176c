"""``manage.py rebuild_ledger``: positions and round trips anew from the fills. Exit code 1 when that changed anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bots.ledger import rebuild
from bots.models import Bot


class Command(BaseCommand):
    help = "Derives positions and trades anew from the fills, and proves that nothing changed. Exit code 1 otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bots", nargs="*", help="names; all bots when none is given")

    def handle(self, *args: Any, bots: list[str], **options: Any) -> None:
        chosen = Bot.objects.filter(name__in=bots) if bots else Bot.objects.all()
        missing = set(bots) - {bot.name for bot in chosen}
        if missing:
            raise CommandError(f"There is no bot {', '.join(sorted(missing))}.")
        changed = 0
        for bot in chosen:
            differences = rebuild(bot, now=timezone.now())
            changed += len(differences)
            for difference in differences:
                self.stdout.write(
                    f"{bot.name}  {difference.what}: kept {difference.kept}, rebuilt {difference.rebuilt}"
                )
            self.stdout.write(f"{bot.name}: {bot.fills.count()} fills, {'equal' if not differences else 'CHANGED'}")
        if changed:
            raise CommandError(f"{changed} value(s) differed from the fills; they are right now.")
