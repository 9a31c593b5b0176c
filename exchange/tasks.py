"""Celery's door to the candle store."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings

from exchange.candles.history import download_series
from exchange.candles.series import SeriesKey
from exchange.candles.store import CandleStore, CandleStoreBusy
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount

# Another download of as many candles is done by then.
_AGAIN_AFTER_S = 10
_TRIES = 30


@shared_task(name="exchange.tasks.fetch_candles", bind=True, max_retries=_TRIES, ignore_result=True)
def fetch_candles(self: Any, account_id: int, symbol: str, timeframe: str, days: int) -> None:
    """The newest ``days`` of a symbol, as the account's exchange sees it, into the candle store. What is there is not asked
    for again. Waits while another process writes to the store."""
    config = ExchangeAccount.objects.get(pk=account_id).gateway_config()
    gateway, store = gateway_for(config), CandleStore(settings.CANDLE_STORE)
    key = SeriesKey.of_market(config.exchange_id, config.environment, symbol, timeframe)
    since = gateway.ticker(symbol).timestamp - int(timedelta(days=days).total_seconds() * 1000)
    try:
        with store.claimed():
            download_series(gateway, store, key=key, symbol=symbol, since=key.floor(since), until=sys.maxsize)
    except CandleStoreBusy as busy:
        raise self.retry(exc=busy, countdown=_AGAIN_AFTER_S) from busy
