"""Between the worker and the exchange: holds a request before it is forwarded, or its answer before it is passed on."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.reliability.crash.cells import Operation, Phase

# What the strike at a request leaves of it.
Strike = Callable[[], bool]  # True: go on with the request or its answer; False: both are lost


@dataclass
class Trap:
    """Springs once, at the ``nth`` request of its operation."""

    operation: Operation
    phase: Phase
    nth: int
    strike: Strike
    sprung: bool = False
    seen: int = 0


def operation_of(path: str, body: dict[str, Any]) -> Operation | None:
    if path == "/v5/order/create":
        return Operation.STOP_ORDER if body.get("triggerPrice") else Operation.PLACE
    return {"/v5/order/cancel": Operation.CANCEL, "/v5/order/amend": Operation.AMEND}.get(path)


class Proxy:
    """A port of its own that outlives restarts of the exchange behind it."""

    def __init__(self) -> None:
        self.upstream = ""
        self._trap: Trap | None = None
        self._lock = threading.Lock()
        self._clients: set[Any] = set()
        self._closed_until = threading.Event()
        self._closed_until.set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                proxy._clients.add(self.connection)

            def finish(self) -> None:
                proxy._clients.discard(self.connection)
                super().finish()

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = proxy._pass(self.command, self.path, dict(self.headers), body)
                if answer is None:
                    self.close_connection = True
                    return
                status, content_type, content = answer
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that died with its request is what this is for."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def set_trap(self, trap: Trap | None) -> None:
        with self._lock:
            self._trap = trap

    def cut(self) -> None:
        """Every connection is broken, and until :meth:`mend` none comes through."""
        self._closed_until.clear()
        for connection in list(self._clients):
            try:
                connection.shutdown(2)
            except OSError:
                continue  # it went by itself

    def mend(self) -> None:
        self._closed_until.set()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes] | None:
        if not self._closed_until.is_set():
            return None
        trap = self._caught(path, body) if method == "POST" else None
        if trap is not None and trap.phase is Phase.SENT and not trap.strike():
            return None
        answer = self._forward(method, path, headers, body)
        if trap is not None and trap.phase is Phase.ACCEPTED and not trap.strike():
            return None
        return answer

    def _caught(self, path: str, body: bytes) -> Trap | None:
        """The trap that this request springs."""
        with self._lock:
            trap = self._trap
            if trap is None or trap.sprung:
                return None
            if operation_of(urlsplit(path).path, json.loads(body or b"{}")) is not trap.operation:
                return None
            trap.seen += 1
            trap.sprung = trap.seen == trap.nth
            return trap if trap.sprung else None

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes] | None:
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=20)
        passed = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
        try:
            connection.request(method, path, body=body or None, headers={**passed, "Accept-Encoding": "identity"})
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Type", "application/json"), response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
