"""One tick of one bot: read the truth, decide, commit, act, record.

Nothing is remembered outside the database and nothing is done "once": a worker that dies at any point leaves a state
from which the next tick goes on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from bots import hints
from bots.decision import StrategyFailed, config_of, run_strategy
from bots.errors import ModeRefused
from bots.events import record
from bots.external_signals import as_features, newest_signal
from bots.features import newest_features
from bots.history import resolve_config
from bots.intents import standing_orders
from bots.ledger import position_of
from bots.lifecycle import BotStatus, OrderStatus
from bots.live_guard import refuse_live
from bots.locks import LockKind, try_lock
from bots.models import Bot, EventKind, Order, Severity
from bots.own_fees import market_of
from bots.plan import Plan
from bots.reports import UNANSWERED, kind_of
from bots.resolution import OVERLAP_MS
from bots.scene import Scene
from bots.schedule import disable_ticks
from bots.sending import Clock, resolve_unanswered, send_amends, send_cancels, send_intents
from bots.sync import audit_open_orders, sync_account
from bots.watchdog import alarm_if_blind, watch_unattended
from bots.winding_down import wind_down
from exchange.errors import AuthenticationFailed, ExchangeError, NeedsOperator, StalePrice
from exchange.fresh_price import PriceLimits, fresh_ticker
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from exchange.port import ExchangeGateway, Ticker
from strategies.contract import MarketKind, MarketSpec, StrategyConfig
from strategies.registry import get_strategy

log = structlog.get_logger(__name__)

# A bot whose strategy, or whose tick itself, fails this often in a row is taken off the market.
FAILURES_ALLOWED = 3
# An exchange that fails this often in a row is worth an alarm; the bot keeps trying.
EXCHANGE_ERRORS_BEFORE_ALARM = 10


class TickOutcome(StrEnum):
    DONE = "done"
    IDLE = "idle"
    BUSY = "busy"  # another worker holds the bot
    WAITING = "waiting"  # the account's books are being read and are not fresh enough yet
    FAILED = "failed"


def tick_bot(
    bot_id: int,
    *,
    clock: Clock,
    sync_max_age: timedelta | None = None,
    price_max_age: timedelta | None = None,
) -> TickOutcome:
    """``sync_max_age`` and ``price_max_age`` of zero ask the exchange itself, as a stepped replay must."""
    with try_lock(LockKind.BOT_TICK, bot_id) as held:
        if not held:
            return TickOutcome.BUSY
        bot = Bot.objects.select_related("account").filter(pk=bot_id).first()
        if bot is None or not bot.is_ticking:
            return TickOutcome.IDLE
        with structlog.contextvars.bound_contextvars(bot=bot.name):
            return _tick_and_note_errors(bot, clock, sync_max_age, price_max_age)


def _tick_and_note_errors(
    bot: Bot, clock: Clock, sync_max_age: timedelta | None, price_max_age: timedelta | None
) -> TickOutcome:
    try:
        outcome = _tick(bot, clock, sync_max_age, price_max_age)
    except (AuthenticationFailed, NeedsOperator) as error:
        _emergency(bot, error.detail, now=clock())
        return TickOutcome.FAILED
    except ModeRefused as refusal:
        _note_mode_refused(bot, refusal.detail, now=clock())
        return TickOutcome.FAILED
    except ExchangeError as error:
        if isinstance(error, StalePrice) and not bot.errors_in_a_row:
            _note_stale_price(bot, error, now=clock())
        _note_exchange_error(bot, error.detail, now=clock())
        return TickOutcome.FAILED
    except StrategyFailed as error:
        _note_failure(bot, "The strategy", EventKind.STRATEGY_ERROR, error.__cause__ or error, now=clock())
        return TickOutcome.FAILED
    except DatabaseError:
        # Nothing can be noted either; the next tick goes on from what was committed.
        raise
    except Exception as error:  # noqa: BLE001
        # A fault of our own. It must neither go unnoticed nor go on with somebody's money.
        _note_failure(bot, "The tick", EventKind.HEALTH_CRITICAL, error, now=clock())
        return TickOutcome.FAILED
    if bot.errors_in_a_row and outcome is TickOutcome.DONE:
        Bot.objects.filter(pk=bot.pk).update(errors_in_a_row=0, last_error="")
    return outcome


def _tick(bot: Bot, clock: Clock, sync_max_age: timedelta | None, price_max_age: timedelta | None) -> TickOutcome:
    refuse_live(bot)
    account = bot.account
    gateway = gateway_for(account.gateway_config())
    now = clock()
    market = gateway.markets().get(bot.symbol)
    if market is None:
        raise NeedsOperator(f"{account.exchange_id} has no market {bot.symbol} (any more).")
    market = market_of(bot, market, gateway)
    ticker = _ticker(bot, gateway, now, price_max_age)
    if sync_max_age is None:
        sync_max_age = timedelta(seconds=bot.tick_interval) * 0.8
    # A bot that only gives signals has no books, and perhaps no keys to read them with.
    if bot.sends_orders and not _read_books(bot, gateway, ticker, now, sync_max_age):
        return TickOutcome.WAITING
    live = standing_orders(Order.objects.standing_of(bot))
    if any(order.status in UNANSWERED for order in live):
        trouble = resolve_unanswered(bot, gateway=gateway, clock=clock)
        if trouble:
            _emergency(bot, trouble, now=now)
        live = standing_orders(Order.objects.standing_of(bot))
    if bot.sends_orders and (bot.audit_due or any(order.protective or order.missing for order in live)):
        audit_open_orders([bot], gateway=gateway, now=now)
        live = standing_orders(Order.objects.standing_of(bot))
    first_config = _prepare_start(bot, market, ticker, gateway) if bot.status == BotStatus.STARTING else None
    steps = bot.status in (BotStatus.STARTING, BotStatus.RUNNING)
    features = newest_features(bot, gateway=gateway, ticker=ticker) if steps else None
    if features is not None and (signal := newest_signal(bot, now=now)) is not None:
        features = replace(features, others=as_features(signal))
    plan, changed = _decide(bot, Scene(bot, market, ticker, now, live, gateway.traits, first_config, features))
    if plan.cancel or any(order.cancel_requested for order in live):
        send_cancels(bot, gateway=gateway, clock=clock)
    if plan.amend or any(order.amend is not None for order in live):
        send_amends(bot, gateway=gateway, clock=clock)
    if plan.place or any(order.status is OrderStatus.INTENT for order in live):
        send_intents(bot, gateway=gateway, clock=clock)
    if changed:
        hints.publish("status", bot=bot.name, data={"status": bot.status})
    return TickOutcome.DONE


def _read_books(bot: Bot, gateway: ExchangeGateway, ticker: Ticker, now: datetime, max_age: timedelta) -> bool:
    """Whether the account's books are fresh enough to decide on."""
    if bot.status == BotStatus.STARTING and not _open_books(bot.account, bot, gateway, ticker):
        return False
    return sync_account(bot.account, gateway=gateway, now=now, max_age=max_age)


def _prepare_start(bot: Bot, market: MarketSpec, ticker: Ticker, gateway: ExchangeGateway) -> StrategyConfig:
    try:
        config = config_of(bot)
        resolved = resolve_config(
            get_strategy(bot.strategy), config, account=bot.account, gateway=gateway, ticker=ticker
        )
    except ValueError as error:
        raise StrategyFailed(str(error)) from error
    leverage = getattr(config, "leverage", None)
    if bot.sends_orders and market.kind is MarketKind.LINEAR and leverage:
        gateway.set_leverage(bot.symbol, Decimal(leverage))
    return resolved


def _decide(bot: Bot, scene: Scene) -> tuple[Plan, bool]:
    """The transaction of the tick: what is to be done, and whether the bot's status changed."""
    plan = Plan((), (), ())
    with transaction.atomic():
        # A command may have come in since the row was read.
        bot.status, bot.status_reason, bot.close_position_on_stop = (
            Bot.objects.select_for_update(no_key=True)
            .values_list("status", "status_reason", "close_position_on_stop")
            .get(pk=bot.pk)
        )
        before = bot.status
        bot.audit_due = False
        if bot.status in (BotStatus.STARTING, BotStatus.RUNNING):
            # A bot that was resumed since its row was read is stepped by its next tick, which has read the candles.
            if scene.features is not None:
                plan = run_strategy(scene)
        elif bot.status in (BotStatus.STOPPING, BotStatus.EMERGENCY):
            plan = wind_down(scene)
        if bot.status in (BotStatus.PAUSED, BotStatus.EMERGENCY):
            watch_unattended(scene, position_of(bot))
        bot.last_tick_at = scene.now
        bot.save(
            update_fields=[
                "status", "status_reason", "close_position_on_stop", "stopped_at", "last_tick_at", "audit_due",
                "equity_noted_at", "watchdog", "fee_rates",
            ]
        )  # fmt: skip
        if bot.status == BotStatus.STOPPED:
            disable_ticks(bot)
    return plan, bot.status != before


def _ticker(bot: Bot, gateway: ExchangeGateway, now: datetime, max_age: timedelta | None) -> Ticker:
    """Nothing is decided on a stale price: raises ``StalePrice``."""
    if max_age is None:
        max_age = timedelta(seconds=settings.PRICE_MAX_AGE_SECONDS)
    limits = PriceLimits(age=int(max_age.total_seconds() * 1000), lag=settings.PRICE_MAX_LAG_SECONDS * 1000)
    now_ms = int(now.timestamp() * 1000)
    return fresh_ticker(bot.account.venue, bot.symbol, gateway=gateway, now_ms=now_ms, limits=limits)


def _open_books(account: ExchangeAccount, bot: Bot, gateway: ExchangeGateway, ticker: Ticker) -> bool:
    """Before the account's first order: note its balances and from when on its executions matter.

    Returns False when another bot of the account is at it just now.
    """
    kind = kind_of(bot.symbol)
    if account.baseline and kind in account.fills_cursor:
        return True
    with try_lock(LockKind.ACCOUNT_SYNC, account.pk) as held:
        if not held:
            return False
        account.refresh_from_db(fields=["baseline", "fills_cursor"])
        if not account.baseline:
            account.baseline = {
                "coins": {coin: str(balance.total) for coin, balance in gateway.balances().items() if balance.total},
                "positions": {
                    position.symbol: [str(position.amount), str(position.average_price)]
                    for position in gateway.positions()
                },
            }
        account.fills_cursor.setdefault(kind, ticker.timestamp - OVERLAP_MS)
        account.save(update_fields=["baseline", "fills_cursor"])
    return True


def _note_stale_price(bot: Bot, error: StalePrice, *, now: datetime) -> None:
    record(
        EventKind.HEALTH_CRITICAL,
        f"Nothing is traded: {error.detail}",
        now=now,
        bot=bot,
        severity=Severity.WARNING,
        data={"age_ms": error.age_ms},
    )


def _note_mode_refused(bot: Bot, detail: str, *, now: datetime) -> None:
    """Nothing is touched, not even to withdraw orders: whoever restarted the stack like this has to look first."""
    if not bot.errors_in_a_row:
        record(
            EventKind.HEALTH_CRITICAL,
            f"Not ticking, its orders stand as they are: {detail}",
            now=now,
            bot=bot,
            severity=Severity.CRITICAL,
        )
    Bot.objects.filter(pk=bot.pk).update(errors_in_a_row=bot.errors_in_a_row + 1, last_error=detail)
    log.error("live is refused", error=detail)


def _note_exchange_error(bot: Bot, detail: str, *, now: datetime) -> None:
    errors = bot.errors_in_a_row + 1
    Bot.objects.filter(pk=bot.pk).update(errors_in_a_row=errors, last_error=detail)
    log.warning("tick failed", error=detail, errors_in_a_row=errors)
    if errors == EXCHANGE_ERRORS_BEFORE_ALARM:
        record(
            EventKind.HEALTH_CRITICAL,
            f"{errors} ticks in a row failed: {detail}",
            now=now,
            bot=bot,
            severity=Severity.CRITICAL,
        )
    alarm_if_blind(bot, detail, now=now)
    hints.publish("status", bot=bot.name, data={"error": detail})


def _note_failure(bot: Bot, who: str, kind: EventKind, error: BaseException, *, now: datetime) -> None:
    detail = f"{type(error).__name__}: {error}"
    failures = bot.errors_in_a_row + 1
    Bot.objects.filter(pk=bot.pk).update(errors_in_a_row=failures, last_error=detail)
    log.error("tick failed", who=who, errors_in_a_row=failures, exc_info=error)
    record(kind, f"{who} failed: {detail}", now=now, bot=bot, severity=Severity.CRITICAL)
    if failures >= FAILURES_ALLOWED:
        _emergency(bot, f"{who} failed {failures} times in a row: {detail}", now=now)


def _emergency(bot: Bot, reason: str, *, now: datetime) -> None:
    """Takes the bot off the market. Its orders are withdrawn by the ticks that follow."""
    with transaction.atomic():
        row = Bot.objects.select_for_update(no_key=True).get(pk=bot.pk)
        row.last_error = reason
        if row.may_become(BotStatus.EMERGENCY):
            row.change_status(BotStatus.EMERGENCY, reason)
            record(EventKind.BOT_EMERGENCY, f"Emergency: {reason}", now=now, bot=row, severity=Severity.CRITICAL)
            hints.publish("status", bot=row.name, data={"status": row.status})
        row.save(update_fields=["status", "status_reason", "last_error"])
