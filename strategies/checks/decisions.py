"""Two decisions side by side: whether they are the same, and which part is not."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TypeVar

from strategies.contract import Decision, Strategy, StrategyConfig, WantedOrder

S = TypeVar("S")
C = TypeVar("C", bound=StrategyConfig)

NOTHING = "nothing"


def stored(strategy: Strategy[C, S], state: S) -> str:
    """The state as the text that is kept of it. Raises ``TypeError`` or ``ValueError`` for what JSON cannot hold."""
    return json.dumps(strategy.dump(state), sort_keys=True, allow_nan=False)


def difference(strategy: Strategy[C, S], expected: Decision[S], found: Decision[S]) -> tuple[str, str, str] | None:
    """The first part that is not the same (``order stop``, ``state held``, ``notes`` …) and both as text; ``None`` when
    all are. NaN is NaN; the order in which orders are wanted counts."""
    if _told_of(expected) == _told_of(found) and stored(strategy, expected.state) == stored(strategy, found.state):
        return None
    ours, theirs = _parts(strategy, expected), _parts(strategy, found)
    if ours == theirs and _wishes(expected) == _wishes(found):
        return None  # a NaN, which does not equal itself
    for part in [*ours, *(part for part in theirs if part not in ours)]:
        one, other = ours.get(part, NOTHING), theirs.get(part, NOTHING)
        if one != other:
            return part, one, other
    return "sequence of the orders", str(_wishes(expected)), str(_wishes(found))


def _told_of(decision: Decision[S]) -> tuple[object, ...]:
    return decision.wanted, decision.signal, decision.notes, decision.finish


def _wishes(decision: Decision[S]) -> list[tuple[str, int]]:
    return [(order.slot, order.sequence) for order in decision.wanted]


def _parts(strategy: Strategy[C, S], decision: Decision[S]) -> dict[str, str]:
    parts = {f"order {order.slot} {order.sequence}": _told(order) for order in decision.wanted}
    parts["signal"] = repr(decision.signal or NOTHING)
    parts["notes"] = repr(decision.notes)
    parts["finish"] = repr(decision.finish or NOTHING)
    parts |= {f"state {name}": repr(value) for name, value in json.loads(stored(strategy, decision.state)).items()}
    return parts


def _told(order: WantedOrder) -> str:
    """Only what was said of it."""
    values = {each.name: getattr(order, each.name) for each in fields(order)}
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, False, ""))
