"""All that a gateway needs to reach one account, free of Django."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Hashable, so that gateways can be cached by it. ``options`` is a JSON object that is handed to ccxt.

    ``environment`` is ``simulator``, ``demo``, ``testnet`` or ``live``; ``base_url`` is set for the simulator only.
    ``venue`` names the source of prices: accounts of one venue see the same market.
    """

    exchange_id: str
    environment: str
    venue: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    api_password: str = field(default="", repr=False)
    options: str = "{}"

    @property
    def is_replayed(self) -> bool:
        """A replayed market has a time of its own: no clock tells how old its prices are."""
        return self.environment == "simulator"
