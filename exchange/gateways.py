"""Which gateway serves an account, and one of each per thread."""

from __future__ import annotations

import threading

from exchange.bybit_gateway import BybitGateway
from exchange.ccxt_gateway import CcxtGateway
from exchange.gateway_config import GatewayConfig
from exchange.port import ExchangeGateway
from exchange.venues import Venue

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
    return BybitGateway(config, venue) if config.exchange_id == "bybit" else CcxtGateway(config, venue)
