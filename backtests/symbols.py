"""Symbols as people write them."""

from __future__ import annotations

from typing import Any, Final

QUOTES: Final = ("USDT", "USDC", "FDUSD", "USD", "EUR", "BTC", "ETH")


def unified(symbol: str, market: Any) -> str:
    """``ETHUSDT`` is ``ETH/USDT``, and on a linear market ``ETH/USDT:USDT``."""
    pair, _, settled = symbol.strip().upper().partition(":")
    if "/" not in pair:
        pair = next((f"{pair.removesuffix(coin)}/{coin}" for coin in QUOTES if pair.endswith(coin)), pair)
    quote = pair.partition("/")[2]
    if str(market) == "linear" and quote and not settled:
        settled = quote
    return f"{pair}:{settled}" if settled else pair
