"""Which gateway serves an account, and one of each per thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from exchange.binance_gateway import BinanceGateway
from exchange.bybit_gateway import BybitGateway
from exchange.ccxt_gateway import CcxtGateway
from exchange.coinbase_gateway import CoinbaseGateway
from exchange.gateway_config import GatewayConfig
from exchange.kraken_gateway import KrakenGateway
from exchange.okx_gateway import OkxGateway
from exchange.port import ExchangeGateway
from exchange.venues import Venue

_DIALECTS: Mapping[str, type[CcxtGateway]] = {
    "binance": BinanceGateway,
    "bybit": BybitGateway,
    "coinbase": CoinbaseGateway,
    "kraken": KrakenGateway,
    "okx": OkxGateway,
}
_local = threading.local()


def gateway_for(config: GatewayConfig) -> ExchangeGateway:
    """This thread's gateway for the account. Cheap when called again; new keys or options make a new one."""
    gateways: dict[GatewayConfig, ExchangeGateway] = _local.__dict__.setdefault("gateways", {})
    gateway = gateways.get(config)
    if gateway is None:
        gateway = gateways[config] = build_ccxt_gateway(config)
    return gateway


def build_ccxt_gateway(config: GatewayConfig, venue: Venue | None = None) -> CcxtGateway:
    """A new one, for whoever wants it unshared. ``venue`` takes the place of the process's own."""
    return _DIALECTS.get(config.exchange_id, CcxtGateway)(config, venue)
