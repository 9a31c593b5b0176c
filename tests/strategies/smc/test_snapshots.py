"""What is stored of a running bot, now and by the version before."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.smc.state import CLOSING, FREE, OPEN, SmcState
from tests.strategies.smc.bench import LONG, SmcBot, row_of

# As version 1 stored a long trade after its partial exit in slot 1, and one in slot 0 that is being closed at market.
BEFORE: dict[str, Any] = {
    "candle_close": 2_700_000,
    "number": 2,
    "wins": 1,
    "losses": 0,
    "dust": 0.001,
    "close_sequence": 4,
    "tidy_sequence": -1,
    "tidy": 0.0,
    "trades": [
        {
            "slot": 1, "number": 1, "side": 1, "pattern": "pin bar", "confidence": 0.85, "amount": 1.65,
            "entry": 2000.0, "stop": 2000.0, "target": 2040.0, "risk": 11.0, "phase": "open", "filled": 1.65,
            "spent": 3300.0, "held": 0.83, "profit": 9.02, "partial": 0.82, "partial_done": True, "rest": 0.83,
            "rest_done": False, "stopped": 0.0, "stop_done": False, "best": 2011.0, "closing": 0.0,
            "close_sequence": -1,
        },
        {
            "slot": 0, "number": 2, "side": 1, "pattern": "engulfing", "confidence": 1.0, "amount": 1.0,
            "entry": 2005.0, "stop": 1995.0, "target": 2040.0, "risk": 10.0, "phase": "closing", "filled": 1.0,
            "spent": 2005.0, "held": 0.5, "profit": -5.0, "partial": 0.5, "partial_done": False, "rest": 0.5,
            "rest_done": False, "stopped": 0.5, "stop_done": True, "best": 2006.0, "closing": 0.5,
            "close_sequence": 4,
        },
    ],
}  # fmt: skip


def test_a_snapshot_of_the_version_before_goes_on() -> None:
    bot = SmcBot()
    bot.state = SmcState.load(BEFORE)
    assert (bot.state.phase, bot.state.trade[:2], bot.state.number) == ([CLOSING, OPEN, FREE], [2, 1], 2)
    bot.at(2005)
    assert bot.slots == ["close:0", "target:1", "stop:1"]
    assert (bot.order("close:0").sequence, bot.order("close:0").amount) == (4, 0.5)
    assert (bot.order("stop:1").sequence, bot.order("stop:1").trigger_price) == (1, 2000.0)
    bot.at(2040, bot.filled("close:0", 2004.0), bot.filled("target:1", 2040.0))
    assert bot.slots == []
    assert (bot.state.wins, bot.state.losses) == (2, 1)


def test_what_is_stored_can_be_read() -> None:
    stored = SmcBot().entered(row_of(LONG)).state.dump()
    assert stored["phase"] == ["open", "free", "free"]
    assert stored["pattern"] == ["engulfing", "none", "none"]
    assert SmcState.load(stored).dump() == stored


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phase": ["open", "free", "gone"]}, "knows no phase 'gone'"),
        ({"levels": []}, "unknown fields"),
    ],
)
def test_what_is_not_a_snapshot_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SmcState.load(SmcState().dump() | changes)
