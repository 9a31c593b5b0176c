"""``manage.py reconcile``: our books against the exchange's, line by line. Exit code 1 on a difference."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bots.reconciliation import reconcile
from exchange.encryption import require_encryption_key
from exchange.errors import ExchangeError
from exchange.models import ExchangeAccount


class Command(BaseCommand):
    help = "Compares executions, orders, positions and balances with the exchange. Exit code 1 on a difference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", help="only this account, by name")

    def handle(self, *args: Any, account: str | None = None, **options: Any) -> None:
        require_encryption_key()
        accounts = ExchangeAccount.objects.all()
        if account:
            accounts = accounts.filter(name=account)
            if not accounts:
                known = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none"
                raise CommandError(f"There is no account {account}. Known: {known}.")
        different, complaints = 0, []
        for item in accounts:
            try:
                lines = reconcile(item, now=timezone.now())
            except ExchangeError as error:
                complaints.append(f"{item.name} was not compared: {error.detail}")
                continue
            width = max(len(line.what) for line in lines)
            for line in lines:
                mark = "=" if line.equal else "≠"
                self.stdout.write(f"{line.account}  {line.what:<{width}}  {line.ours}  {mark}  {line.theirs}")
                different += not line.equal
        if different:
            complaints.append(f"{different} difference{'s' if different > 1 else ''}.")
        if complaints:
            raise CommandError("\n".join(complaints))
        self.stdout.write(self.style.SUCCESS("Equal to the last digit."))
