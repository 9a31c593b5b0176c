"""The web server: Daphne, once the encryption key has proved to be this database's.

The check stands here and not in ``traderagent.asgi``, which is imported inside a running event loop by other servers
and by tests.
"""

from __future__ import annotations

import os

import django
from daphne.cli import CommandLineInterface


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traderagent.settings")
    django.setup()
    # Models can be imported only now.
    from django.db import connections

    from exchange.encryption import require_encryption_key

    require_encryption_key()
    connections.close_all()
    CommandLineInterface.entrypoint()


if __name__ == "__main__":
    main()
