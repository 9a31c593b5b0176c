"""``manage.py stream [EXCHANGE …]``: keeps the prices that running bots need in Redis until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import redis.asyncio
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from exchange.encryption import require_encryption_key
from exchange.errors import NeedsOperator, TemporaryError
from exchange.gateway_config import GatewayConfig
from exchange.models import ExchangeAccount
from exchange.stream import PriceStream


class Command(BaseCommand):
    help = "Streams the prices of all symbols that bots need into Redis. Runs until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("exchange", nargs="*", help="only these exchanges, by their ids in ccxt (default: all)")

    def handle(self, *args: Any, exchange: list[str], **options: Any) -> None:
        require_encryption_key()
        asyncio.run(_stream(frozenset(exchange)))


async def _stream(exchanges: frozenset[str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connection = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=5)
    try:
        await PriceStream(
            connection=connection,
            channel_layer=get_channel_layer(),
            load_config=sync_to_async(_config_of),
            clock=lambda: time.time_ns() // 1_000_000,
            exchanges=exchanges,
        ).run(stop)
    finally:
        await connection.aclose()


def _config_of(account_id: int) -> GatewayConfig:
    close_old_connections()  # between two look-ups the database may have been restarted
    try:
        return ExchangeAccount.objects.get(pk=account_id).gateway_config()
    except ExchangeAccount.DoesNotExist as error:
        raise NeedsOperator(f"Exchange account {account_id} does not exist any more.") from error
    except DatabaseError as error:
        raise TemporaryError(f"The database did not give account {account_id}: {error}") from error
