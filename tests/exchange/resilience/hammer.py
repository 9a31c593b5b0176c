"""``python -m tests.exchange.resilience.hammer``: one worker that asks an exchange as often as it is allowed to.

Arguments: a JSON object of :class:`GatewayConfig` fields, and seconds. Prints how its calls ended, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import django


def main(config: dict[str, Any], seconds: float) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "traderagent.settings"
    django.setup()
    from exchange.errors import ExchangeError
    from exchange.gateway_config import GatewayConfig
    from exchange.gateways import build_ccxt_gateway

    gateway = build_ccxt_gateway(GatewayConfig(**config))
    calls: list[Callable[[], object]] = [
        lambda: gateway.ticker("ETH/USDT"),
        lambda: gateway.open_orders("ETH/USDT:USDT"),
        lambda: gateway.cancel("ETH/USDT", "ta-nobody-knows-this-order"),
    ]
    ended: Counter[str] = Counter()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        try:
            calls[number % len(calls)]()
            ended["answered"] += 1
        except ExchangeError as error:
            ended[type(error).__name__] += 1
            time.sleep(0.01)
    print(json.dumps(ended))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), float(sys.argv[2]))
