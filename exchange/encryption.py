"""Finding a wrong ``FIELD_ENCRYPTION_KEY`` at the start of a process instead of in the middle of trading.

The field library answers a wrong key with the ciphertext itself, and saving such an account would encrypt it once more
under the wrong key. So every long-running process and every command that touches accounts first reads a known text.
"""

from __future__ import annotations

import os
import sys

from django.db import DatabaseError, ProgrammingError

from exchange.errors import NeedsOperator
from exchange.models import EncryptionCanary, ExchangeAccount

_CANARY_ID = 1
# The mend is the same whoever finds it, so that it can be looked up.
WRONG_KEY = (
    "FIELD_ENCRYPTION_KEY is not the key that this database's exchange keys were saved with. Put the old key back: "
    "several keys may stand in the list, separated by commas; the first one encrypts, all of them decrypt."
)


def verify_encryption_key() -> None:
    """Raises ``NeedsOperator`` when the encryption key cannot read what this database holds.

    The first call on a new database leaves the known text there; two processes that start at once agree on one row.
    """
    canary = EncryptionCanary.objects.filter(pk=_CANARY_ID).first()
    if canary is None:
        for account in ExchangeAccount.objects.order_by("id"):
            account.gateway_config()
        canary, _ = EncryptionCanary.objects.get_or_create(pk=_CANARY_ID, defaults={"text": EncryptionCanary.PLAIN})
    if canary.text != EncryptionCanary.PLAIN:
        raise NeedsOperator(WRONG_KEY)


def require_encryption_key() -> None:
    """For the start of a process: ends it with EX_CONFIG (78) and one clear line."""
    try:
        verify_encryption_key()
    except NeedsOperator as error:
        _give_up(error.detail)
    except ProgrammingError:
        _give_up("The database has no tables yet. Run `manage.py migrate` first.")
    except DatabaseError as error:
        _give_up(f"The database does not answer: {str(error).strip().splitlines()[0]}")


def _give_up(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
    sys.exit(os.EX_CONFIG)
