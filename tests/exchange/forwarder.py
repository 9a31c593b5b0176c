"""A wire between the platform and the simulator that can be cut, or go silent without being cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Forwarder:
    """Passes connections on to the simulator.

    ``mute`` swallows what sockets say, those to come too; ``deaf`` swallows what requests are answered.
    """

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.removeprefix("http://").partition(":")
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._sockets: dict[asyncio.StreamWriter, bytes] = {}  # → the line they were asked for with
        self._said: dict[asyncio.StreamWriter, bytes] = {}  # → what the exchange said last
        self._dead: set[asyncio.StreamWriter] = set()
        self.mute = False
        self.deaf = False
        self.sockets_opened = 0

    async def __aenter__(self) -> Forwarder:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def hang_up(self) -> None:
        for writer in self._sockets:
            writer.close()
        self._sockets.clear()

    def let_die_silently(self, path: bytes = b"") -> None:
        """The sockets that are open now (those whose address holds ``path``) never say a word again."""
        self._dead |= {writer for writer, asked in self._sockets.items() if path in asked}

    async def repeat(self) -> None:
        """Every socket says again what it said last."""
        for writer, chunk in self._said.items():
            writer.write(chunk)
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, below = await asyncio.open_connection(self._host, int(self._port))
        self._writers += [writer, below]
        await asyncio.gather(self._upwards(reader, below, writer), self._downwards(above, writer))

    async def _upwards(
        self, reader: asyncio.StreamReader, below: asyncio.StreamWriter, caller: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                # A connection that served requests before may become a socket.
                if b"upgrade: websocket" in chunk.lower():
                    self._sockets[caller] = chunk.partition(b"\r\n")[0]
                    self.sockets_opened += 1
                below.write(chunk)
                await below.drain()
        below.close()

    async def _downwards(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if caller in self._sockets and not chunk.startswith(b"HTTP/"):
                    self._said[caller] = chunk
                if not self._is_swallowed(caller):
                    caller.write(chunk)
                    await caller.drain()
        caller.close()

    def _is_swallowed(self, caller: asyncio.StreamWriter) -> bool:
        if caller in self._sockets:
            return self.mute or caller in self._dead
        return self.deaf


@contextmanager
def forwarding(target: str) -> Iterator[Forwarder]:
    """A forwarder for a test that has no event loop: it runs in one of its own, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    wire = Forwarder(target)
    asyncio.run_coroutine_threadsafe(wire.__aenter__(), loop).result(timeout=10)
    try:
        yield wire
    finally:
        asyncio.run_coroutine_threadsafe(wire.__aexit__(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
