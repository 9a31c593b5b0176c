"""All that a gateway needs to reach one account, free of Django."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal

ALLOW_WITHDRAWAL = "allow_withdrawal"  # an option of ours, not of ccxt's


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """Whose book it is, and how much worse than the last price an order trades that does not wait for its own."""

    account_id: int
    slippage: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Hashable, so that gateways can be cached by it. ``options`` is a JSON object that is handed to ccxt.

    ``environment`` is ``simulator``, ``demo``, ``testnet`` or ``live``; ``base_url`` is set for the simulator only. With
    ``paper``, only prices come from there, and orders go into a book of our own.
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
    paper: PaperTerms | None = None

    @property
    def allows_withdrawal(self) -> bool:
        """Whether a key that may withdraw is taken; the account has to say so by name."""
        try:
            options = json.loads(self.options or "{}")
        except ValueError:
            return False  # the client says what is wrong with them
        return isinstance(options, dict) and options.get(ALLOW_WITHDRAWAL) is True

    @property
    def is_replayed(self) -> bool:
        """A replayed market has a time of its own: no clock tells how old its prices are."""
        return self.environment == "simulator"
