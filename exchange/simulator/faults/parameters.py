"""What stands behind a fault's kind: delays, shares, status codes, offsets. Each reads its own words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from random import Random

from exchange.simulator.faults.errors import FaultError

GATEWAY_ERRORS = (500, 502, 503, 504)
MAX_HANG_S = 120.0

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
# The standard normal distribution's 95th percentile.
_Z95 = 1.6448536269514722


def milliseconds(written: str) -> float:
    """``250ms``, ``2s``, ``3m`` or ``1h``. Raises ``FaultError``."""
    found = _DURATION.fullmatch(written)
    if found is None:
        raise FaultError(f"{written!r} is no duration; write 250ms, 2s, 3m or 1h")
    return float(found[1]) * _UNITS_MS[found[2]]


def duration_text(ms: float) -> str:
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms >= size and ms % size == 0:
            return f"{ms / size:g}{unit}"
    return f"{ms:g}ms"


def _none_left(words: list[str]) -> None:
    if words:
        raise FaultError(f"{' '.join(words)!r} is not understood here")


def _take_flag(words: list[str], flag: str) -> bool:
    if flag not in words:
        return False
    words.remove(flag)
    return True


@dataclass(frozen=True, slots=True)
class Nothing:
    """Of kinds that need no more than their name."""

    usage = ""

    @classmethod
    def read(cls, words: list[str]) -> Nothing:
        _none_left(words)
        return cls()


@dataclass(frozen=True, slots=True)
class Delay:
    """In ms: between ``low`` and ``high`` alike, or lognormal with the median ``low`` and ``high`` as its p95."""

    low: float
    high: float
    lognormal: bool = False
    after_accept: bool = False

    usage = "300ms | 50..400ms | lognormal p50=80ms p95=400ms [after-accept]"

    @classmethod
    def read(cls, words: list[str]) -> Delay:
        after = _take_flag(words, "after-accept")
        if words[:1] == ["lognormal"]:
            given = dict(word.partition("=")[::2] for word in words[1:])
            if len(words) != 3 or set(given) != {"p50", "p95"}:
                raise FaultError("a lognormal latency needs p50 and p95, as lognormal p50=80ms p95=400ms")
            low, high = milliseconds(given["p50"]), milliseconds(given["p95"])
            if not 0 < low <= high:
                raise FaultError(f"p50 {given['p50']} must be above 0 and not above p95 {given['p95']}")
            return cls(low, high, lognormal=True, after_accept=after)
        if len(words) != 1:
            raise FaultError("latency needs one duration or range, as 300ms or 50..400ms")
        first, dots, last = words[0].partition("..")
        if not dots:
            return cls(milliseconds(first), milliseconds(first), after_accept=after)
        if first.replace(".", "", 1).isdigit():
            first += last.lstrip("0123456789.")
        low, high = milliseconds(first), milliseconds(last)
        if low > high:
            raise FaultError(f"the range {words[0]} runs backwards; write the smaller one first")
        return cls(low, high, after_accept=after)

    def draw_seconds(self, random: Random) -> float:
        if self.lognormal:
            sigma = math.log(self.high / self.low) / _Z95
            return random.lognormvariate(math.log(self.low), sigma) / 1000
        return random.uniform(self.low, self.high) / 1000


@dataclass(frozen=True, slots=True)
class Reset:
    """How long the caller is told to wait, in ms."""

    ms: float

    usage = "[2s]"

    @classmethod
    def read(cls, words: list[str]) -> Reset:
        ms = milliseconds(words.pop(0)) if words else 1000.0
        _none_left(words)
        return cls(ms)


@dataclass(frozen=True, slots=True)
class Status:
    """One of these HTTP codes, drawn; with ``after_accept`` the request was handled before the gateway gave up."""

    codes: tuple[int, ...]
    after_accept: bool

    usage = "[500|502|503|504 …] [after-accept]"

    @classmethod
    def read(cls, words: list[str]) -> Status:
        after = _take_flag(words, "after-accept")
        known = {str(code): code for code in GATEWAY_ERRORS}
        unknown = [word for word in words if word not in known]
        if unknown:
            raise FaultError(f"{unknown[0]!r} is no gateway error; choose of {', '.join(known)}")
        return cls(tuple(known[word] for word in words) or GATEWAY_ERRORS, after)


@dataclass(frozen=True, slots=True)
class Hang:
    """How long an answer that never comes keeps its connection open at most, in seconds."""

    seconds: float

    usage = "[30s]"

    @classmethod
    def read(cls, words: list[str]) -> Hang:
        seconds = milliseconds(words.pop(0)) / 1000 if words else 30.0
        _none_left(words)
        if seconds > MAX_HANG_S:
            raise FaultError(f"an answer is held back for {MAX_HANG_S:g}s at most")
        return cls(seconds)


@dataclass(frozen=True, slots=True)
class Cut:
    """``announced``: Content-Length is still that of the whole answer, so that the client sees the connection break."""

    announced: bool

    usage = "[announced]"

    @classmethod
    def read(cls, words: list[str]) -> Cut:
        announced = _take_flag(words, "announced")
        _none_left(words)
        return cls(announced)


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much the server's clock is ahead (or, negative, behind), in ms."""

    ms: int

    usage = "+3m | -90s"

    @classmethod
    def read(cls, words: list[str]) -> Offset:
        if len(words) != 1 or words[0][:1] not in ("+", "-"):
            raise FaultError("clock needs one offset with its sign, as +3m or -90s")
        ms = milliseconds(words[0][1:])
        return cls(round(-ms if words[0].startswith("-") else ms))


@dataclass(frozen=True, slots=True)
class Lag:
    """How long what is new stays out of the lists, in ms."""

    ms: float

    usage = "500ms"

    @classmethod
    def read(cls, words: list[str]) -> Lag:
        if len(words) != 1:
            raise FaultError("list-lag needs one duration, as 500ms")
        return cls(milliseconds(words[0]))


@dataclass(frozen=True, slots=True)
class Points:
    """A number of points of the market."""

    count: int

    usage = "10 points"

    @classmethod
    def read(cls, words: list[str]) -> Points:
        if len(words) != 2 or not words[0].isdigit() or words[1] not in ("point", "points") or int(words[0]) < 1:
            raise FaultError("a number of points is needed, as 10 points")
        return cls(int(words[0]))


@dataclass(frozen=True, slots=True)
class Shares:
    """Each part of an order is between ``low`` and ``high`` of its amount.

    ``thin``: an order that trades at once gets only its first part; the rest is cancelled for want of an other side.
    """

    low: Decimal
    high: Decimal
    thin: bool

    usage = "[20%..60%] [thin]"

    @classmethod
    def read(cls, words: list[str]) -> Shares:
        thin = _take_flag(words, "thin")
        written = words.pop(0) if words else "20%..60%"
        _none_left(words)
        first, dots, last = written.partition("..")
        low = _share(first)
        high = _share(last) if dots else low
        if not 0 < low <= high < 1:
            raise FaultError(f"the shares {written} must lie between 0% and 100%, the smaller one first")
        return cls(low, high, thin)

    def draw(self, random: Random) -> Decimal:
        span = self.high - self.low
        return self.low + span * Decimal(random.randrange(1001)) / 1000


def _share(written: str) -> Decimal:
    try:
        share = Decimal(written.removesuffix("%")) / 100
    except InvalidOperation as error:
        raise FaultError(f"{written!r} is no share; write it as 30%") from error
    if not share.is_finite():
        raise FaultError(f"{written!r} is no share; write it as 30%")
    return share


@dataclass(frozen=True, slots=True)
class Pings:
    """Whether a socket that has gone silent still answers pings."""

    answered: bool

    usage = "[no-pongs]"

    @classmethod
    def read(cls, words: list[str]) -> Pings:
        ignored = _take_flag(words, "no-pongs")
        _none_left(words)
        return cls(not ignored)


@dataclass(frozen=True, slots=True)
class Which:
    """One order by its client order id; all of them when it is empty."""

    link_id: str

    usage = "[link=ID]"

    @classmethod
    def read(cls, words: list[str]) -> Which:
        link_id = ""
        if words and words[0].startswith("link="):
            link_id = words.pop(0).removeprefix("link=")
        _none_left(words)
        return cls(link_id)


Parameters = Nothing | Delay | Reset | Status | Hang | Cut | Offset | Lag | Points | Shares | Pings | Which
