"""Which gateway serves an account, and one of each per thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from django.conf import settings

from exchange.binance_gateway import BinanceGateway
from exchange.bybit_gateway import BybitGateway
from exchange.ccxt_gateway import CcxtGateway
from exchange.coinbase_gateway import CoinbaseGateway
from exchange.fresh_price import PriceLimits
from exchange.gateway_config import GatewayConfig
from exchange.kraken_gateway import KrakenGateway
from exchange.okx_gateway import OkxGateway
from exchange.paper.feed import PriceFeed
from exchange.paper.gateway import PaperGateway
from exchange.paper.store import BookStore
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
        gateway = gateways[config] = _build(config)
    return gateway


def _build(config: GatewayConfig) -> ExchangeGateway:
    if config.paper is None:
        return build_ccxt_gateway(config)
    return build_paper_gateway(config, now_ms=lambda: time.time_ns() // 1_000_000)


def build_paper_gateway(config: GatewayConfig, *, now_ms: Callable[[], int]) -> PaperGateway:
    """``now_ms`` is the wall clock, by which a price is old or new."""
    if config.paper is None:
        raise ValueError("only a paper account has a paper gateway")
    limits = PriceLimits(age=settings.PRICE_MAX_AGE_SECONDS * 1000, lag=settings.PRICE_MAX_LAG_SECONDS * 1000)
    public = build_ccxt_gateway(replace(config, paper=None, api_key="", api_secret="", api_password=""))
    store = BookStore(config.paper.account_id, config.paper.slippage)
    return PaperGateway(public, store, PriceFeed(public, config.venue, limits, now_ms))


def build_ccxt_gateway(config: GatewayConfig, venue: Venue | None = None) -> CcxtGateway:
    """A new one, for whoever wants it unshared. ``venue`` takes the place of the process's own."""
    return _DIALECTS.get(config.exchange_id, CcxtGateway)(config, venue)
