"""Where a worker stops: at one phase of one operation, in the code that runs in production."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from django.db import transaction

from bots.models import Order
from exchange.bybit_gateway import BybitGateway
from exchange.paper.gateway import PaperGateway
from tests.reliability.crash.cells import Book, Operation, Phase

_METHODS = {
    Operation.PLACE: "place",
    Operation.STOP_ORDER: "place",
    Operation.CANCEL: "cancel",
    Operation.AMEND: "amend",
}


class Ambush:
    """Lets a worker run into one phase of one operation, and holds it there until it is told to go on."""

    def __init__(self, *, bot: int, operation: str, phase: str, book: str, nth: int, meet_at: str) -> None:
        self._bot_id = bot
        self._operation = Operation(operation)
        self._phase = Phase(phase)
        self._nth = nth
        self._meet_at = meet_at
        self._lock = threading.Lock()
        self._done = False
        self._seen = 0
        self._here = threading.local()
        self._gateway: type = PaperGateway if book == Book.PAPER else BybitGateway

    def lay(self) -> None:
        if self._phase in (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT, Phase.RECORDED) or self._gateway is PaperGateway:
            self._watch_transactions()
        name = _METHODS[self._operation]
        original = getattr(self._gateway, name)
        setattr(self._gateway, name, self._wrapped(original))

    def _wrapped(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(gateway: Any, *arguments: Any, **named: Any) -> Any:
            # The nth of its kind, counted where all of them come by.
            mine = self._is_meant(arguments) and self._counts()
            paper = self._gateway is PaperGateway
            if mine and paper and self._phase is Phase.SENT:
                self._spring()
            self._here.inside = mine and paper and self._phase is Phase.ACCEPTED
            answer = original(gateway, *arguments, **named)
            self._here.inside = False
            if mine and self._phase is Phase.ANSWERED:
                self._spring()
            self._here.answered = mine
            return answer

        return call

    def _is_meant(self, arguments: tuple[Any, ...]) -> bool:
        if self._operation not in (Operation.PLACE, Operation.STOP_ORDER):
            return True
        return (arguments[0].trigger_price is not None) == (self._operation is Operation.STOP_ORDER)

    def _counts(self) -> bool:
        with self._lock:
            self._seen += 1
            return self._seen == self._nth

    def _watch_transactions(self) -> None:
        leave = transaction.Atomic.__exit__

        def exit_(atomic: transaction.Atomic, kind: Any, value: Any, traceback: Any) -> None:
            connection = transaction.get_connection(atomic.using)
            outermost = kind is None and len(connection.savepoint_ids) == 0 and connection.in_atomic_block
            held = outermost and self._phase in (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT) and self._is_written()
            if held and self._phase is Phase.BEFORE_COMMIT:
                self._spring()
            leave(atomic, kind, value, traceback)
            if held and self._phase is Phase.AFTER_COMMIT:
                self._spring()
            if outermost and getattr(self._here, "inside", False):
                self._here.inside = False
                self._spring()
            elif outermost and getattr(self._here, "answered", False) and self._phase is Phase.RECORDED:
                self._here.answered = False
                self._spring()

        transaction.Atomic.__exit__ = exit_  # type: ignore[method-assign]

    def _is_written(self) -> bool:
        """Whether this transaction has just written what is to be sent."""
        orders = Order.objects.filter(bot_id=self._bot_id)
        match self._operation:
            case Operation.PLACE:
                return orders.filter(status="intent", trigger_price=None, price__isnull=False).exists()
            case Operation.STOP_ORDER:
                return orders.filter(status="intent", trigger_price__isnull=False).exists()
            case Operation.CANCEL:
                return orders.on_the_book().filter(cancel_requested_at__isnull=False).exists()
            case Operation.AMEND:
                return orders.on_the_book().filter(amend_requested_at__isnull=False).exists()

    def _spring(self) -> None:
        with self._lock:
            if self._done:
                return
            self._done = True
        with socket.socket(socket.AF_UNIX) as meeting:
            meeting.connect(self._meet_at)
            meeting.sendall(self._phase.encode() + b"\n")
            meeting.recv(1)  # or death
