"""The table of feature rows that the loop reads."""

from __future__ import annotations

import numpy as np

from backtests.rows import rows_of
from strategies.feature_rows import FeatureTable


def test_a_column_that_the_configuration_makes_no_values_of_is_not_known() -> None:
    """A DCA that waits for its RSI alone has no averages and no bands, and names their columns all the same."""
    closes, known = np.array([60_000, 120_000]), np.array([True, True])
    table = FeatureTable(closes, known, {"rsi": np.array([40.0, 60.0])})
    rows = rows_of(table, np.array([60_000, 120_000]), ("rsi", "ema_cross"))
    assert rows.values[:2, 0].tolist() == [40.0, 60.0]
    assert np.isnan(rows.values[:, 1]).all()
    assert rows.of_candle.tolist() == [0, 1]
