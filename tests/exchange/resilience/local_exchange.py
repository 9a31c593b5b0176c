"""A tiny HTTP server in the place of an exchange: answers what it is told and remembers what arrived."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from exchange.gateway_config import GatewayConfig


@dataclass(frozen=True)
class Reply:
    """``status`` 0 closes the connection instead of answering."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class LocalExchange:
    """Use it as a context manager. What is in ``replies`` is given out first, in order; then all is well."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.replies: deque[Reply] = deque()
        exchange = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                exchange._serve(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                exchange._serve(self)

            def log_message(self, *_: object) -> None:
                """Tests read ``arrived`` instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> LocalExchange:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def config(self, **options: object) -> GatewayConfig:
        return GatewayConfig(
            "bybit",
            "simulator",
            f"local-{self._server.server_address[1]}",
            base_url=self.url,
            api_key="key",
            api_secret="secret",
            options=json.dumps(options),
        )

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        self.arrived.append(path)
        reply = self.replies.popleft() if self.replies else Reply()
        if reply.status == 0:
            handler.close_connection = True
            return
        body = reply.body if reply.body is not None else _well(path)
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


def _well(path: str) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    result: dict[str, Any] = {"list": [], "nextPageCursor": ""}
    if path.startswith("/v5/order/c"):
        result = {"orderId": "1", "orderLinkId": "x"}
    elif path == "/v5/market/instruments-info":
        from tests.exchange.wire import LINEAR

        result = {"category": "linear", "list": LINEAR, "nextPageCursor": ""}
    elif path == "/v5/account/wallet-balance":
        result = {"list": [{"totalEquity": "0", "coin": []}]}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now}
