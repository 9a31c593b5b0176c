"""Compiled and uncompiled are one function; nothing is compiled before it is needed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from strategies.compiled import Compiled, compiled, content_key
from strategies.indicators.averages import exponential, window_means
from strategies.indicators.directional import directions
from strategies.indicators.extremes import confirmed_peaks, window_maxima
from strategies.indicators.momentum import relative_strength
from strategies.indicators.volatility import smoothed_from_mean, true_ranges, window_deviations
from tests.strategies.indicators.series import random_columns
from traderagent.embedded.home import PROJECT

COLUMNS = random_columns(11, 600)
BARS = (COLUMNS.high, COLUMNS.low, COLUMNS.close)

CALLS: list[tuple[Compiled[..., Any], tuple[Any, ...]]] = [
    (exponential, (COLUMNS.close, 0.1, 19)),
    (window_means, (COLUMNS.volume, 20)),
    (relative_strength, (COLUMNS.close, 14)),
    (true_ranges, BARS),
    (smoothed_from_mean, (COLUMNS.high, 14)),
    (window_deviations, (COLUMNS.close, 20)),
    (directions, (*BARS, 14)),
    (window_maxima, (COLUMNS.high, 30)),
    (confirmed_peaks, (COLUMNS.high, 3)),
]


@pytest.mark.parametrize(("function", "arguments"), CALLS, ids=lambda value: getattr(value, "__name__", ""))
def test_compiled_gives_what_python_gives(function: Compiled[..., Any], arguments: tuple[Any, ...]) -> None:
    fast, plain = function(*arguments), function.py_func(*arguments)
    for here, there in zip(np.atleast_2d(fast), np.atleast_2d(plain), strict=True):
        assert np.isfinite(here).any()
        np.testing.assert_array_equal(here, there)


def test_importing_indicators_and_regimes_loads_no_compiler() -> None:
    program = (
        "import sys, strategies.indicators, strategies.regimes.series; "
        "strategies.indicators.atr_warmup(14); print('numba' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@compiled
def _doubled(value: float) -> float:
    return 2.0 * value


@compiled
def _doubled_and_one(value: float) -> float:
    return _doubled(value) + 1.0


def test_a_compiled_function_may_call_another_one() -> None:
    assert _doubled_and_one(20.5) == 42.0
    assert _doubled_and_one.dispatcher.nopython_signatures, "it was not compiled"


def test_it_lets_go_of_the_interpreter_and_rounds_as_python_does() -> None:
    options = exponential.dispatcher.targetoptions
    assert options["nogil"] is True
    assert not options.get("fastmath")


def test_the_plain_function_calls_plain_functions() -> None:
    class Odd:
        """Something that numba has no type for."""

        def __rmul__(self, factor: float) -> float:
            return factor * 10.0

    assert _doubled_and_one.plain(Odd()) == 21.0  # type: ignore[arg-type]


class _Held:
    _trebled = 7.0


@compiled
def _trebled(held: _Held) -> float:
    return 3.0 * held._trebled


def test_an_attribute_of_the_same_name_is_no_call() -> None:
    assert _trebled.plain(_Held()) == 21.0


def test_a_loop_is_compiled_for_each_of_its_parts() -> None:
    @compiled
    def tripled(value: float) -> float:
        return 3.0 * value

    other = _doubled_and_one.with_parts("tripled", _doubled=tripled)
    assert (other(2.0), other.plain(2.0), _doubled_and_one(2.0)) == (7.0, 7.0, 5.0)
    with pytest.raises(ValueError, match="calls nothing of the name nothing_like_it"):
        _doubled_and_one.with_parts("other", nothing_like_it=tripled)


def test_the_kept_code_is_named_by_what_it_is_made_of() -> None:
    def source(factor: str, shift: str) -> dict[str, Any]:
        module: dict[str, Any] = {"compiled": compiled}
        exec(
            f"SHIFT = {shift}\n@compiled\ndef inner(x):\n    return x * {factor}\n"
            "@compiled\ndef outer(x):\n    return inner(x) + SHIFT\n",
            module,
        )
        return module

    key = content_key(source("2", "1")["outer"].py_func)
    assert content_key(source("2", "1")["outer"].py_func) == key
    assert content_key(source("3", "1")["outer"].py_func) != key, "the function that it calls is another"
    assert content_key(source("2", "5")["outer"].py_func) != key, "a constant that it reads is another"


def test_the_kept_code_is_named_by_where_the_types_of_its_arguments_stand() -> None:
    def of(kind: type) -> str:
        def taken(value: Any) -> float:
            return 1.0

        taken.__annotations__ = {"value": kind}
        return content_key(taken)

    here = type("Tick", (tuple,), {"__module__": "here"})
    there = type("Tick", (tuple,), {"__module__": "there"})
    assert of(here) == of(type("Tick", (tuple,), {"__module__": "here"}))
    assert of(here) != of(there)


def test_what_can_be_kept_nowhere_is_compiled_all_the_same() -> None:
    """As where no folder can be written. Here the source is no file, beside which it would be kept."""
    made: dict[str, Any] = {}
    exec("def twice(value):\n    return 2 * value\n", made)
    twice: Compiled[..., float] = compiled(made["twice"])
    assert twice(3.0) == 6.0
    assert twice.dispatcher.stats.cache_path is None
