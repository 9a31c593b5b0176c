"""The price stream: one asyncio process that keeps the last price of every wanted symbol in Redis.

What is wanted stands in Redis too (:mod:`exchange.prices`), so that bots come and go without a restart. Prices come
over the exchange's WebSocket; a symbol that has been silent there for a while is asked for by polling until it is
heard again. Nothing here needs an account's keys.
"""

from exchange.stream.pace import Pace
from exchange.stream.process import PriceStream
from exchange.stream.sink import HINT_GROUP, PriceSink

__all__ = ["HINT_GROUP", "Pace", "PriceSink", "PriceStream"]
