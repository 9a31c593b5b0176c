"""How hard the property tests look.

`make test` draws the same examples every time, so that it says the same of the same code. `make properties` draws new
ones, many times as many; what it finds becomes a test of its own.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("PROPERTY_TIMES", "0"))


def load_profile() -> None:
    settings.register_profile(
        "suite",
        derandomize=TIMES == 0,
        max_examples=100 * max(TIMES, 1),
        # A first call may compile, and a machine may be busy.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")


def examples(count: int, **others: Any) -> settings:
    """Settings of a property test that is tried with so many examples; without them it is tried with a hundred."""
    return settings(max_examples=count * max(TIMES, 1), **others)
