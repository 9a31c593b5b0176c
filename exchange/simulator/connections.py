"""One client of a socket, and the faults of what it is told.

A reader that does not keep up is disconnected, as a real exchange does, rather than slowing the market down.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from exchange.simulator.accounts import Account
from exchange.simulator.faults.parameters import Pings
from exchange.simulator.faults.plan import FaultPlan

BACKLOG = 10_000


class Connection:
    """``category`` is empty on the private socket."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, number: int, category: str, faults: FaultPlan
    ) -> None:
        self.socket = socket
        self.id = f"sim-{number}"
        self.category = category
        self.address = f"ws/public/{category}" if category else "ws/private"
        self.topics: set[str] = set()
        self.account: Account | None = None
        self._transport = request.transport
        self._faults = faults
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(BACKLOG)
        # A data message that a fault holds back until the next one has gone.
        self._held: bytes | None = None

    def send(self, message: bytes) -> None:
        """An answer to a request: no fault but silence meets it."""
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self.cut()

    def tell(self, topic: str, message: bytes) -> None:
        """Data of a topic, once, twice, late or never."""
        subject = f"{self.address}/{topic}"
        if self._faults.happens("silent", subject):
            return
        if self._held is None and self._faults.happens("reorder", subject):
            self._held = message
            return
        self.send(message)
        if self._faults.happens("duplicate", subject):
            self.send(message)
        if self._held is not None:
            self.send(self._held)
            self._held = None

    def answers_pings(self) -> bool:
        silence = self._faults.active("silent", self.address)
        return silence is None or silence.parameters(Pings).answered

    def cut(self) -> None:
        """Ends the connection as a broken line does: without a closing message."""
        if self._transport is not None:
            self._transport.abort()

    async def write(self) -> None:
        while True:
            message = await self._outbox.get()
            await self.socket.send_str(message.decode())
