"""Features computed once for all configurations that they cannot tell apart.

A strategy does not say which of its settings its features depend on; it is watched reading them. What was made of a
configuration serves every other one that has the same values in the fields that were read: as long as those agree, the
same code reads the same fields and comes to the same columns.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from backtests.features import longer
from exchange.candles.files import Candles
from strategies.contract import CandleSeries, Strategy, StrategyConfig, UsesFeatures
from strategies.feature_rows import FeatureTable, feature_table

# Of all tables of one process together. Where none is used twice, fresh memory for each costs more than the table.
MOST_BYTES: Final = 16_000_000
_READS: Final = "_fields_read"


@dataclass(slots=True)
class FeatureCache:
    """The tables of one strategy over one history, the least used forgotten first."""

    strategy: Strategy[Any, Any]
    candles: Candles
    timeframe: str
    most_bytes: int = MOST_BYTES
    hits: int = 0
    _series: dict[str, CandleSeries] = field(default_factory=dict)
    # By the fields that were read, and by their values.
    _tables: OrderedDict[tuple[tuple[str, ...], tuple[Any, ...]], FeatureTable | None] = field(
        default_factory=OrderedDict
    )
    _bytes: int = 0

    def table(self, config: Any) -> FeatureTable | None:
        """As ``backtests.features.history_features`` gives it."""
        if not isinstance(self.strategy, UsesFeatures):
            return None
        for names in {names for names, _ in self._tables}:
            key = (names, _values_of(config, names))
            if key in self._tables:
                self.hits += 1
                self._tables.move_to_end(key)
                return self._tables[key]
        watched = recording(config)
        made = self._made(watched)
        names = tuple(sorted(getattr(watched, _READS)))
        self._tables[names, _values_of(config, names)] = made
        self._bytes += _size(made)
        while self._bytes > self.most_bytes and len(self._tables) > 1:
            self._bytes -= _size(self._tables.popitem(last=False)[1])
        return made

    def _made(self, config: Any) -> FeatureTable | None:
        assert isinstance(self.strategy, UsesFeatures)
        needed = [need.timeframe for need in self.strategy.timeframes(config)]
        if not needed:
            return None
        for each in needed:
            if each not in self._series:
                self._series[each] = longer(self.candles, self.timeframe, each)
        return feature_table(self.strategy, config, {each: self._series[each] for each in needed})


def recording(config: StrategyConfig) -> StrategyConfig:
    """An equal configuration that keeps the names of the fields read in ``_fields_read``; of all of them when it is read
    as a whole, as by hashing it."""
    kind = type(config)
    made = _recorder(kind).model_construct(**{name: getattr(config, name) for name in kind.model_fields})
    object.__getattribute__(made, "__dict__")[_READS] = set()
    return made


@cache
def _recorder(kind: type[StrategyConfig]) -> type[StrategyConfig]:
    names = frozenset(kind.model_fields)

    def read(self: StrategyConfig, name: str) -> Any:
        if name in names:
            found: Iterable[str] = (name,)
        elif name == "__dict__":
            found = names
        else:
            return object.__getattribute__(self, name)
        reads = object.__getattribute__(self, "__dict__").get(_READS)
        if reads is not None:  # not while it is made
            reads.update(found)
        return object.__getattribute__(self, name)

    made: type[StrategyConfig] = type(kind.__name__, (kind,), {"__getattribute__": read, "__module__": kind.__module__})
    return made


def _values_of(config: Any, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(_hashable(getattr(config, name)) for name in names)


def _hashable(value: Any) -> Any:
    """1 and 1.0 and true are equal, but a strategy might tell them apart."""
    if isinstance(value, list | tuple | set):
        return (type(value), tuple(_hashable(each) for each in value))
    if isinstance(value, Mapping):
        return (type(value), tuple((name, _hashable(each)) for name, each in value.items()))
    return (type(value), value)


def _size(table: FeatureTable | None) -> int:
    return 0 if table is None else sum(column.nbytes for column in table.columns.values())
