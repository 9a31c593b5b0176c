"""Inputs for the classifier: drawn ones, near its edges more often than elsewhere."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from strategies.regimes.classification import RegimeInputs
from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import Regime

CONFIG = RegimeConfig()

_adx = st.sampled_from([0.0, 17.999, 18.0, 19.999, 20.0, 21.999, 22.0, 25.0, 32.0, 32.001, 100.0]) | st.floats(0, 100)
_atr = st.sampled_from([0.0, 0.999, 1.0, 1.999, 2.0, 9.0]) | st.floats(0, 50)
_price = st.sampled_from([99.0, 100.0, 101.0]) | st.floats(1e-6, 1e9)
_ratio = st.sampled_from([0.0, 1.0, 2.0]) | st.floats(0, 1000)

inputs = st.builds(RegimeInputs, _adx, _price, _price, _atr, _ratio)
unknown = st.builds(RegimeInputs, st.just(math.nan), _price, _price, _atr, _ratio)
regimes = st.sampled_from(Regime)


def candle(adx: float, atr: float = 0.5, averages: str = "=", volume: float = 1.0) -> RegimeInputs:
    """``averages``: the fast one is above (``>``), below (``<``) or at (``=``) the slow one."""
    fast = {">": 101.0, "=": 100.0, "<": 99.0}[averages]
    return RegimeInputs(adx, fast, 100.0, atr, volume)
