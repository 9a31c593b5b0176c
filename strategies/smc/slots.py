"""The numbers of the orders' slots and their names: five kinds for each entry, and one that tidies up."""

from __future__ import annotations

from typing import Final

from strategies.compiled import compiled
from strategies.kernel import NO_SLOT
from strategies.smc.state import MOST_POSITIONS

ENTRY: Final = 0
STOP: Final = 1
PARTIAL: Final = 2
TARGET: Final = 3
CLOSE: Final = 4
KINDS: Final = ("entry", "stop", "partial", "target", "close")
TIDY: Final = len(KINDS) * MOST_POSITIONS
SLOTS: Final = TIDY + 1
TIDY_NAME: Final = "tidy"
NAMES: Final = (*(f"{kind}:{slot}" for kind in KINDS for slot in range(MOST_POSITIONS)), TIDY_NAME)
NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}


@compiled
def slot_of(kind: int, place: int) -> int:
    return kind * MOST_POSITIONS + place


def slot_number(name: str) -> int:
    return NUMBERS.get(name, NO_SLOT)
