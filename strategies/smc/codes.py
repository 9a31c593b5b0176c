"""What a compiled step tells, by number; ``strategies.smc.telling`` has the words."""

from __future__ import annotations

from typing import Final

SIGNAL: Final = 1
SIGNAL_WITH_TREND: Final = 2
CLOSED: Final = 3
TRAILED: Final = 4
WITHDRAWN: Final = 5
WEAK_ZONE: Final = 6
TOO_FAR: Final = 7
THIN_VOLUME: Final = 8
STOP_PASSED: Final = 9
SMALL_REWARD: Final = 10
UNSURE: Final = 11
OTHER_SIDE: Final = 12
NO_SLOT: Final = 13
NO_SIZE: Final = 14
