"""A wire between the platform and the simulator that can be cut, or go silent without being cut."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Forwarder:
    """Passes connections on to the simulator.

    ``mute`` swallows what sockets say, as a stale connection does; ``deaf`` swallows what requests are answered.
    """

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.removeprefix("http://").partition(":")
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._sockets: list[asyncio.StreamWriter] = []
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
                    self._sockets.append(caller)
                    self.sockets_opened += 1
                below.write(chunk)
                await below.drain()
        below.close()

    async def _downwards(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if not (self.mute if caller in self._sockets else self.deaf):
                    caller.write(chunk)
                    await caller.drain()
        caller.close()
