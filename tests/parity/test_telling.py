"""A drift report as a person reads it, from a report written down by hand."""

from __future__ import annotations

from decimal import Decimal

from traderagent.parity.drift import Drift
from traderagent.parity.reasons import Deviation, Why
from traderagent.parity.telling import SHOWN, drift_lines

T = 1_746_360_000_000  # 2025-05-04 12:00:00 UTC
DEARER = Deviation(
    Why.PRICE, T + 20_000, "base", "traded at another price", "buy 2 at 2001.5", "buy 2 at 2000", Decimal(3)
)
LATE = Deviation(
    Why.TIMING, T + 40_000, "grid:1", "traded at another price", "buy 2 at 1999", "buy 2 at 2000", Decimal(-2)
)
MISSED = Deviation(Why.MISSED_TICK, T + 60_000, "grid:2", "traded in the back-test only", "no tick", "sell 1 at 2010")


def report(*deviations: Deviation, silences: list[tuple[int, int]] | None = None) -> Drift:
    return Drift(
        bot="eth-grid",
        since=T,
        until=T + 600_000,
        live_fills=7,
        tested_fills=8,
        paired=7,
        live_profit=Decimal("-1.004"),
        tested_profit=Decimal("2.5"),
        silences=silences or [],
        deviations=list(deviations),
    )


def test_every_deviation_then_the_silences_then_the_sums() -> None:
    assert list(drift_lines(report(DEARER, LATE, MISSED, silences=[(T, T + 60_000)]))) == [
        "2025-05-04 12:00:20  price        base  traded at another price: live buy 2 at 2001.5; back-test buy 2 at 2000 "
        "(cost 3.00)",
        "2025-05-04 12:00:40  timing       grid:1  traded at another price: live buy 2 at 1999; back-test buy 2 at 2000 "
        "(gained 2.00)",
        "2025-05-04 12:01:00  missed tick  grid:2  traded in the back-test only: live no tick; back-test sell 1 at 2010",
        "No tick from 2025-05-04 12:00:00 to 2025-05-04 12:01:00 UTC.",
        "eth-grid, 2025-05-04 12:00:00 – 2025-05-04 12:10:00 UTC: 7 fills live, 8 in the back-test, 7 of them the same "
        "ones; profit -1.00 live, 2.50 in the back-test.",
        "DRIFTED: 1 missed tick, 1 timing, 1 price; other prices cost 3.00; late orders gained 2.00.",
    ]


def test_no_more_than_a_screenful() -> None:
    lines = list(drift_lines(report(*[MISSED] * (SHOWN + 2))))
    assert lines[SHOWN] == "… and 2 more; --json has them all"
    assert len(lines) == SHOWN + 3
    assert lines[-1] == "DRIFTED: 42 missed tick."


def test_the_same_as_json() -> None:
    told = report(DEARER, LATE, MISSED).as_json()
    assert told["reasons"] == {"missed tick": 1, "timing": 1, "price": 1}
    assert told["cost"] == {"price": "3", "timing": "-2", "fee": "0"}
    assert told["profit"] == {"live": "-1.004", "tested": "2.5"}
    assert told["deviations"][1] == {
        "why": "timing",
        "timestamp": T + 40_000,
        "slot": "grid:1",
        "what": "traded at another price",
        "live": "buy 2 at 1999",
        "tested": "buy 2 at 2000",
        "cost": "-2",
    }
