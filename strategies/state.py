"""What a strategy remembers, as a dataclass of plain numbers and lists of them: the snapshot, and a record for machine
code.

One step function serves both: in a live tick it is called with the dataclass, in a back-test it is compiled and called
with a numpy record of the same fields. So a list keeps the length it has in the initial state, which the configuration
decides, and texts are numbers with a table of words (:attr:`PlainState.WORDS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar, get_args, get_origin, get_type_hints

from strategies.contract import WantedOrder

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class PlainState:
    """Base of such states; every field of a subclass is an ``int``, ``float``, ``bool`` or a list of one of them, and
    has a default."""

    # Fields whose numbers stand for words, which is how they are stored: readable, and free to be renumbered.
    WORDS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # What snapshots of older versions do not have.
    ADDED_LATER: ClassVar[Mapping[str, Any]] = {}
    # The longest that each list can be, for the record.
    CAPACITIES: ClassVar[Mapping[str, int]] = {}

    # A function of the other fields, remembered because most steps change nothing.
    wanted: tuple[WantedOrder, ...] | None = field(default=None, compare=False, repr=False, kw_only=True)

    def copy(self) -> Self:
        """An independent state that has not decided yet what it wants."""
        return type(self)(*self._values())

    def dump(self) -> dict[str, Any]:
        """As JSON: ``load(dump()) == self``."""
        values = dict(zip(field_names(type(self)), self._values(), strict=True))
        for name in self.WORDS:
            values[name] = self._worded(name, values[name])
        return values

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        names = field_names(cls)
        if data.keys() != set(names):
            data = {**cls.ADDED_LATER, **data}
            unknown, missing = set(data) - set(names), set(names) - set(data)
            if unknown or missing:
                raise ValueError(
                    f"This is not a snapshot that {cls.__name__} can be made of: unknown fields {sorted(unknown)}, "
                    f"missing fields {sorted(missing)}."
                )
        values = [each[:] if type(each := data[name]) is list else each for name in names]
        for name in cls.WORDS:
            place = names.index(name)
            values[place] = cls._numbered(name, values[place])
        return cls(*values)

    def _values(self) -> list[Any]:
        names = field_names(type(self))
        return [each[:] if type(each := getattr(self, name)) is list else each for name in names]

    def _worded(self, name: str, value: Any) -> Any:
        if name not in self.WORDS:
            return value
        if isinstance(value, list):
            return [self.WORDS[name][each] for each in value]
        return self.WORDS[name][value]

    @classmethod
    def _numbered(cls, name: str, value: Any) -> Any:
        if name not in cls.WORDS:
            return value
        if isinstance(value, list):
            return [cls._numbered(name, each) for each in value]
        if value not in cls.WORDS[name]:
            raise ValueError(f"{cls.__name__} knows no {name} {value!r}; known are {', '.join(cls.WORDS[name])}.")
        return cls.WORDS[name].index(value)


T = TypeVar("T", bound=PlainState)


# Remembered by class. Not by ``functools.cache``: to a type checker a class is hashable only if its instances are.
_NAMES: Final[dict[type, tuple[str, ...]]] = {}
_RECORDS: Final[dict[type, np.dtype[Any]]] = {}


def field_names(state: type[PlainState]) -> tuple[str, ...]:
    """The fields that are the snapshot."""
    if state not in _NAMES:
        _NAMES[state] = tuple(each.name for each in fields(state) if each.compare)
    return _NAMES[state]


def record_type(state: type[PlainState]) -> np.dtype[Any]:
    """The numpy record of these fields; a list takes the room of its capacity."""
    if state not in _RECORDS:
        _RECORDS[state] = _record_of(state)
    return _RECORDS[state]


def _record_of(state: type[PlainState]) -> np.dtype[Any]:
    import numpy as np

    hints = get_type_hints(state)
    scalars = {int: np.int64, float: np.float64, bool: np.bool_}
    columns: list[Any] = []
    for name in field_names(state):
        hint = hints[name]
        if get_origin(hint) is list:
            of = get_args(hint)[0]
            # Machine code knows no list of booleans within a record: they are 0 and 1 there.
            columns.append((name, np.uint8 if of is bool else scalars[of], (state.CAPACITIES[name],)))
        else:
            columns.append((name, scalars[hint]))
    return np.dtype(columns, align=True)


def packed(state: PlainState) -> Any:
    """A record with the values of ``state``. Raises ``ValueError`` when a list is longer than its capacity."""
    import numpy as np

    array = np.zeros(1, record_type(type(state))).view(np.recarray)
    record = array[0]
    for name in field_names(type(state)):
        value = getattr(state, name)
        if isinstance(value, list):
            if len(value) > state.CAPACITIES[name]:
                raise ValueError(f"{name} has {len(value)} values, the record has room for {state.CAPACITIES[name]}")
            record[name][: len(value)] = value
        else:
            record[name] = value
    return record


def unpacked(record: Any, like: T) -> T:
    """The state that a record holds; its lists are as long as those of ``like``, an earlier one of the same bot."""
    values: dict[str, Any] = {}
    for name in field_names(type(like)):
        old = getattr(like, name)
        new = record[name]
        if isinstance(old, list):
            numbers = new[: len(old)]
            values[name] = (numbers.astype(bool) if numbers.dtype == "uint8" else numbers).tolist()
        else:
            values[name] = new.item()
    return type(like)(**values)


def packed_tuple(values: Any) -> Any:
    """A named tuple of numbers, arrays (or tuples) of them and further named tuples as a record with the same names.

    Machine code passes a record on as a pointer. Arrays must have the same shape for every configuration, or the code
    is compiled for each anew.
    """
    import numpy as np

    record = np.zeros(1, _tuple_type(values)).view(np.recarray)[0]
    _fill(record, values)
    return record


def _tuple_type(values: Any) -> np.dtype[Any]:
    import numpy as np

    columns: list[Any] = []
    for name, value in zip(values._fields, values, strict=True):
        if hasattr(value, "_fields"):
            columns.append((name, _tuple_type(value)))
        elif isinstance(value, np.ndarray | tuple):
            columns.append((name, np.asarray(value).dtype, np.shape(value)))
        else:
            columns.append((name, {bool: np.bool_, int: np.int64, float: np.float64}[type(value)]))
    return np.dtype(columns, align=True)


def _fill(record: Any, values: Any) -> None:
    for name, value in zip(values._fields, values, strict=True):
        if hasattr(value, "_fields"):
            _fill(record[name], value)
        else:
            record[name] = value
