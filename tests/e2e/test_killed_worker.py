"""The tick worker is killed, ten times, in the middle of trading: no order doubled, none lost, the books equal."""

from __future__ import annotations

import random
import time
from functools import partial

import pytest

from tests.reliability.books import assert_books, rows, unanswered
from tests.stack import DemoStack, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("killed-worker")]

KILLS = 10


def test_ten_kills_of_the_worker_double_nothing_and_lose_nothing() -> None:
    dice = random.Random(20250504)
    with DemoStack(speed=120) as stack:
        wait_for(lambda: fills(stack) >= 10, timeout=90, what="ten fills")
        for number in range(KILLS):
            time.sleep(dice.uniform(0.2, 3.0))
            before = fills(stack)
            worker = dice.choice(["worker-ticks", "worker-ticks-2"])
            killed = stack.kill(worker)
            stack.wait_restarted(worker, killed, timeout=30)
            wait_for(partial(traded_since, stack, before), timeout=60, what=f"trading after kill {number + 1}")
        wait_for(lambda: not unanswered(stack), timeout=30, what="an answer for every order")
        assert_books(stack)


def fills(stack: DemoStack) -> int:
    (count,) = rows(stack, "SELECT count(*) FROM bots_fill")[0]
    return int(count)


def traded_since(stack: DemoStack, before: int) -> bool:
    return fills(stack) > before
