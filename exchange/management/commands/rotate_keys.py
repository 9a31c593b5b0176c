"""``manage.py rotate_keys``: everything encrypted is moved under the first key of ``FIELD_ENCRYPTION_KEY``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchange.encryption import require_encryption_key
from exchange.errors import NeedsOperator
from exchange.key_rotation import rotate_keys


class Command(BaseCommand):
    help = (
        "Encrypts the exchange keys of every account anew under the first key of FIELD_ENCRYPTION_KEY. All or nothing, "
        "and safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="rehearse it and change nothing")

    def handle(self, *args: Any, dry_run: bool = False, **options: Any) -> None:
        require_encryption_key()
        try:
            done = rotate_keys(dry_run=dry_run)
        except NeedsOperator as error:
            raise CommandError(error.detail) from error
        old = len(settings.FIELD_ENCRYPTION_KEY) - 1
        if dry_run:
            self.stdout.write(f"{done.moved} of {done.total} encrypted values would be moved. Nothing was changed.")
            return
        self.stdout.write(
            self.style.SUCCESS(
                f"{done.moved} of {done.total} encrypted values were moved; all are under the first key."
            )
        )
        if old:
            self.stdout.write(
                f"Next: back up the first key, take the {'other' if old == 1 else f'{old} others'} out of "
                "FIELD_ENCRYPTION_KEY and restart every process. Backups of the database from before today still need "
                "the old key: keep it with them."
            )
        else:
            self.stdout.write(
                "The list has one key only. To change it, put a new one before it "
                "(`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`), restart "
                "every process, and run this again."
            )
