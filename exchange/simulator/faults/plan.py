"""Which request, message or order meets which fault. All chance comes from one seed.

Every rule draws from a stream of its own, made of the seed and the rule's number: what one rule does to a sequence of
requests does not change when another rule is added beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.parameters import Delay, Parameters
from exchange.simulator.faults.rules import FaultRule, Meets, describe

MAX_RULES = 500

Kinds = TypeVar("Kinds", bound=Parameters)


class Stage(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"


@dataclass(slots=True)
class Fault:
    """A rule at work. ``first`` and ``last`` are points counted from the market's beginning."""

    number: int
    rule: FaultRule
    random: Random
    first: int
    last: int | None
    stage: Stage = Stage.WAITING
    # How often it could have happened, and how often it did.
    met: int = 0
    applied: int = 0
    # Where the market stood, and what the monotonic clock showed, when it began.
    began_point: int = 0
    began_at: float = 0.0

    def parameters(self, expected: type[Kinds]) -> Kinds:
        if not isinstance(self.rule.parameters, expected):
            raise TypeError(f"{self.rule.kind.name} has {type(self.rule.parameters).__name__}")
        return self.rule.parameters

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "rule": describe(self.rule),
            "kind": self.rule.kind.name,
            "on": self.rule.target,
            "stage": self.stage.value,
            "met": self.met,
            "applied": self.applied,
            "count": self.rule.count,
            "from": self.first,
            "to": self.last,
        }


@dataclass(slots=True)
class Decision:
    """What happens to one request: how long it waits before it is handled and after, and what goes wrong."""

    before: float = 0.0
    after: float = 0.0
    fault: Fault | None = None
    names: list[str] = field(default_factory=list)


class FaultPlan:
    """The rules of one run, in the order in which they were added."""

    def __init__(self, seed: int, point: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.seed = seed
        self.faults: list[Fault] = []
        self._monotonic = monotonic
        self._point = point
        self._numbers = 0
        self._by_kind: dict[str, list[Fault]] = {}

    def add(self, rules: Iterable[FaultRule]) -> list[Fault]:
        """All of them or none. Raises ``FaultError`` when there would be too many."""
        rules = list(rules)
        if len(self.faults) + len(rules) > MAX_RULES:
            raise FaultError(f"{MAX_RULES} rules are the most there can be; remove those that are done")
        added = []
        for rule in rules:
            self._numbers += 1
            offset = self._point if rule.relative else 0
            first = offset + rule.first if rule.first is not None else 0
            last = None if rule.last is None else offset + rule.last
            fault = Fault(self._numbers, rule, Random(f"{self.seed} {self._numbers}"), first, last)  # noqa: S311
            if rule.sharp and self._point > first:
                fault.stage = Stage.DONE
            added.append(fault)
        self.faults += added
        self._index()
        self.reach(self._point)
        return added

    def remove(self, number: int) -> bool:
        kept = [fault for fault in self.faults if fault.number != number]
        found = len(kept) < len(self.faults)
        self.faults = kept
        self._index()
        return found

    def clear(self) -> None:
        self.faults = []
        self._index()

    def _index(self) -> None:
        self._by_kind = {}
        for fault in self.faults:
            if fault.stage is not Stage.DONE:
                self._by_kind.setdefault(fault.rule.kind.name, []).append(fault)

    def reach(self, point: int) -> None:
        """The market stands at ``point`` now: rules begin and end."""
        self._point = point
        if self._by_kind:
            self._refresh()

    def _refresh(self) -> None:
        ended = False
        for faults in self._by_kind.values():
            for fault in faults:
                self._update(fault)
                ended |= fault.stage is Stage.DONE
        if ended:
            self._index()

    def _update(self, fault: Fault) -> None:
        if fault.stage is Stage.WAITING and self._point >= fault.first:
            fault.stage = Stage.ACTIVE
            fault.began_point = self._point
            fault.began_at = self._monotonic()
        rule = fault.rule
        if (
            (fault.last is not None and self._point > fault.last)
            or (rule.count is not None and fault.applied >= rule.count)
            or (
                rule.for_ms is not None
                and fault.stage is Stage.ACTIVE
                and self._monotonic() - fault.began_at >= rule.for_ms / 1000
            )
        ):
            fault.stage = Stage.DONE

    # Questions

    def has(self, kind: str) -> bool:
        return kind in self._by_kind

    def active(self, kind: str, subject: str = "", account: str = "") -> Fault | None:
        """The first rule of a kind that stands now, whatever its chance; counted, not drawn."""
        for fault in self.standing(kind, subject, account):
            fault.met += 1
            fault.applied += fault.rule.kind.state
            return fault
        return None

    def happens(self, kind: str, subject: str, account: str = "") -> Fault | None:
        """The rule of this kind that strikes now: its chance is drawn and it is counted."""
        for fault in self.standing(kind, subject, account):
            if self.strikes(fault):
                return fault
        return None

    def standing(self, kind: str, subject: str = "", account: str = "") -> Iterator[Fault]:
        """Every rule of the kind that stands now and is about ``subject``; without one, about anything."""
        for fault in self._by_kind.get(kind, ()):
            self._update(fault)
            if (
                fault.stage is Stage.ACTIVE
                and (not subject or fault.rule.matches(subject))
                and (not fault.rule.account or fault.rule.account == account)
            ):
                yield fault

    def strikes(self, fault: Fault) -> bool:
        """Draws whether a standing rule strikes, and counts it."""
        fault.met += 1
        chance = fault.rule.chance
        if chance < 1 and fault.random.random() >= chance:
            return False
        fault.applied += 1
        self._update(fault)
        return True

    def decide(self, path: str, account: str) -> Decision:
        """What happens to a request. Latencies add up; of what goes wrong the first rule wins."""
        decision = Decision()
        for fault in self.faults:
            rule = fault.rule
            if rule.kind.meets is not Meets.REQUESTS or fault.stage is Stage.DONE:
                continue
            self._update(fault)
            if fault.stage is not Stage.ACTIVE or not rule.matches(path):
                continue
            if rule.account and rule.account != account:
                continue
            if isinstance(rule.parameters, Delay):
                if self.strikes(fault):
                    seconds = rule.parameters.draw_seconds(fault.random)
                    decision.names.append(f"latency {seconds * 1000:.0f}ms")
                    if rule.parameters.after_accept:
                        decision.after += seconds
                    else:
                        decision.before += seconds
            elif decision.fault is None and self.strikes(fault):
                decision.fault = fault
                decision.names.append(rule.kind.name)
        return decision
