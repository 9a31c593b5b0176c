"""The values that a search tries for one setting of a preset.

A setting is named by its path (``config.grids``, ``leverage``). Ranges are stepped in decimals, so that 0.1, 0.2, 0.3 are
these and not their neighbours.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Value = int | float | str | bool
Values = Mapping[str, Value]

# A grid's values are listed in memory; more of them than this is a slip of the pen.
MOST_VALUES: Final = 1_000_000
_RANGE_KEYS: Final = frozenset({"from", "to", "step", "log", "count"})


class SpaceInvalid(ValueError):
    """A parameter that cannot be searched; the message names the path, the value and the mend."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class Parameter:
    """``values`` are what can be tried, in order; ``ordered`` is false for words, of which none is next to another.

    A parameter without values is continuous between ``low`` and ``high``: only a sampler can search it, not a grid.
    """

    path: str
    values: tuple[Value, ...]
    ordered: bool = True
    low: float = 0.0
    high: float = 0.0
    log: bool = False


def parameter(path: str, said: object) -> Parameter:
    """From what stands in a search file: a list of values, a range, or a choice. Raises :class:`SpaceInvalid`.

    * ``[10, 20, 50]``: these;
    * ``{from: 10, to: 50, step: 10}``: both ends and what lies between;
    * ``{from: 0.001, to: 0.1, log: true, count: 5}``: so many in equal ratios; without ``count``, anything between;
    * ``{choice: [arithmetic, geometric]}``: words, none of which is next to another.
    """
    if isinstance(said, list):
        values = _values(path, said)
        return Parameter(path, values, ordered=all(_is_number(value) for value in values))
    if isinstance(said, dict) and set(said) == {"choice"}:
        return Parameter(path, _values(path, said["choice"]), ordered=False)
    if isinstance(said, dict) and {"from", "to"} <= set(said):
        return _range(path, said)
    raise SpaceInvalid(
        path,
        f"{said!r} is no search space: write a list of values, {{from: 1, to: 9, step: 2}}, "
        "{from: 0.1, to: 10, log: true, count: 5} or {choice: [a, b]}",
    )


def plain(value: Any) -> Value:
    """As JSON knows it: a decimal becomes the float that is written alike, or stays text when no float is."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is neither a number, a word nor true or false")


def trial_key(values: Values) -> str:
    """Names a combination: equal values have an equal key, whatever order they stand in and whether 20 or 20.0."""
    normal = {
        path: int(value) if isinstance(value, float) and value.is_integer() else value for path, value in values.items()
    }
    return hashlib.sha256(json.dumps(normal, sort_keys=True).encode()).hexdigest()[:32]


def grid_size(parameters: Sequence[Parameter]) -> int:
    """How many combinations there are. Raises :class:`SpaceInvalid` for a continuous parameter."""
    for each in parameters:
        if not each.values:
            raise SpaceInvalid(
                each.path, f"anything between {each.low:g} and {each.high:g} is no grid: give step or count"
            )
    return math.prod(len(each.values) for each in parameters)


def combination(parameters: Sequence[Parameter], number: int) -> dict[str, Value]:
    """Number ``number`` of the grid, the last parameter changing fastest: nothing has to be listed before it."""
    chosen: dict[str, Value] = {}
    for each in reversed(parameters):
        number, place = divmod(number, len(each.values))
        chosen[each.path] = each.values[place]
    return {each.path: chosen[each.path] for each in parameters}


def _range(path: str, said: Mapping[str, Any]) -> Parameter:
    unknown = sorted(set(said) - _RANGE_KEYS)
    if unknown:
        raise SpaceInvalid(path, f"{unknown[0]} is not known of a range: from, to and step, or log and count")
    low, high = (_number(f"{path}.{name}", said[name]) for name in ("from", "to"))
    if not low < high:
        raise SpaceInvalid(path, f"from {low} to {high} is no range: to must be above from")
    log = said.get("log", False)
    if not isinstance(log, bool):
        raise SpaceInvalid(f"{path}.log", f"{log!r} is neither true nor false")
    if log:
        return _log_range(path, low, high, said)
    if "count" in said:
        raise SpaceInvalid(f"{path}.count", "belongs to a range with log: true; give step here")
    if "step" not in said:
        return Parameter(path, (), low=float(low), high=float(high))
    step = _number(f"{path}.step", said["step"])
    if not step > 0:
        raise SpaceInvalid(f"{path}.step", f"{step} must be above 0")
    count = int((high - low) / step) + 1
    if count > MOST_VALUES:
        raise SpaceInvalid(f"{path}.step", f"{step} makes {count} values: take a larger one")
    return Parameter(path, tuple(_counted(low + step * place) for place in range(count)))


def _log_range(path: str, low: Decimal, high: Decimal, said: Mapping[str, Any]) -> Parameter:
    if not low > 0:
        raise SpaceInvalid(f"{path}.from", f"{low} has no logarithm: it must be above 0")
    if "step" in said:
        raise SpaceInvalid(f"{path}.step", "belongs to a range without log; give count here")
    if "count" not in said:
        return Parameter(path, (), low=float(low), high=float(high), log=True)
    count = said["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= MOST_VALUES:
        raise SpaceInvalid(f"{path}.count", f"{count!r} must be a whole number from 2 on")
    ratio = (float(high) / float(low)) ** (1.0 / (count - 1))
    # Nine digits are enough to tell neighbours apart, and can be read.
    between = [float(f"{float(low) * ratio**place:.9g}") for place in range(1, count - 1)]
    return Parameter(path, (_counted(low), *between, _counted(high)), log=True)


def _values(path: str, said: object) -> tuple[Value, ...]:
    if not isinstance(said, list) or not said:
        raise SpaceInvalid(path, f"{said!r} must be a list of one value or more")
    try:
        values = tuple(plain(each) for each in said)
    except TypeError as error:
        raise SpaceInvalid(path, str(error)) from error
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise SpaceInvalid(path, f"{twice[0]!r} stands there twice; keep one")
    return values


def _number(path: str, said: object) -> Decimal:
    if isinstance(said, bool) or not isinstance(said, int | float | Decimal):
        raise SpaceInvalid(path, f"{said!r} is no number")
    number = said if isinstance(said, Decimal) else Decimal(repr(said))
    if not number.is_finite():
        raise SpaceInvalid(path, f"{said} is no number")
    return number


def _counted(value: Decimal) -> Value:
    return int(value) if value == value.to_integral_value() else plain(value.normalize())


def _is_number(value: Value) -> bool:
    return not isinstance(value, bool | str)
