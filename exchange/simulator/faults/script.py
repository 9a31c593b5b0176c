"""Fault rules from text (one to a line) and from JSON objects.

::

    line   = [when ":"] [chance] [count] KIND [parameters] ["on" TARGET] ["account=" KEY] ["for" DURATION] [count]
    when   = "at once" | "at point N" | "from point N" ["to" ["point"] N] | "until point N"
    chance = "5%"
    count  = "×3" | "x3"

``+N`` for a point counts from where the market stands when the rule is added. ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.parameters import milliseconds
from exchange.simulator.faults.rules import FaultRule, Meets, Scope, find_kind

_COUNT = re.compile(r"[×xX](\d+)")
_CHANCE = re.compile(r"(\d+(?:\.\d+)?)%")
_POINT = re.compile(r"\+?\d+")
_WHEN = "write at once, at point 120, from point 10 to 50, or until point 50"

# Names of a rule's fields in JSON.
FIELDS = ("kind", "parameters", "on", "account", "chance", "count", "at", "from", "to", "for")


@dataclass(slots=True)
class _When:
    at: str | None = None
    first: str | None = None
    last: str | None = None


def parse_script(text: str, scope: Scope) -> list[FaultRule]:
    """The rules of all lines. Raises ``FaultError`` that names every line that is wrong."""
    rules, problems = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        try:
            rules.append(parse_line(written, scope))
        except FaultError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        raise FaultError("\n".join(problems))
    return rules


def parse_line(line: str, scope: Scope) -> FaultRule:
    """One rule without a comment. Raises ``FaultError``."""
    head, colon, rest = line.partition(":")
    when = _read_when(head.split()) if colon else _When()
    words = (rest if colon else head).split()
    chance = count = None
    while words and (_CHANCE.fullmatch(words[0]) or _COUNT.fullmatch(words[0])):
        word = words.pop(0)
        if word.endswith("%"):
            chance = float(word[:-1]) / 100
        else:
            count = int(word[1:])
    if not words:
        raise FaultError("a kind of fault is missing, as 5% error on order/create")
    name, *words = words
    if name in ("at", "from", "until"):
        raise FaultError(f"a colon has to follow the time; {_WHEN}, then a colon")
    if words and (found := _COUNT.fullmatch(words[-1])):
        words.pop()
        count = int(found[1])
    duration = _take_after(words, "for")
    account = None
    if words and words[-1].startswith("account="):
        account = words.pop().removeprefix("account=")
    target = _take_after(words, "on")
    return build_rule(
        name, words, target=target, account=account, chance=chance, count=count, when=when, duration=duration
    ).checked(scope)


def _take_after(words: list[str], word: str) -> str | None:
    """Takes ``word`` and the one after it off the end."""
    if word not in words:
        return None
    place = words.index(word)
    if place == len(words) - 1:
        raise FaultError(f"something is missing after {word!r}")
    if place != len(words) - 2:
        raise FaultError(f"{' '.join(words[place + 2 :])!r} is not understood after '{word} {words[place + 1]}'")
    taken = words[place + 1]
    del words[place:]
    return taken


def _read_when(words: list[str]) -> _When:
    match words:
        case ["at", "once"]:
            return _When()
        case ["at", "point", point]:
            return _When(at=point)
        case ["from", "point", first]:
            return _When(first=first)
        case ["from", "point", first, "to", last] | ["from", "point", first, "to", "point", last]:
            return _When(first=first, last=last)
        case ["until", "point", last]:
            return _When(last=last)
    raise FaultError(f"{' '.join(words)!r} is no time; {_WHEN}")


def read_object(fields: Mapping[str, Any], scope: Scope) -> FaultRule:
    """One rule of ``{"rules": […]}``. Raises ``FaultError``."""
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise FaultError(f"{unknown[0]!r} is no field of a rule; there are {', '.join(FIELDS)}")
    chance, count = fields.get("chance"), fields.get("count")
    if chance is not None and (isinstance(chance, bool) or not isinstance(chance, int | float)):
        raise FaultError(f"chance {chance!r} must be a number from 0 to 1")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        raise FaultError(f"count {count!r} must be a whole number")
    when = _When(*(str(fields[name]) if fields.get(name) is not None else None for name in ("at", "from", "to")))
    if when.at is not None and (when.first is not None or when.last is not None):
        raise FaultError("a rule is either 'at' one point or 'from' one 'to' another")
    return build_rule(
        str(fields.get("kind", "")),
        str(fields.get("parameters", "")).split(),
        target=fields.get("on"),
        account=fields.get("account"),
        chance=chance,
        count=count,
        when=when,
        duration=fields.get("for"),
    ).checked(scope)


def build_rule(
    name: str,
    words: list[str],
    *,
    target: str | None,
    account: str | None,
    chance: float | None,
    count: int | None,
    when: _When,
    duration: str | None,
) -> FaultRule:
    kind = find_kind(name)
    text = " ".join(words)
    parameters = kind.parameters.read(words)
    if chance is not None and not 0 < chance <= 1:
        raise FaultError(f"a chance of {chance * 100:g}% never or more than always happens; write 0.1% to 100%")
    if count is not None and count < 1:
        raise FaultError("a count must be at least ×1")
    if kind.state and (chance is not None or count is not None):
        raise FaultError(f"{kind.name} is a state; it takes neither a chance nor a count")
    if account is not None and (
        kind.meets in (Meets.SOCKETS, Meets.SERVER) or (kind.state and kind.name != "list-lag")
    ):
        raise FaultError(f"{kind.name} does not tell accounts apart; leave out account=")
    points = [point for point in (when.at, when.first, when.last) if point is not None]
    for point in points:
        if not _POINT.fullmatch(point):
            raise FaultError(f"point {point!r} is no number; write 120, or +120 to count from now")
    relative = {point.startswith("+") for point in points}
    if len(relative) > 1:
        raise FaultError("of two points either both or none count from now (+)")
    first = when.at if when.at is not None else when.first
    if first is not None and when.last is not None and int(first) > int(when.last):
        raise FaultError(f"the points run backwards: {first} comes after {when.last}")
    if when.at is not None and count is None and duration is None and not kind.standing:
        count = 1
    return FaultRule(
        kind,
        parameters,
        target or kind.default_target,
        text,
        chance=1.0 if chance is None else chance,
        count=count,
        first=None if first is None else int(first),
        last=None if when.last is None else int(when.last),
        relative=True in relative,
        sharp=when.at is not None,
        for_ms=None if duration is None else milliseconds(duration),
        account=account or "",
    )
