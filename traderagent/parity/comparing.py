"""Two runs held against each other: what differs, and what it comes from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from traderagent.parity.records import Key, Run, Traded, Wanted, plain

# Floats of the back-test against the ledger's decimals.
CLOSE = 1e-9


class Cause(StrEnum):
    SIGNAL = "signal"  # the strategy decided otherwise: another order, none, or at another time
    PRICE = "price"
    SIZE = "size"
    FILL = "fill"  # the same order, and it traded on one side only, elsewhere or at another time
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Difference:
    """``live`` and ``tested`` are what the two did, as text; ``timestamp`` is the earlier one's, ms UTC."""

    cause: Cause
    timestamp: int
    slot: str
    sequence: int
    what: str
    live: str
    tested: str

    def as_json(self) -> dict[str, Any]:
        return {
            "cause": self.cause.value,
            "timestamp": self.timestamp,
            "slot": self.slot,
            "sequence": self.sequence,
            "what": self.what,
            "live": self.live,
            "tested": self.tested,
        }


def differences(live: Run, tested: Run) -> list[Difference]:
    """In the order of time: the first one is the cause of most that follow."""
    traded: dict[Key, tuple[list[Traded], list[Traded]]] = {}
    for side, run in enumerate((live, tested)):
        for fill in run.fills:
            traded.setdefault(fill.key, ([], []))[side].append(fill)
    keys = dict.fromkeys([*live.wanted, *tested.wanted, *traded])
    found: list[Difference] = []
    for key in keys:
        ours, theirs = traded.get(key, ([], []))
        found += _of_orders(key, live.wanted.get(key), tested.wanted.get(key), bool(ours or theirs))
        found += _of_fills(key, ours, theirs)
    found += _of_order_in_time(live, tested)
    found += _of_opinions(live, tested)
    found.sort(key=lambda each: each.timestamp)
    return found + list(_of_ends(live, tested))


def causes(found: Sequence[Difference]) -> dict[str, int]:
    counted = Counter(each.cause for each in found)
    return {cause.value: counted[cause] for cause in Cause if counted[cause]}


def _of_orders(key: Key, live: Wanted | None, tested: Wanted | None, has_traded: bool) -> Iterator[Difference]:
    if live is None and tested is None:
        return
    if live is None or tested is None:
        known = live or tested
        assert known is not None
        if live is None and not has_traded and known.refused:
            return
        yield Difference(Cause.SIGNAL, known.since, *key, "order wanted on one side only", _told(live), _told(tested))
        return
    for cause, what, ours, theirs in (
        (Cause.SIGNAL, "kind of order", (live.side, live.type), (tested.side, tested.type)),
        (Cause.SIGNAL, "first wanted", live.since, tested.since),
        (Cause.PRICE, "price of the order", (live.price, live.trigger_price), (tested.price, tested.trigger_price)),
        (Cause.SIZE, "amount of the order", live.amount, tested.amount),
    ):
        if ours != theirs:
            at = min(live.since, tested.since)
            times = (f" at {live.since}", f" at {tested.since}") if what == "first wanted" else ("", "")
            yield Difference(cause, at, *key, what, _told(live) + times[0], _told(tested) + times[1])
            return


def _of_fills(key: Key, ours: Sequence[Traded], theirs: Sequence[Traded]) -> Iterator[Difference]:
    for number in range(max(len(ours), len(theirs))):
        live = ours[number] if number < len(ours) else None
        tested = theirs[number] if number < len(theirs) else None
        if live is None or tested is None:
            known = live or tested
            assert known is not None
            yield Difference(Cause.FILL, known.timestamp, *key, "traded on one side only", _told(live), _told(tested))
            continue
        at = min(live.timestamp, tested.timestamp)
        if live.timestamp != tested.timestamp:
            yield Difference(
                Cause.FILL,
                at,
                *key,
                "traded at another point",
                f"{live} at {live.timestamp}",
                f"{tested} at {tested.timestamp}",
            )
        if live.price != tested.price:
            yield Difference(Cause.PRICE, at, *key, "price of the fill", _told(live), _told(tested))
        if live.amount != tested.amount or live.side != tested.side:
            yield Difference(Cause.SIZE, at, *key, "amount of the fill", _told(live), _told(tested))
        if live.is_maker != tested.is_maker:
            yield Difference(Cause.FILL, at, *key, "maker or taker", _role(live), _role(tested))
        if live.fee_coin != tested.fee_coin or not _close(live.fee, tested.fee):
            yield Difference(Cause.FEE, at, *key, "fee", _fee(live), _fee(tested))


def _of_order_in_time(live: Run, tested: Run) -> Iterator[Difference]:
    """The same fills one after the other: which came first decides what the strategy saw."""
    if Counter(fill.key for fill in live.fills) != Counter(fill.key for fill in tested.fills):
        return  # told already
    for ours, theirs in zip(live.fills, tested.fills, strict=True):
        if ours.key != theirs.key and ours.timestamp == theirs.timestamp:
            yield Difference(
                Cause.FILL,
                ours.timestamp,
                *ours.key,
                "order of the fills",
                f"{ours.slot} first",
                f"{theirs.slot} first",
            )
            return


def _of_opinions(live: Run, tested: Run) -> Iterator[Difference]:
    for number in range(max(len(live.opinions), len(tested.opinions))):
        ours = live.opinions[number] if number < len(live.opinions) else None
        theirs = tested.opinions[number] if number < len(tested.opinions) else None
        known = ours or theirs
        assert known is not None
        if (
            ours is None
            or theirs is None
            or (ours.timestamp, ours.direction) != (theirs.timestamp, theirs.direction)
            or not all(
                _close(getattr(ours, name), getattr(theirs, name)) for name in ("entry", "stop_loss", "take_profit")
            )
        ):
            yield Difference(Cause.SIGNAL, known.timestamp, "signal", number, "signal", str(ours), str(theirs))
            return


def _of_ends(live: Run, tested: Run) -> Iterator[Difference]:
    last = max((fill.timestamp for run in (live, tested) for fill in run.fills), default=0)
    if not math.isclose(float(live.amount), float(tested.amount), rel_tol=CLOSE, abs_tol=1e-12):
        yield Difference(
            Cause.SIZE, last, "position", 0, "position in the end", plain(live.amount), plain(tested.amount)
        )
    for path, ours, theirs in _unlike(live.state, tested.state, ""):
        yield Difference(Cause.SIGNAL, last, path, 0, "strategy's state in the end", str(ours), str(theirs))
        return


def _unlike(ours: Any, theirs: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in {**ours, **theirs}:
            yield from _unlike(ours.get(name), theirs.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple) and len(ours) == len(theirs):
        for number, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            yield from _unlike(one, two, f"{path}[{number}]")
    elif isinstance(ours, float) or isinstance(theirs, float):
        if ours is None or theirs is None or not math.isclose(ours, theirs, rel_tol=CLOSE, abs_tol=CLOSE):
            yield path, ours, theirs
    elif ours != theirs:
        yield path, ours, theirs


def _close(one: Decimal | float | None, two: Decimal | float | None) -> bool:
    if one is None or two is None:
        return one is two
    return math.isclose(float(one), float(two), rel_tol=CLOSE, abs_tol=1e-12)


def _told(what: Wanted | Traded | None) -> str:
    return "–" if what is None else str(what)


def _role(fill: Traded) -> str:
    return f"{fill} as {'maker' if fill.is_maker else 'taker'}"


def _fee(fill: Traded) -> str:
    return f"{plain(fill.fee)} {fill.fee_coin}"
