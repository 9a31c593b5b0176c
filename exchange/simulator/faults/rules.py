"""What a fault is: its kind, what it meets, how often and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from exchange.simulator.faults import parameters as read
from exchange.simulator.faults.errors import FaultError
from exchange.simulator.faults.parameters import Parameters, duration_text

SOCKETS = ("ws/public/spot", "ws/public/linear", "ws/public/inverse", "ws/public/option", "ws/private")
LISTS = ("order/realtime", "order/history", "execution/list")


class Meets(StrEnum):
    """What a kind of fault happens to."""

    REQUESTS = "requests"
    LISTS = "lists"
    SOCKETS = "sockets"
    MARKETS = "markets"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Kind:
    """``standing`` kinds last rather than happen: ``at point N`` begins them and they stay.

    A ``state`` is the same for everybody as long as it stands, so it has neither a chance nor a count.
    """

    name: str
    meets: Meets
    text: str
    parameters: type[Parameters] = read.Nothing
    standing: bool = False
    state: bool = False
    # Requests that open a socket can meet it too.
    handshake: bool = False
    lists: tuple[str, ...] = ()

    @property
    def default_target(self) -> str:
        return "ws/*" if self.meets is Meets.SOCKETS else "*"


def _requests(name: str, text: str, parameters: type[Parameters] = read.Nothing, *, handshake: bool = False) -> Kind:
    return Kind(name, Meets.REQUESTS, text, parameters, handshake=handshake)


def _sockets(name: str, text: str, parameters: type[Parameters] = read.Nothing, *, standing: bool = False) -> Kind:
    return Kind(name, Meets.SOCKETS, text, parameters, standing=standing)


def _markets(name: str, text: str, parameters: type[Parameters] = read.Nothing, *, standing: bool = True) -> Kind:
    return Kind(name, Meets.MARKETS, text, parameters, standing=standing)


def _market_states(name: str, text: str) -> Kind:
    return Kind(name, Meets.MARKETS, text, standing=True, state=True)


def _pages(name: str, text: str) -> Kind:
    return Kind(name, Meets.LISTS, text, standing=True, lists=("execution/list",))


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _requests("latency", "requests wait (or, after-accept, their answers do)", read.Delay, handshake=True),
        _requests("rate-limit", "retCode 10006 and the limit's headers; it resets after the duration", read.Reset),
        _requests("too-many-requests", "HTTP 429 with Retry-After", read.Reset, handshake=True),
        _requests("ban", "HTTP 403, access too frequent", handshake=True),
        _requests("error", "a gateway's HTML page with a 5xx code", read.Status, handshake=True),
        _requests("maintenance", "retCode 10016; system/status tells of it", handshake=True),
        _requests("drop-before-accept", "the connection closes and nothing was handled", handshake=True),
        _requests("drop-after-accept", "handled, then the connection closes without an answer"),
        _requests("lose-response", "handled, but the answer never comes", read.Hang),
        _requests("truncate", "handled; half of the answer comes", read.Cut),
        _sockets("duplicate", "data messages come twice"),
        _sockets("reorder", "a data message comes after the one that follows it"),
        _sockets("silent", "connected, but no data comes", read.Pings, standing=True),
        _sockets("disconnect", "connections are closed, each with its chance at every point"),
        _market_states("stale-klines", "candles stand still where they were when it began"),
        _market_states("stale-tickers", "tickers stand still where they were when it began"),
        _markets("partial-fills", "orders fill in several executions", read.Shares),
        _markets("trigger-without-fill", "triggered stops stay New and trade only later", read.Points),
        _market_states("delisted", "the symbol is closed and its orders are cancelled"),
        _markets("cancel-order", "the exchange cancels open orders by itself", read.Which, standing=False),
        Kind(
            "list-lag",
            Meets.LISTS,
            "orders and executions are listed late",
            read.Lag,
            standing=True,
            state=True,
            lists=LISTS,
        ),
        _pages("duplicate-executions", "pages of executions hold entries twice"),
        _pages("out-of-order-executions", "pages of executions are shuffled"),
        Kind("clock", Meets.SERVER, "the server's time is off", read.Offset, standing=True, state=True),
    )
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What there is to be met: paths below /v5/ and symbols as ``category/SYMBOL``."""

    paths: tuple[str, ...]
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaultRule:
    """``first`` and ``last`` are points of the market, inclusive; ``for_ms`` is wall time from when it began.

    ``chance`` is per request, message, order or whatever the kind meets; ``count`` is how many of them at most.
    """

    kind: Kind
    parameters: Parameters
    target: str
    text: str
    chance: float = 1.0
    count: int | None = None
    first: int | None = None
    last: int | None = None
    # The points were given as +N: they count from where the market stood when the rule was added.
    relative: bool = False
    # ``at point``: nothing happens when the market was beyond the point already.
    sharp: bool = False
    for_ms: float | None = None
    account: str = ""

    def checked(self, scope: Scope) -> FaultRule:
        """Itself. Raises ``FaultError`` when it can never meet anything."""
        check_target(self.kind, self.target, scope)
        return self

    def matches(self, subject: str) -> bool:
        """``subject``: a path below /v5/, a socket's address or ``category/SYMBOL``."""
        target = self.target
        if self.kind.meets is Meets.MARKETS and "/" not in target:
            subject = subject.rpartition("/")[2]
        if self.kind.meets is Meets.REQUESTS and target == "*" and subject.startswith("ws/"):
            return False
        return matches(target, subject)


def matches(pattern: str, subject: str) -> bool:
    """A pattern also means everything below it: ``ws/public`` is every public socket."""
    return fnmatchcase(subject, pattern) or subject.startswith(pattern + "/")


def find_kind(name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        raise FaultError(f"{name!r} is no kind of fault; choose of {', '.join(KINDS)}")
    return kind


def check_target(kind: Kind, target: str, scope: Scope) -> None:
    """Raises ``FaultError`` for a target that the kind can never meet."""
    if kind.meets is Meets.SERVER:
        if target != "*":
            raise FaultError(f"{kind.name} is about the whole server; leave out 'on {target}'")
    elif kind.meets is Meets.MARKETS:
        symbols = sorted({one.rpartition("/")[2] for one in scope.symbols})
        if not any(matches(target, one) for one in (*symbols, *scope.symbols)):
            raise FaultError(
                f"{target!r} is no symbol of this market; there are {', '.join(symbols)}, "
                f"alone or as spot/{symbols[0]} and linear/{symbols[0]}"
            )
    elif kind.meets is Meets.SOCKETS:
        # Topics are the client's to choose, so what follows the socket is not checked.
        if not any(matches(target, one) or target.startswith(one + "/") for one in SOCKETS):
            raise FaultError(f"{kind.name} happens on ws/public, ws/private or a topic below them, not on {target!r}")
    elif target.startswith("ws/"):
        if not kind.handshake:
            raise FaultError(f"{kind.name} happens to requests, not to sockets ({target})")
        if not any(matches(target, one) for one in SOCKETS):
            raise FaultError(f"{target!r} is no socket; there are {', '.join(SOCKETS)}")
    else:
        paths = kind.lists or scope.paths
        if not any(matches(target, one) for one in paths):
            raise FaultError(f"{target!r} is no path that {kind.name} can meet; there are {', '.join(paths)}")


def describe(rule: FaultRule) -> str:
    """The rule in the script's words, when it was not written in them."""
    words = []
    if rule.sharp:
        words.append(f"at point {_point(rule, rule.first)}:")
    elif rule.first is not None or rule.last is not None:
        begin = f"from point {_point(rule, rule.first)}" if rule.first is not None else "until"
        end = f"to {_point(rule, rule.last)}" if rule.first is not None else f"point {_point(rule, rule.last)}"
        words.append(f"{begin} {end}:" if rule.last is not None else f"{begin}:")
    if rule.chance < 1:
        words.append(f"{rule.chance * 100:g}%")
    words.append(rule.kind.name)
    if rule.text:
        words.append(rule.text)
    if rule.target != rule.kind.default_target:
        words.append(f"on {rule.target}")
    if rule.account:
        words.append(f"account={rule.account}")
    if rule.for_ms is not None:
        words.append(f"for {duration_text(rule.for_ms)}")
    once = rule.sharp and rule.for_ms is None and not rule.kind.standing
    if rule.count is not None and not (once and rule.count == 1):
        words.append(f"×{rule.count}")
    return " ".join(words)


def _point(rule: FaultRule, point: int | None) -> str:
    return f"{'+' if rule.relative else ''}{point}"
