from __future__ import annotations

import subprocess
import sys

import pytest

from strategies.regimes.regime import Regime
from strategies.registry import UnknownStrategy, get_strategy, names, regimes_of, strategies


def test_a_strategy_is_found_by_its_own_name() -> None:
    for name in names():
        assert get_strategy(name).name == name
    assert [strategy.name for strategy in strategies()] == names()


def test_the_regimes_that_strategies_suit_are_regimes() -> None:
    for strategy in strategies():
        assert set(regimes_of(strategy)) <= set(Regime)


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownStrategy, match=r"no strategy called 'gird'; known are: .*grid"):
        get_strategy("gird")


def test_the_names_cost_no_import_of_any_strategy() -> None:
    code = "import sys, strategies.registry as r; r.names(); print(any(m.startswith('strategies.grid') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_process_that_looks_at_no_candles_loads_no_numpy() -> None:
    """20 MB in each of many processes."""
    code = (
        "import sys, strategies.registry, strategies.feature_rows, strategies.candles, strategies.plain\n"
        "from strategies.registry import get_strategy\n"
        "get_strategy('grid')\n"
        "print('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
