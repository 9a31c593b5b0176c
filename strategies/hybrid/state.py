"""Everything the hybrid remembers. The state is the snapshot: plain values, exact through JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Self

from strategies.contract import WantedOrder
from strategies.hybrid.families import NONE, STRATEGIES
from strategies.hybrid.purse import EMPTY, Purse

if TYPE_CHECKING:
    from strategies.hybrid.orders import Part
    from strategies.regimes.classification import RegimeState

ACTIVE: Final = "active"  # the family that the regime asks for
RUN_OFF: Final = "run_off"  # opens nothing; its closing orders stay until it is flat
CLOSING: Final = "closing"  # what it holds is closed at market


@dataclass(frozen=True, slots=True)
class Generation:
    """One run of a family, from its start to its last coin. ``money`` in quote, times in milliseconds UTC."""

    number: int
    family: str
    mode: str
    money: float
    range_percent: float  # the grid's reach, 0 where it is not in ATRs
    started_at: int
    child: Any  # the family's own state
    purse: Purse = EMPTY
    retired_at: int = 0
    stop: float = 0.0  # below it what runs off is closed; 0 for none

    @property
    def key(self) -> str:
        """Before the slash in its orders' slots. No two generations have the same."""
        return f"{self.family}{self.number}"

    def dump(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _GENERATION_FIELDS} | {
            "child": STRATEGIES[self.family].dump(self.child),
            "purse": self.purse.dump(),
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        child = STRATEGIES[data["family"]].load(data["child"])
        return cls(**(dict(data) | {"child": child, "purse": Purse.load(data["purse"])}))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an order that is wanted: base filled of it so far, and whether it takes from the book."""

    filled: float
    taker: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was last made of which orders of the families. Steps that change nothing make nothing anew."""

    parts: tuple[Part, ...]
    wanted: tuple[WantedOrder, ...]

    def is_of(self, parts: Sequence[Part]) -> bool:
        """Whether the same orders follow from these."""
        same_number = len(parts) == len(self.parts)
        return same_number and all(part.is_as(before) for part, before in zip(parts, self.parts, strict=True))


@dataclass(frozen=True, slots=True)
class HybridState:
    """Times in milliseconds UTC, money in quote. P&L is the bot's since its start, open positions included."""

    regime: RegimeState | None = None  # None before the first candle
    seen_close: int = 0  # close of the newest of the regime's candles that was looked at
    chosen: str = NONE  # the family that the regime asks for
    number: int = 0  # of the newest generation
    generations: tuple[Generation, ...] = ()
    rest: Purse = EMPTY  # what generations that are over have left, and what still comes in for them

    started: bool = False
    realised_start: float = 0.0
    pnl_start: float = 0.0
    peak: float = 0.0  # best P&L so far, in whole thousandths of the investment
    day: int = 0  # days since 1970-01-01
    day_pnl: float = 0.0  # P&L when it began
    switches: int = 0  # since then
    rests_until: int = 0  # nothing is started before
    switched_at: int = 0  # start of the family that runs
    retired_at: int = 0  # when the last one was told to leave
    stopped: str = NONE  # the family that stopped itself; not started before another one is chosen
    refused_at: int = 0  # close of the candle at which there was too little money for a start
    told: str = ""  # what keeps the chosen family waiting, as last told

    standing: Mapping[str, Standing] = field(default_factory=dict)
    limited: bool = False  # a buy was left out for the largest exposure
    finish_code: str = ""
    finish_value: float = 0.0
    finish_limit: float = 0.0

    # A function of the fields above.
    remembered: Remembered | None = field(default=None, compare=False, repr=False)

    @property
    def active(self) -> Generation | None:
        return next((each for each in self.generations if each.mode == ACTIVE), None)

    def dump(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS} | {
            "regime": None if self.regime is None else self.regime.dump(),
            "generations": [each.dump() for each in self.generations],
            "rest": self.rest.dump(),
            "standing": {wish: [each.filled, each.taker] for wish, each in self.standing.items()},
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of this strategy's."""
        unknown, missing = set(data) - set(FIELDS), set(FIELDS) - set(data)
        if unknown or missing:
            raise ValueError(
                f"This is not a hybrid's snapshot: unknown fields {sorted(unknown)}, missing fields {sorted(missing)}."
            )
        return cls(
            **(
                dict(data)
                | {
                    "regime": _regime(data["regime"]),
                    "generations": tuple(Generation.load(each) for each in data["generations"]),
                    "rest": Purse.load(data["rest"]),
                    "standing": {wish: Standing(*each) for wish, each in data["standing"].items()},
                }
            )
        )


def _regime(data: Mapping[str, Any] | None) -> RegimeState | None:
    if data is None:
        return None
    # NumPy is 20 MB that a process which runs no step can do without.
    from strategies.regimes.classification import RegimeState

    return RegimeState.load(data)


_GENERATION_FIELDS: Final = tuple(each.name for each in fields(Generation))
FIELDS: Final = tuple(each.name for each in fields(HybridState) if each.name != "remembered")
