"""Which prices the bots need: told to the streaming process through Redis."""

from __future__ import annotations

from django.db import transaction

from bots.models import Bot
from exchange.prices import Subscription, replace_subscriptions


def publish_watchlist() -> None:
    """Makes the stream follow the symbols of all bots that are not stopped, after the present commit."""
    transaction.on_commit(_publish)


def _publish() -> None:
    accounts: dict[str, int] = {}
    symbols: dict[str, set[str]] = {}
    for bot in Bot.objects.ticking().select_related("account"):
        venue = bot.account.venue
        accounts.setdefault(venue, bot.account_id)
        symbols.setdefault(venue, set()).add(bot.symbol)
    replace_subscriptions({venue: Subscription(accounts[venue], frozenset(symbols[venue])) for venue in accounts})
