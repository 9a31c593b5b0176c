"""How to point ccxt at the simulator.

    exchange = ccxt.bybit({"apiKey": ..., "secret": ...})          # or ccxt.async_support, or ccxt.pro
    exchange.urls["api"] = simulator_urls("http://127.0.0.1:8100")

Nothing else changes: markets, signatures, orders and sockets go the way they go to the real exchange.
"""

from __future__ import annotations

from typing import Any

REST_SECTIONS = ("spot", "futures", "v2", "public", "private")


def simulator_urls(base_url: str) -> dict[str, Any]:
    """What ccxt's ``bybit.urls["api"]`` has to be. ``base_url`` is ``http://host:port``."""
    base_url = base_url.rstrip("/")
    scheme, separator, host = base_url.partition("://")
    if not separator or scheme not in {"http", "https"}:
        raise ValueError(f"simulator URL {base_url!r} must begin with http:// or https://")
    sockets = f"{'wss' if scheme == 'https' else 'ws'}://{host}/v5"
    private = f"{sockets}/private"
    return {
        **dict.fromkeys(REST_SECTIONS, base_url),
        "ws": {
            "public": {kind: f"{sockets}/public/{kind}" for kind in ("spot", "linear", "inverse", "option")},
            "private": {
                "spot": {"unified": private, "nonUnified": private},
                "contract": private,
                "usdc": private,
                "trade": f"{sockets}/trade",
            },
        },
    }
