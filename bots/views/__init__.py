"""The pages. Thin: they read through selectors, write through services and never decide anything."""

from bots.views.back_test import bot_back_test
from bots.views.bot import bot_chart, bot_detail
from bots.views.commands import bot_command
from bots.views.edit import account_symbols, bot_create, bot_edit, bot_preview, market_candles
from bots.views.exchanges import account_check, breaker_close, exchanges
from bots.views.market_clock import market_clock
from bots.views.order import order_detail
from bots.views.overview import overview

__all__ = [
    "account_check",
    "account_symbols",
    "bot_back_test",
    "bot_chart",
    "bot_command",
    "bot_create",
    "bot_detail",
    "bot_edit",
    "bot_preview",
    "breaker_close",
    "exchanges",
    "market_candles",
    "market_clock",
    "order_detail",
    "overview",
]
