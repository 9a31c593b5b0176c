"""When things came about by the wall, for lists that show them late: an exchange's own lag between its parts."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

KEPT = 10_000


class Births:
    """The newest ``kept`` things; older ones, and those of before a restart, are old enough for any list."""

    def __init__(self, kept: int = KEPT, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._born: OrderedDict[str, float] = OrderedDict()
        self._kept = kept
        self._monotonic = monotonic

    def note(self, name: str) -> None:
        self._born[name] = self._monotonic()
        if len(self._born) > self._kept:
            self._born.popitem(last=False)

    def is_younger(self, name: str, ms: float) -> bool:
        born = self._born.get(name)
        return born is not None and self._monotonic() - born < ms / 1000
