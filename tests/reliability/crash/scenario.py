"""One cell: a grid bot's life with all four operations in it, one of which is struck."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import OperationalError, connections
from django.utils import timezone

from accounts.models import User
from bots.lifecycle import LIVE_ORDER_STATUSES, BotStatus, OrderStatus
from bots.models import Bot, BotMode, Order
from bots.services import create_bot, start_bot, stop_bot
from exchange.accounts import create_account
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from exchange.port import OrderReport
from tests.reliability.crash.cells import Book, Cell, Fault, Operation, Outcome, Phase
from tests.reliability.crash.proxy import Trap
from tests.reliability.crash.stack import Lane, Ticker

SYMBOL = "ETH/USDT:USDT"
# Lines at 1900, 1950, 2000, 2050 and 2100: two sells above the start, two buys below, one stop for what is held.
CONFIG = {"direction": "long", "lower": "1900", "upper": "2100", "grids": 4, "investment": "2000",
          "stop_loss_price": "1800"}  # fmt: skip
INTERVALS = 4
PATIENCE = 60.0
# The first limit order is as good as any; the second has one before it and some after it.
NTH = {Operation.PLACE: 2, Operation.CANCEL: 2, Operation.AMEND: 1, Operation.STOP_ORDER: 1}


class CellFailed(Exception):
    """What was found, in one sentence."""


class Run:
    """One cell on one lane."""

    def __init__(self, lane: Lane, cell: Cell, number: int) -> None:
        self._lane = lane
        self._cell = cell
        self._name = f"cell-{number}"
        self._struck_at = 0.0
        self._strike_done = threading.Event()

    def play(self) -> Outcome:
        began = time.monotonic()
        complaints: list[str] = []
        safe_after = 0.0
        try:
            safe_after = self._live()
        except CellFailed as error:
            complaints.append(str(error))
        finally:
            self._lane.proxy.set_trap(None)
            self._lane.proxy.mend()
            self._lane.kill_worker()
        return Outcome(self._cell, tuple(complaints), safe_after, time.monotonic() - began)

    def _live(self) -> float:
        account = self._account()
        bot = create_bot(
            owner=_owner(), name=self._name, account=account, symbol=SYMBOL, strategy="grid", config=CONFIG,
            mode=BotMode.PAPER if self._cell.book is Book.PAPER else BotMode.DEMO, requested_by="the matrix",
        )  # fmt: skip
        self._lay_ambush(bot)
        safe_after = 0.0
        with Ticker(self._lane, bot.pk):
            start_bot(bot=bot, requested_by="the matrix")
            safe_after += self._settle(bot, "after the start", filled=1)
            self._step()
            safe_after += self._settle(bot, "after the fall", filled=2)
            self._step()
            safe_after += self._settle(bot, "after the rise", filled=3)
            self._step()
            stop_bot(bot=Bot.objects.get(pk=bot.pk), requested_by="the matrix", close_position=True)
            safe_after += self._wait_for(lambda: _status(bot) == BotStatus.STOPPED, "stopped")
        if not self._strike_done.is_set():
            raise CellFailed(f"the phase was never reached; last error: {Bot.objects.get(pk=bot.pk).last_error or '-'}")
        self._audit(bot, account)
        return safe_after

    # --- The scene -----------------------------------------------------------------------------------------------

    def _account(self) -> ExchangeAccount:
        where: dict[str, Any] = {"base_url": self._lane.proxy.url, "exchange_id": "bybit"}
        if self._cell.book is Book.PAPER:
            return create_account(owner=_owner(), name=self._name, environment="paper", **where)
        self._lane.simulator.add_account(self._name, "secret", {"USDT": "100000"})
        return create_account(
            owner=_owner(), name=self._name, environment="simulator", api_key=self._name, api_secret="secret", **where
        )

    def _lay_ambush(self, bot: Bot) -> None:
        cell, nth = self._cell, NTH[self._cell.operation]
        on_the_wire = cell.book is Book.GRID and cell.phase in (Phase.SENT, Phase.ACCEPTED)
        if on_the_wire:
            self._lane.proxy.set_trap(Trap(cell.operation, cell.phase, nth, self._strike))
            self._lane.start_worker()
            return
        self._lane.meeting.on_arrival = self._strike
        self._lane.start_worker(
            {
                "bot": bot.pk,
                "operation": cell.operation,
                "phase": cell.phase,
                "book": cell.book,
                "nth": nth,
                "meet_at": str(self._lane.meeting.path),
            }
        )

    def _step(self) -> None:
        self._lane.simulator.step(4)

    # --- The fault -----------------------------------------------------------------------------------------------

    def _strike(self) -> bool:
        """Does it, and tells whether what was on the wire may still arrive."""
        lane = self._lane
        self._struck_at = time.monotonic()
        arrives = False
        match self._cell.fault:
            case Fault.KILL_WORKER:
                lane.kill_worker()
                lane.start_worker()
            case Fault.CONNECTION:
                lane.cut_connection()
            case Fault.DATABASE:
                lane.restart_database()
                arrives = True
            case Fault.REDIS:
                lane.restart_redis()
                arrives = True
            case Fault.SIMULATOR:
                lane.restart_simulator()
        self._strike_done.set()
        return arrives

    # --- Waiting -------------------------------------------------------------------------------------------------

    def _settle(self, bot: Bot, when: str, *, filled: int) -> float:
        """Until so many orders have filled, nothing is on its way, and each interval and the stop stand exactly once."""

        def settled() -> bool:
            if Order.objects.filter(bot=bot, status=OrderStatus.FILLED).count() != filled:
                return False
            live = list(Order.objects.filter(bot=bot).live())
            quiet = all(
                order.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
                and order.cancel_requested_at is None
                and order.amend_requested_at is None
                for order in live
            )
            stops = [order for order in live if order.trigger_price is not None]
            held = sum((position.amount for position in bot.positions.all()), Decimal(0))
            covered = len(stops) == 1 and stops[0].amount == held
            return _status(bot) == BotStatus.RUNNING and quiet and covered and len(live) == INTERVALS + 1

        return self._wait_for(settled, when, bot)

    def _wait_for(self, condition: Callable[[], bool], what: str, bot: Bot | None = None) -> float:
        """Seconds from the strike until the condition held, when the strike fell into this wait; else 0."""
        struck_before = self._struck_at
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if condition():
                    break
            except OperationalError:
                connections.close_all()  # the database is what was restarted
            if time.monotonic() > end:
                raise CellFailed(f"not within {PATIENCE:g} s: {what}{_described(bot)}")
            time.sleep(0.03)
        return time.monotonic() - self._struck_at if self._struck_at != struck_before else 0.0

    # --- The verdict ---------------------------------------------------------------------------------------------

    def _audit(self, bot: Bot, account: ExchangeAccount) -> None:
        code, output = self._lane.manage("reconcile", "--account", account.name)
        if code != 0:
            raise CellFailed(f"reconcile: {output.strip()[-600:]}")
        ours = {order.client_order_id: order for order in Order.objects.filter(bot=bot)}
        theirs = gateway_for(account.gateway_config()).orders_since(SYMBOL, 0)
        _no_orphans(theirs, ours)
        _no_doubles(theirs, ours)


def _no_orphans(theirs: list[OrderReport], ours: dict[str, Order]) -> None:
    strangers = [report.client_order_id for report in theirs if report.client_order_id not in ours]
    standing = [report.client_order_id for report in theirs if report.status in ("open", "partially_filled")]
    unanswered = [order.client_order_id for order in ours.values() if order.status in LIVE_ORDER_STATUSES]
    if strangers or standing or unanswered:
        raise CellFailed(f"orphans: strangers {strangers}, still standing {standing}, still live in books {unanswered}")


def _no_doubles(theirs: list[OrderReport], ours: dict[str, Order]) -> None:
    """Each id was accepted once, and no wish got more than it asked for."""
    twice = [
        client_id for client_id, count in Counter(report.client_order_id for report in theirs).items() if count > 1
    ]
    filled: Counter[tuple[int, str, int]] = Counter()
    wanted: dict[tuple[int, str, int], Decimal] = {}
    for report in theirs:
        order = ours[report.client_order_id]
        wish = (order.run, order.slot, order.sequence)
        filled[wish] += report.filled or Decimal(0)  # type: ignore[assignment]
        wanted[wish] = max(wanted.get(wish, Decimal(0)), order.amount)
    over = [wish for wish, amount in filled.items() if amount > wanted[wish]]
    if twice or over:
        raise CellFailed(f"doubles: accepted twice {twice}, filled beyond the wish {over}")


def _owner() -> User:
    owner, _ = User.objects.get_or_create(username="matrix")
    return owner


def _status(bot: Bot) -> str:
    return Bot.objects.values_list("status", flat=True).get(pk=bot.pk)


def _described(bot: Bot | None) -> str:
    if bot is None:
        return ""
    fresh = Bot.objects.get(pk=bot.pk)
    orders = [
        f"{order.slot} {order.side} {order.amount.normalize():f} {order.status}"
        for order in Order.objects.filter(bot=bot).order_by("id")
    ]
    return f" (bot {fresh.status}, last error {fresh.last_error or '-'}; at {timezone.now():%H:%M:%S}: {'; '.join(orders)})"
