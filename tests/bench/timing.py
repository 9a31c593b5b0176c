"""How long a call takes on this machine, whatever else runs there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

REPEATS: Final = 5


def best(call: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Seconds of the processor, the least of several calls after a first one: what else runs only ever adds to them."""
    call()
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return min(taken)
