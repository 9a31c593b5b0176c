"""What cannot be measured is refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backtests.metrics.inputs import no_fills, no_trades
from tests.backtests.metrics.cast import START, curve, fills, trades


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="different length"):
        replace(curve([1000.0, 1001.0]), equity=np.array([1000.0]))
    with pytest.raises(ValueError, match="different length"):
        replace(trades([1.0]), profit=np.array([1.0, 2.0]))


def test_an_equity_curve_has_rows_in_time() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        curve([])
    good = curve([1000.0, 1001.0])
    with pytest.raises(ValueError, match="must rise"):
        replace(good, timestamp=good.timestamp[::-1].copy())
    with pytest.raises(ValueError, match="must rise"):
        replace(good, started_at=int(good.timestamp[0]))


def test_equity_is_a_number_and_begins_above_zero() -> None:
    with pytest.raises(ValueError, match="finite"):
        curve([1000.0, float("nan")])
    with pytest.raises(ValueError, match="above 0"):
        curve([1000.0], initial=0.0)


def test_fills_have_sides_prices_and_an_order() -> None:
    with pytest.raises(ValueError, match="side"):
        fills([(0, 2, 100.0, 1.0, 0.0)])
    with pytest.raises(ValueError, match="above 0"):
        fills([(0, 1, 100.0, 0.0, 0.0)])
    with pytest.raises(ValueError, match="order"):
        fills([(1, 1, 100.0, 1.0, 0.0), (0, 1, 100.0, 1.0, 0.0)])


def test_trades_close_after_they_open_and_in_order() -> None:
    good = trades([1.0, 2.0])
    with pytest.raises(ValueError, match="order"):
        replace(good, closed_at=good.closed_at[::-1].copy())
    with pytest.raises(ValueError, match="before it opens"):
        replace(good, opened_at=good.closed_at + 1)


def test_there_may_be_no_fills_and_no_trades() -> None:
    assert len(no_fills()) == 0
    assert len(no_trades()) == 0


def test_a_curve_tells_how_long_it_is_and_when_it_was_ruined() -> None:
    found = curve([500.0, 0.0, 10.0])
    assert found.elapsed == 3 * 86_400_000
    assert found.ruined_at == START + 2 * 86_400_000
    assert curve([500.0]).ruined_at is None
