"""Builds ccxt exchanges: ``ccxt`` for calls, ``ccxt.pro`` for the price stream, always set up the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import ccxt

from exchange.errors import NeedsOperator
from exchange.gateway_config import ALLOW_WITHDRAWAL, GatewayConfig
from exchange.resilience.guard import Guard
from exchange.resilience.http import guard_client
from exchange.resilience.limits import OPTION
from exchange.simulator.urls import simulator_urls

TIMEOUT_MS = 10_000

_COMMON: Mapping[str, Any] = {
    "timeout": TIMEOUT_MS,
    # Every call that ccxt would keep is thrown away unread; the headers are needed for rate-limit resets.
    "enableLastHttpResponse": False,
    "enableLastJsonResponse": False,
    "enableLastResponseHeaders": True,
    # Loading markets would otherwise ask for the deposit networks of every coin, with the account's key.
    "has": {"fetchCurrencies": False},
}

# Only what can be traded here is loaded. All accounts opened or upgraded since 2023 are unified ones; without saying so
# each new client asks two more questions before its first order.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "bybit": {
        "fetchMarkets": {"types": ["spot", "linear"]},
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "unifiedMarginStatus": 6,
        "createMarketBuyOrderRequiresPrice": False,
    },
    "binance": {
        "fetchMarkets": {"types": ["spot"]},
        "createMarketBuyOrderRequiresPrice": False,
    },
    "okx": {
        "fetchMarkets": {"types": ["spot", "swap"]},
        "createOrder": "privatePostTradeOrder",  # ccxt's own choice is a batch of one
    },
    # What ccxt asks by itself belongs to an older API: it needs other rights of the key, and does not know what is held.
    "coinbase": {"fetchTime": "v3PublicGetBrokerageTime", "fetchBalance": "v3PrivateGetBrokerageAccounts"},
}


def build_client(config: GatewayConfig, library: ModuleType = ccxt, *, with_keys: bool = True) -> Any:
    """A new, unshared ccxt exchange. Numbers come out of it as the exchange's own strings; requests pass its guard.

    Raises ``NeedsOperator`` when the configuration cannot work: unknown exchange, no such environment there, options
    that are not a JSON object.
    """
    known = getattr(library, config.exchange_id, None)
    if config.exchange_id not in library.exchanges or known is None:
        raise NeedsOperator(f"Exchange {config.exchange_id!r} is not known to ccxt. Give ccxt's id, such as 'bybit'.")
    try:
        options = json.loads(config.options or "{}")
    except ValueError as error:
        raise NeedsOperator(f"The account's options are not JSON: {error}. Write an object, such as {{}}.") from error
    if not isinstance(options, dict):
        raise NeedsOperator("The account's options have to be a JSON object, such as {}.")
    keys = {"apiKey": config.api_key, "secret": config.api_secret, "password": config.api_password}
    settings: dict[str, Any] = {
        **_COMMON,
        # ccxt spares an exchange by sleeping between calls, which is all there is when Redis is down; the simulator
        # needs no sparing.
        "enableRateLimit": config.environment != "simulator",
        **(keys if with_keys else {}),
        **{name: value for name, value in options.items() if name not in ("options", OPTION, ALLOW_WITHDRAWAL)},
        "options": _ccxt_options(config.exchange_id, options.get("options", {})),
    }
    client = known(settings)
    client.number = str  # ccxt's parsers would otherwise turn every price into a float
    _enter(client, config)

    def exchange_time() -> int:
        return int(client.milliseconds() - client.options.get("timeDifference", 0))

    guard_client(client, Guard(config, with_keys=with_keys, exchange_time=exchange_time))
    return client


def _ccxt_options(exchange_id: str, wished: Mapping[str, Any]) -> dict[str, Any]:
    """Binance keeps spot and futures in two accounts: ``defaultType`` says which of them this is."""
    ours = dict(_OPTIONS.get(exchange_id, {}))
    if exchange_id == "binance" and wished.get("defaultType") in ("swap", "future"):
        ours["fetchMarkets"] = {"types": ["linear"]}
    return {**ours, **wished}


def _enter(client: Any, config: GatewayConfig) -> None:
    """Sends the client to the environment that the account belongs to."""
    try:
        match config.environment:
            case "live":
                pass
            case "demo" if config.exchange_id == "okx":
                client.set_sandbox_mode(True)  # ccxt's name for OKX's demo trading
            case "demo":
                client.enable_demo_trading(True)
            case "testnet":
                if not client.urls.get("test"):
                    raise NeedsOperator(f"{config.exchange_id} has no testnet environment.")
                client.set_sandbox_mode(True)
            case "simulator":
                if config.exchange_id != "bybit":
                    raise NeedsOperator(f"The simulator speaks Bybit's protocol only, not {config.exchange_id}'s.")
                client.urls["api"] = simulator_urls(config.base_url)
            case unknown:
                raise NeedsOperator(f"Environment {unknown!r} is not one of live, demo, testnet, simulator.")
    except (ccxt.NotSupported, KeyError) as error:  # ccxt looks the address up without asking whether there is one
        raise NeedsOperator(f"{config.exchange_id} has no {config.environment} environment.") from error
    except ValueError as error:
        raise NeedsOperator(str(error)) from error
