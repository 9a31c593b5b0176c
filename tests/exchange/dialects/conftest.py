"""The five exchanges at the other end of the scripted wire, each with its markets and its clock."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from exchange.ccxt_gateway import CcxtGateway
from exchange.gateway_config import GatewayConfig
from exchange.venues import Venue
from tests.exchange.dialects import instruments
from tests.exchange.wire import Answer, Sent, Wire, cut

Open = Callable[..., CcxtGateway]

# Kraken's secrets are base 64; Coinbase's old form of a key is signed without an elliptic curve.
SECRET = base64.b64encode(b"the-secrets!").decode()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = cut(monkeypatch)
    wire["/api/v3/time"] = wire["/fapi/v1/time"] = lambda _: Answer({"serverTime": _wall()})
    wire["/api/v3/exchangeInfo"] = Answer(instruments.BINANCE_SPOT)
    wire["/fapi/v1/exchangeInfo"] = Answer(instruments.BINANCE_LINEAR)
    wire["/api/v5/public/time"] = lambda _: okx({"ts": str(_wall())})
    wire["/api/v5/public/instruments"] = _okx_instruments
    wire["/0/public/Time"] = lambda _: kraken({"unixtime": _wall() // 1000})
    wire["/0/public/AssetPairs"] = kraken(instruments.KRAKEN_PAIRS)
    wire["/api/v3/brokerage/time"] = lambda _: Answer({"epochSeconds": str(_wall() // 1000)})
    wire["/api/v3/brokerage/market/products"] = _coinbase_products
    return wire


@pytest.fixture
def open_gateway(wire: Wire) -> Open:
    """Opens one at the live exchange. ``default_type`` is ccxt's, for Binance's futures account."""

    def open_(exchange_id: str, *, default_type: str = "spot", environment: str = "live") -> CcxtGateway:
        from exchange.gateways import build_ccxt_gateway  # needs settings, which exist by now

        options = json.dumps({"enableRateLimit": False, "options": {"defaultType": default_type}})
        config = GatewayConfig(
            exchange_id, environment, f"{exchange_id}-{environment}", "", "the-key", SECRET, "the-phrase", options
        )
        return build_ccxt_gateway(config, Venue(config))

    return open_


def okx(*entries: Any) -> Answer:
    return Answer({"code": "0", "msg": "", "data": list(entries)})


def kraken(result: Any) -> Answer:
    return Answer({"error": [], "result": result})


def essential(sent: Sent) -> dict[str, Any]:
    """The body, or the query, without what signs it."""
    payload = sent.body or sent.query
    assert isinstance(payload, dict)
    return {name: value for name, value in payload.items() if name not in _SIGNING}


_SIGNING = frozenset({"timestamp", "signature", "recvWindow", "nonce"})


def _okx_instruments(sent: Sent) -> Answer:
    return okx(*(instruments.OKX_SPOT if sent.query["instType"] == "SPOT" else instruments.OKX_SWAP))


def _coinbase_products(sent: Sent) -> Answer:
    return Answer({"products": [] if "product_type" in sent.query else instruments.COINBASE_PRODUCTS})


def _wall() -> int:
    return time.time_ns() // 1_000_000
