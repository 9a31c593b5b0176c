"""The wire between ccxt and an exchange (Bybit unless told otherwise), cut at the HTTP request: what is sent is kept, what is answered is scripted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from exchange.gateway_config import GatewayConfig

LIVE = GatewayConfig("bybit", "live", "bybit-live", api_key="the-key", api_secret="the-secret",
                     options='{"enableRateLimit": false}')  # fmt: skip


@dataclass(frozen=True)
class Sent:
    method: str
    host: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    timeout: Any


@dataclass(frozen=True)
class Answer:
    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Scripted = Answer | Exception | Callable[[Sent], "Answer | Exception"]


def ok(result: Any, **extra: Any) -> Answer:
    return Answer({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": _wall(), **extra})


def refused(code: int, words: str) -> Answer:
    return Answer({"retCode": code, "retMsg": words, "result": {}, "retExtInfo": {}, "time": _wall()})


def listed(*entries: Any, cursor: str = "") -> Answer:
    return ok({"list": list(entries), "nextPageCursor": cursor})


class Wire:
    """``wire[path] = answer`` scripts an end point, ``wire["POST path"]`` one of its methods; a list is answered in turn."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.clock_ahead_ms = 0  # of the exchange's clock before this machine's
        self._script: dict[str, Any] = {
            "/v5/market/time": lambda _: ok({}, time=_wall() + self.clock_ahead_ms),
            "/v5/market/instruments-info": self._instruments,
        }

    def __setitem__(self, path: str, answer: Any) -> None:
        self._script[path] = answer

    def to(self, path: str) -> list[Sent]:
        """``path``, or a method and a path."""
        return [sent for sent in self.sent if path in (sent.path, f"{sent.method} {sent.path}")]

    def last(self, path: str) -> Sent:
        return self.to(path)[-1]

    def request(self, method: str, url: str, data: Any = None, headers: Any = None, timeout: Any = None) -> Any:
        parts = urlsplit(url)
        body = _decoded(data)
        sent = Sent(method, parts.netloc, parts.path, dict(parse_qsl(parts.query)), body, dict(headers or {}), timeout)
        self.sent.append(sent)
        scripted = self._script.get(f"{method} {sent.path}") or self._script[sent.path]
        if isinstance(scripted, list):
            scripted = scripted.pop(0)
        if callable(scripted):
            scripted = scripted(sent)
        if isinstance(scripted, Exception):
            raise scripted
        return _response(scripted, url)

    def _instruments(self, sent: Sent) -> Answer:
        if sent.query.get("status") == "PreLaunch":
            return ok({"category": "linear", "list": [], "nextPageCursor": ""})
        category = sent.query["category"]
        found = SPOT if category == "spot" else LINEAR
        return ok({"category": category, "list": found, "nextPageCursor": ""})


def _decoded(data: Any) -> Any:
    """A JSON document, or a form."""
    text = data.decode() if isinstance(data, bytes) else data or "{}"
    return json.loads(text) if text[0] in "{[" else dict(parse_qsl(text))


def _response(answer: Answer, url: str) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = "scripted"
    response.url = url
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    response._content = text.encode()
    response.headers.update({"Content-Type": "application/json", **answer.headers})
    return response


def _wall() -> int:
    return time.time_ns() // 1_000_000


def cut(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Puts a new wire in the place of the network."""
    wire = Wire()

    def request(_: requests.Session, method: str, url: str, **options: Any) -> Any:
        wanted = {name: options.get(name) for name in ("data", "headers", "timeout")}
        return wire.request(method, url, **wanted)

    monkeypatch.setattr(requests.Session, "request", request)
    return wire


# As Bybit describes them (read in 2025).
SPOT = [
    {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
        "marginTrading": "utaOnly",
        "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.0000001", "minOrderQty": "0.000011",
                          "maxOrderQty": "83", "minOrderAmt": "5", "maxOrderAmt": "8000000"},
        "priceFilter": {"tickSize": "0.1"},
    },
    {
        "symbol": "SHIBUSDT", "baseCoin": "SHIB", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
        "marginTrading": "utaOnly",
        "lotSizeFilter": {"basePrecision": "0.1", "quotePrecision": "0.0000000001", "minOrderQty": "83333.3",
                          "maxOrderQty": "46204986218", "minOrderAmt": "1", "maxOrderAmt": "200000"},
        "priceFilter": {"tickSize": "0.00000001"},
    },
    {
        "symbol": "OLDUSDT", "baseCoin": "OLD", "quoteCoin": "USDT", "innovation": "0", "status": "Closed",
        "marginTrading": "none",
        "lotSizeFilter": {"basePrecision": "0.1", "quotePrecision": "0.001", "minOrderQty": "1", "maxOrderQty": "10",
                          "minOrderAmt": "1", "maxOrderAmt": "10"},
        "priceFilter": {"tickSize": "0.1"},
    },
]  # fmt: skip
LINEAR = [
    {
        "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1584230400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001",
                          "postOnlyMaxOrderQty": "1190.000", "maxMktOrderQty": "500.000", "minNotionalValue": "5"},
        "unifiedMarginTrade": True, "fundingInterval": 480,
    },
    {
        "symbol": "ETHUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "ETH",
        "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1584230400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.01", "maxPrice": "199999.98", "tickSize": "0.01"},
        "lotSizeFilter": {"maxOrderQty": "7240.00", "minOrderQty": "0.01", "qtyStep": "0.01",
                          "postOnlyMaxOrderQty": "7240.00", "maxMktOrderQty": "1180.00", "minNotionalValue": "5"},
        "unifiedMarginTrade": True, "fundingInterval": 480,
    },
]  # fmt: skip
