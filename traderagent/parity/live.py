"""The live side: a bot whose every tick goes through the whole stack, once at each point of a stepped exchange.

Strategy, tick, PostgreSQL, Redis, ccxt over HTTP and the simulator's matching are those of any bot. The clock that the
tick is given is the market's: what counts seconds (the gate's orders per minute, waits after a refusal, the watchdog's
patience) counts the seconds that the back-test's candles took.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from backtests.preset import Preset
from bots import services
from bots.errors import ConfigInvalid
from bots.lifecycle import BotStatus
from bots.models import Bot, Fill, Order, Position, Signal, Snapshot
from bots.reports import moment
from bots.sync import sync_account
from bots.tick import TickOutcome, tick_bot
from exchange.errors import ExchangeError
from exchange.gateways import gateway_for
from exchange.models import Environment, ExchangeAccount
from strategies.contract import MarketKind, MarketSpec, OrderType, Side
from traderagent.parity.errors import ParityError
from traderagent.parity.exchange import SteppedExchange
from traderagent.parity.records import Key, Opinion, Run, Traded, Wanted

# One tick of a bot at a market's time (ms UTC); answers with its outcome.
Tick = Callable[[int, int], str]
PERSON = "parity"


def tick_here(bot_id: int, now_ms: int) -> str:
    """In this process, as a worker does it; but nothing is taken from a cache: books and price are asked for."""
    now = moment(now_ms)
    return tick_bot(bot_id, clock=lambda: now, sync_max_age=timedelta(0), price_max_age=timedelta(0)).value


def live_run(
    preset: Preset,
    market: MarketSpec,
    exchange: SteppedExchange,
    points: int,
    *,
    tick: Tick = tick_here,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """A new bot from the point where the exchange stands, over ``points`` points. Leaves its rows in the database.

    Raises :class:`ParityError` when the bot cannot start, a tick fails, or the bot ends in an emergency.
    """
    bot = started_bot(preset, market, exchange)
    drive(bot, exchange, points, tick=tick, progress=progress)
    if bot.status == BotStatus.EMERGENCY:
        raise ParityError(f"The bot ended in an emergency: {bot.status_reason}")
    return run_of(bot)


def started_bot(preset: Preset, market: MarketSpec, exchange: SteppedExchange) -> Bot:
    """Raises :class:`ParityError` when there is no such bot, or its market is not ``market``."""
    bot = _bot(preset, exchange)
    gateway = gateway_for(bot.account.gateway_config())
    _check_market(market, gateway.market(bot.symbol))
    if preset.market is MarketKind.LINEAR:
        gateway.set_leverage(bot.symbol, preset.account_leverage())
    try:
        bot = services.start_bot(bot=bot, requested_by=PERSON)
    except (ConfigInvalid, ExchangeError) as error:
        raise ParityError(f"The bot cannot start: {error}") from error
    # Its ticks are told the market's time, and so is its start.
    bot.started_at = moment(exchange.time())
    bot.save(update_fields=["started_at"])
    return bot


def drive(
    bot: Bot,
    exchange: SteppedExchange,
    points: int,
    *,
    tick: Tick = tick_here,
    progress: Callable[[int], None] | None = None,
) -> None:
    """One tick at each point, the present one first, until the bot has stopped by itself.

    Raises :class:`ParityError` for a tick that fails.
    """
    now = exchange.time()
    for number in range(points):
        if number:
            now = exchange.step()
        outcome = tick(bot.pk, now)
        if outcome != TickOutcome.DONE:
            bot.refresh_from_db()
            if bot.status == BotStatus.STOPPED:
                break
            raise ParityError(
                f"The tick at {moment(now):%Y-%m-%d %H:%M:%S} was {outcome}: {bot.last_error or bot.status_reason}"
            )
        if progress is not None:
            progress(number + 1)
    # What traded in the last tick itself would be seen by the next one.
    gateway = gateway_for(bot.account.gateway_config())
    sync_account(bot.account, gateway=gateway, now=moment(now), max_age=timedelta(0))
    bot.refresh_from_db()


def _bot(preset: Preset, exchange: SteppedExchange) -> Bot:
    person, _ = User.objects.get_or_create(username=PERSON)
    name = f"parity-{secrets.token_hex(4)}"
    account = ExchangeAccount.objects.create(
        name=name,
        owner=person,
        environment=Environment.SIMULATOR,
        base_url=exchange.url,
        api_key=exchange.key,
        api_secret=exchange.secret,
        options={"enableRateLimit": False},
    )
    try:
        return services.create_bot(
            owner=person,
            name=name,
            account=account,
            symbol=preset.symbol,
            strategy=preset.strategy,
            config=preset.config,
            requested_by=PERSON,
        )
    except ConfigInvalid as error:
        raise ParityError(f"The preset makes no bot: {error}") from error


def _check_market(stated: MarketSpec, found: MarketSpec) -> None:
    """That the simulated exchange is the market of the preset. Limits that the preset leaves out are not compared."""
    same = {
        "precision.price": (stated.tick, found.tick),
        "precision.amount": (stated.step, found.step),
        "fees.maker": (stated.maker_fee, found.maker_fee),
        "fees.taker": (stated.taker_fee, found.taker_fee),
        "limits.amount.min": (max(stated.min_amount, stated.step), found.min_amount),
        "limits.notional.min": (stated.min_notional or Decimal(0), found.min_notional or Decimal(0)),
    }
    if stated.max_amount is not None:
        same["limits.amount.max"] = (stated.max_amount, found.max_amount or Decimal(0))
    wrong = [f"{name} is {ours}, the exchange's {theirs}" for name, (ours, theirs) in same.items() if ours != theirs]
    if wrong:
        raise ParityError(
            f"The simulated exchange is not the preset's market: {'; '.join(wrong)}. A price's increment is at least as "
            "fine as the candles' prices."
        )


def run_of(bot: Bot) -> Run:
    """What a bot did in its present run, from the database."""
    fills = Fill.objects.filter(bot=bot, order__run=bot.run).select_related("order").order_by("id")
    wanted: dict[Key, Wanted] = {}
    for order in Order.objects.filter(bot=bot, run=bot.run).order_by("id"):
        wanted[order.slot, order.sequence] = _wanted(order, wanted.get((order.slot, order.sequence)))
    snapshot = Snapshot.objects.filter(bot=bot, run=bot.run).order_by("-id").first()
    position = Position.objects.filter(bot=bot, account=bot.account, symbol=bot.symbol).first()
    signals = Signal.objects.filter(bot=bot, created_at__gte=bot.started_at or bot.created_at).order_by("id")
    return Run(
        fills=[_traded(fill) for fill in fills],
        wanted=wanted,
        opinions=[
            Opinion(
                ms_of(signal.timestamp),
                signal.direction,
                float(signal.entry),
                None if signal.stop_loss is None else float(signal.stop_loss),
                None if signal.take_profit is None else float(signal.take_profit),
            )
            for signal in signals
        ],
        amount=Decimal(0) if position is None else position.amount,
        state={} if snapshot is None else snapshot.state,
    )


def _traded(fill: Fill) -> Traded:
    order = fill.order
    return Traded(
        timestamp=ms_of(fill.executed_at),
        slot=order.slot,
        sequence=order.sequence,
        side=Side(fill.side),
        price=fill.price,
        amount=fill.amount,
        fee=fill.fee,
        fee_coin=fill.fee_currency,
        fee_quote=fill.fee_quote,
        is_maker=fill.is_maker,
    )


def _wanted(order: Order, before: Wanted | None) -> Wanted:
    """Of several attempts the first one says since when and what kind; the last one what it was in the end."""
    filled = sum((each.filled for each in _earlier(order)), Decimal(0)) if before is not None else Decimal(0)
    return Wanted(
        since=ms_of(order.exchange_time or order.created_at) if before is None else before.since,
        slot=order.slot,
        sequence=order.sequence,
        side=Side(order.side),
        type=OrderType(order.type) if before is None else before.type,
        amount=order.amount + filled,
        price=order.price if before is None or order.price is not None else before.price,
        trigger_price=order.trigger_price
        if before is None or order.trigger_price is not None
        else before.trigger_price,
        refused=order.reject_reason,
    )


def _earlier(order: Order) -> Any:
    return Order.objects.filter(
        bot_id=order.bot_id, run=order.run, slot=order.slot, sequence=order.sequence, attempt__lt=order.attempt
    )


def ms_of(at: datetime) -> int:
    return round(at.timestamp() * 1000)
