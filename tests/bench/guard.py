"""What passing the guard costs a request: the question before it is sent and what follows the answer."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.stack import Services

_CALLS, _THREADS = 5_000, 8


def run(_: argparse.Namespace) -> Iterator[str]:
    with Services(environ={"TRADERAGENT_EMBEDDED": "1"}) as services:
        os.environ.update(services.own_environ)
        os.environ["DJANGO_SETTINGS_MODULE"] = "traderagent.settings"
        yield "| | processor time of the caller | p50 | p95 |"
        yield "|---|---|---|---|"
        yield from _measure()


def _measure() -> Iterator[str]:
    from exchange.gateway_config import GatewayConfig
    from exchange.resilience.answers import Answer
    from exchange.resilience.guard import Guard

    def guard(account: int) -> Guard:
        config = GatewayConfig(
            "bybit",
            "simulator",
            "bench",
            base_url="http://bench:1",
            api_key=f"key-{account}",
            options='{"rate_limits": {"host": [1000000, 5], "account": [1000000, 1]}}',
        )
        return Guard(config, with_keys=True, exchange_time=lambda: time.time_ns() // 1_000_000)

    def calls(one: Guard, number: int) -> list[float]:
        answer, taken = Answer(200, {}), []
        for _ in range(number):
            begin = time.perf_counter()
            one.settle(one.admit("GET", "http://bench:1/v5/order/realtime?category=linear"), answer, None)
            taken.append(time.perf_counter() - begin)
        return taken

    calls(guard(0), 200)
    processor = time.process_time()
    alone = calls(guard(0), _CALLS)
    each = (time.process_time() - processor) / _CALLS
    yield f"| one thread, host's and account's budget | {each * 1000:.2f} ms | {_figures(alone)} |"
    guards = [guard(number) for number in range(_THREADS)]
    processor, begin = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        together = [taken for part in pool.map(lambda one: calls(one, _CALLS // 2), guards) for taken in part]
    each = (time.process_time() - processor) / len(together)
    rate = len(together) / (time.perf_counter() - begin)
    yield f"| {_THREADS} threads, {rate:,.0f} requests/s | {each * 1000:.2f} ms | {_figures(together)} |"


def _figures(taken: list[float]) -> str:
    cuts = statistics.quantiles(taken, n=20)
    return f"{cuts[9] * 1000:.2f} ms | {cuts[18] * 1000:.2f} ms"
