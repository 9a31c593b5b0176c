"""What people may do with bots. Every interface (pages, API, admin, commands, Telegram) goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from bots import hints
from bots.errors import ConfigInvalid, ModeRefused, NotEditable
from bots.events import record
from bots.lifecycle import BotStatus
from bots.live_guard import refuse_live
from bots.models import Bot, BotMode, EventKind, Order, Position, Severity
from bots.models.bot import ENVIRONMENTS_OF_MODE
from bots.preflight import check_config, symbol_problem
from bots.schedule import enable_ticks, remove_ticks
from bots.watchlist import publish_watchlist
from exchange.models import ExchangeAccount
from strategies.contract import Problem
from strategies.parsing import parse_config

# Words that stand where a bot's name would in an address.
RESERVED_NAMES = frozenset({"preview", "new"})
EDITABLE = frozenset({"name", "account", "symbol", "strategy", "config", "mode", "tick_interval"})
# Where a bot trades.
_PLACE = frozenset({"account", "symbol", "mode"})


def create_bot(
    *,
    owner: User,
    name: str,
    account: ExchangeAccount,
    symbol: str,
    strategy: str,
    config: Mapping[str, Any],
    requested_by: str,
    mode: str = BotMode.DEMO,
    tick_interval: int = 1,
) -> Bot:
    """A stopped bot. Raises ``ConfigInvalid`` or ``ModeRefused``; prices and balances are looked at when it starts."""
    bot = Bot(owner=owner, name=name, account=account, symbol=symbol, strategy=strategy, mode=mode)
    bot.tick_interval = tick_interval
    _set_config(bot, config)
    _check_fields(bot)
    _check_symbol(bot)
    with transaction.atomic():
        bot.save()
        record(EventKind.BOT_CREATED, f"Created by {requested_by}.", now=timezone.now(), bot=bot)
    hints.publish("status", bot=bot.name, data={"status": bot.status})
    return bot


def update_bot(*, bot: Bot, requested_by: str, **changes: Any) -> Bot:
    """Changes a stopped bot. Raises ``NotEditable``, ``ConfigInvalid`` or ``ModeRefused``."""
    unknown = set(changes) - EDITABLE
    if unknown:
        raise ConfigInvalid([Problem(name, f"{name} cannot be changed.") for name in sorted(unknown)])
    with transaction.atomic():
        bot = _locked(bot)
        if not bot.can_edit:
            raise NotEditable(f"Bot {bot.name} is {bot.status}: stop it before changing it.")
        _check_move(bot, changes)
        for name, value in changes.items():
            if name != "config":
                setattr(bot, name, value)
        _set_config(bot, changes.get("config", bot.config))
        _check_fields(bot)
        if {"symbol", "account"} & set(changes):
            _check_symbol(bot)
        bot.save()
        changed = ", ".join(sorted(changes)) or "nothing"
        record(EventKind.BOT_CHANGED, f"Changed by {requested_by}: {changed}.", now=timezone.now(), bot=bot)
    return bot


def delete_bot(*, bot: Bot, requested_by: str) -> None:
    """Removes a bot that never traded; one that did is put away, with all its records, and its name is free again."""
    with transaction.atomic():
        bot = _locked(bot)
        if not bot.can_edit:
            raise NotEditable(f"Bot {bot.name} is {bot.status}: stop it before deleting it.")
        remove_ticks(bot)
        if not bot.orders.exists():
            bot.delete()
            return
        record(EventKind.BOT_CHANGED, f"Put away by {requested_by}.", now=timezone.now(), bot=bot)
        bot.name = f"{bot.name[:50]}-gone-{bot.tag}"
        bot.archived_at = timezone.now()
        bot.periodic_task = None
        bot.save()


def start_bot(*, bot: Bot, requested_by: str) -> Bot:
    """A new run with a fresh state. Raises ``InvalidTransition``, ``ConfigInvalid``, ``ModeRefused`` or
    ``ExchangeUnavailable``."""
    if bot.archived_at is not None:
        raise NotEditable(f"Bot {bot.name} was put away.")
    bot.refresh_from_db()
    if bot.can_start:
        _check_mode(bot)
        problems = check_config(
            account=bot.account,
            symbol=bot.symbol,
            strategy=bot.strategy,
            config=bot.config,
            sends_orders=bot.sends_orders,
        )
        if problems:
            raise ConfigInvalid(problems)
    now = timezone.now()
    with transaction.atomic():
        bot = _locked(bot)
        bot.change_status(BotStatus.STARTING, "")
        bot.run += 1
        bot.started_at, bot.stopped_at = now, None
        bot.close_position_on_stop = False
        bot.last_error, bot.errors_in_a_row = "", 0
        bot.save()
        enable_ticks(bot)
        record(EventKind.BOT_STARTED, f"Started by {requested_by}.", now=now, bot=bot)
    _announce(bot)
    return bot


def stop_bot(*, bot: Bot, requested_by: str, reason: str = "", close_position: bool = False) -> Bot:
    """Cancels the bot's orders and, when asked, closes its position. Acknowledges an emergency too.

    Raises ``InvalidTransition``.
    """
    with transaction.atomic():
        bot = _locked(bot)
        bot.change_status(BotStatus.STOPPING, reason or f"Stopped by {requested_by}.")
        bot.close_position_on_stop = close_position
        bot.save(update_fields=["status", "status_reason", "close_position_on_stop"])
    _announce(bot)
    return bot


def pause_bot(*, bot: Bot, requested_by: str) -> Bot:
    """Standing orders stay and their fills are booked; nothing new is placed. Raises ``InvalidTransition``."""
    return _change(bot, BotStatus.PAUSED, EventKind.BOT_PAUSED, f"Paused by {requested_by}.")


def resume_bot(*, bot: Bot, requested_by: str) -> Bot:
    """Raises ``InvalidTransition``."""
    return _change(
        bot, BotStatus.RUNNING, EventKind.BOT_RESUMED, f"Resumed by {requested_by}.", only_from=BotStatus.PAUSED
    )


def emergency_stop_bot(*, bot: Bot, requested_by: str, reason: str = "") -> Bot:
    """Withdraws every order at once and keeps the position; an operator has to acknowledge by stopping the bot.

    Raises ``InvalidTransition``.
    """
    why = f"Emergency stop by {requested_by}." + (f" {reason}" if reason else "")
    return _change(bot, BotStatus.EMERGENCY, EventKind.BOT_EMERGENCY, why, severity=Severity.CRITICAL)


def _change(
    bot: Bot,
    status: BotStatus,
    kind: EventKind,
    why: str,
    *,
    severity: Severity = Severity.INFO,
    only_from: BotStatus | None = None,
) -> Bot:
    with transaction.atomic():
        bot = _locked(bot)
        if only_from is not None and bot.status != only_from:
            # RUNNING may be reached from STARTING too, but not by hand.
            raise bot.refused(status)
        bot.change_status(status, why)
        bot.save(update_fields=["status", "status_reason"])
        record(kind, why, now=timezone.now(), bot=bot, severity=severity)
    _announce(bot)
    return bot


def _locked(bot: Bot) -> Bot:
    return Bot.objects.select_for_update(no_key=True, of=("self",)).select_related("account", "owner").get(pk=bot.pk)


def _announce(bot: Bot) -> None:
    publish_watchlist()
    hints.publish("status", bot=bot.name, data={"status": bot.status})


def _set_config(bot: Bot, config: Mapping[str, Any]) -> None:
    parsed, problems = parse_config(bot.strategy, config)
    if parsed is None:
        raise ConfigInvalid(problems)
    bot.config = parsed.model_dump(mode="json", exclude_unset=True)


def _check_fields(bot: Bot) -> None:
    """The model's own validation, as problems of the named fields."""
    if bot.name in RESERVED_NAMES:
        raise ConfigInvalid([Problem("name", f"name: {bot.name} is an address of its own; choose another.", bot.name)])
    if Bot.objects.exclude(pk=bot.pk).filter(name=bot.name).exists():
        raise ConfigInvalid([Problem("name", f"name: a bot {bot.name} exists already; choose another.", bot.name)])
    try:
        bot.full_clean(exclude=["tag", "periodic_task"])
    except ValidationError as error:
        raise ConfigInvalid(
            [
                Problem(field, f"{field}: {' '.join(messages)}", value=str(getattr(bot, field, "")))
                for field, messages in error.message_dict.items()
            ]
        ) from error
    _check_mode(bot)


def _check_symbol(bot: Bot) -> None:
    problem = symbol_problem(account=bot.account, symbol=bot.symbol)
    if problem is not None:
        raise ConfigInvalid([problem])


def _check_move(bot: Bot, changes: Mapping[str, Any]) -> None:
    """A bot takes nothing along to another account, symbol or mode: what it left behind nobody would look after.

    Less than one step of the market cannot be sold and may stay in the old account's ledger.
    """
    moved = sorted(name for name in _PLACE & changes.keys() if changes[name] != getattr(bot, name))
    if not moved:
        return
    position = Position.objects.filter(bot=bot, account=bot.account, symbol=bot.symbol).first()
    orders = Order.objects.filter(bot=bot)
    step = orders.filter(account=bot.account, symbol=bot.symbol).order_by("-id").values_list("amount_step", flat=True)
    if position is not None and abs(position.amount) >= (step.first() or Decimal(0)) and position.amount:
        raise NotEditable(
            f"Bot {bot.name} holds {position} on account {bot.account.name}: its {' and '.join(moved)} cannot be "
            "changed before that is closed. Start it and stop it with its position closed, or trade from another bot."
        )
    left = orders.live().count() + orders.unsettled().count()
    if left:
        raise NotEditable(
            f"Bot {bot.name} has {left} order{'s' if left > 1 else ''} on account {bot.account.name} that "
            f"{'are' if left > 1 else 'is'} not over: its {' and '.join(moved)} cannot be changed before that. "
            "Start it and stop it again to withdraw them."
        )


def _check_mode(bot: Bot) -> None:
    allowed = ENVIRONMENTS_OF_MODE[BotMode(bot.mode)]
    if bot.account.environment not in allowed:
        wanted = " or ".join(sorted(allowed))
        raise ModeRefused(
            f"mode {bot.mode} needs an account of environment {wanted}; {bot.account.name} is of environment "
            f"{bot.account.environment}. Choose another account, or another mode."
        )
    refuse_live(bot)
