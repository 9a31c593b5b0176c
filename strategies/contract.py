"""The contract between a strategy and the platform.

A strategy says which orders should be resting *now*; the platform makes it so. At every point the platform calls
``step`` with the strategy's own state, the price, the position and the fills that arrived since the last step, and
receives a :class:`Decision`: the next state and the complete set of orders that should stand. What is not in the set
is cancelled, what is missing is placed.

Numbers inside a strategy are ``float`` so that a step can be compiled for back-tests; ``MarketSpec`` carries the
exchange's own ``Decimal`` increments and the platform quantises every wanted order once, on the way out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:  # 20 MB that a process which runs no step can do without
    import numpy as np
    import numpy.typing as npt

    FloatColumn = npt.NDArray[np.float64]


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"  # stop-market: becomes a market order when the trigger price is met


class MarketKind(StrEnum):
    SPOT = "spot"
    LINEAR = "linear"  # perpetual or dated future, margined and settled in the quote coin


class Direction(StrEnum):
    LONG = "long"
    SHORT = "short"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """One market's rules, as the exchange states them.

    ``symbol`` is ccxt's unified symbol (``ETH/USDT`` spot, ``ETH/USDT:USDT`` linear). ``tick`` is the price
    increment in quote, ``step`` the amount increment in base (contracts × contract size). Limits that an exchange
    does not state are ``None``. Fees are fractions (0.001 = 0.1 %).
    """

    symbol: str
    kind: MarketKind
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_amount: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    min_notional: Decimal | None = None
    max_amount: Decimal | None = None
    contract_size: Decimal = Decimal(1)
    max_leverage: Decimal | None = None
    max_market_amount: Decimal | None = None
    max_notional: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    buyer_pays_in_quote: bool = False

    @property
    def buy_fee_in_base(self) -> bool:
        """Most spot exchanges take a buyer's fee from what was bought; the others, and futures, charge the quote coin."""
        return self.kind is MarketKind.SPOT and not self.buyer_pays_in_quote

    def quantise_price(self, price: float | Decimal) -> Decimal:
        """The nearest multiple of the tick (half to even)."""
        ticks = (_exact(price) / self.tick).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        return (ticks * self.tick).quantize(self.tick) if self.tick < 1 else ticks * self.tick

    def quantise_amount(self, amount: float | Decimal) -> Decimal:
        """The largest multiple of the step that is not above ``amount``."""
        steps = _whole(_exact(amount) / self.step)
        return (steps * self.step).quantize(self.step) if self.step < 1 else steps * self.step

    def against_taker(self, price: Decimal, *, is_buy: bool) -> Decimal:
        """``price`` on the tick, as a taker is given it: rounded up for a buyer, down for a seller."""
        ratio = price / self.tick
        return (-_whole(-ratio) if is_buy else _whole(ratio)) * self.tick


def _whole(ratio: Decimal) -> Decimal:
    """How many increments are in a value of ``ratio`` of them.

    What misses a whole number by a millionth, or by one part in 10¹³, *is* that number: 0.3 / 0.1 in floats must give
    three steps.
    """
    nearest = ratio.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    close_enough = abs(ratio - nearest) <= max(Decimal("1e-6"), abs(nearest) * Decimal("1e-13"))
    return nearest if close_enough else ratio.quantize(Decimal(1), rounding=ROUND_FLOOR)


def _exact(value: float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


@dataclass(frozen=True, slots=True)
class Point:
    """One instant of a market. ``timestamp`` is the exchange's, in milliseconds UTC; prices are in quote.

    ``features`` is the newest known row of what :class:`UsesFeatures` computes, NaN where a value is not known yet;
    ``candle_close`` is when that row's candle closed, by which a step can tell a new row from one it has seen.
    A configuration with ``start_on_signal`` is also shown the newest signal from outside, live: ``signal`` (+1 to go
    long, -1 to go short) and ``signal_at`` (when it came in, milliseconds UTC).
    """

    timestamp: int
    price: float
    features: Mapping[str, float] = field(default_factory=dict)
    candle_close: int | None = None


@dataclass(frozen=True, slots=True)
class PositionView:
    """What the bot holds, from its own ledger: ``amount`` in base (negative is short), prices and P&L in quote."""

    amount: float = 0.0
    average_price: float = 0.0
    realised_pnl: float = 0.0
    unrealised_pnl: float = 0.0


@dataclass(frozen=True, slots=True)
class FillSeen:
    """One execution of one of this strategy's orders, each reported exactly once and in the exchange's order.

    ``amount`` is in base before fees, ``fee_base`` what the exchange took of the base coin (0 when it charged
    another coin). ``done`` is true with the fill that completes the wanted order.

    An ``amount`` of 0 with ``done`` tells that what was left of the order is too little for the market: it will not be
    traded, and ``price`` is the average of what was.
    """

    slot: str
    sequence: int
    side: Side
    price: float
    amount: float
    fee_base: float
    timestamp: int
    done: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code that a sentence is made from, and the numbers it was decided on."""

    code: str
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """An order that should be standing.

    ``(slot, sequence)`` is the identity of the wish: the platform never places the same wish twice, whatever happens
    to the processes in between. A strategy that wants a new order in a slot whose last one filled raises the
    sequence. ``trade`` names the round trip that the order belongs to (``deal:7``); the ledger pairs fills by it
    (``strategies/round_trips.py``).

    ``protective`` marks the stop order that guards the position: the platform proves at every tick that it stands,
    sees to it that it is carried out once its price is met, and raises an alarm when neither is possible.
    """

    slot: str
    sequence: int
    side: Side
    type: OrderType
    amount: float
    reason: Reason
    price: float | None = None
    trigger_price: float | None = None
    post_only: bool = False
    reduce_only: bool = False
    trade: str = ""
    protective: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """A strategy's opinion. ``confidence`` is 0–1; prices in quote; ``timestamp`` milliseconds UTC."""

    direction: Direction
    entry: float
    confidence: float
    timestamp: int
    strategy_type: str
    stop_loss: float | None = None
    take_profit: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finish:
    """The strategy is done (its stop loss or take profit was met) and asks to be stopped once nothing is wanted."""

    reason: Reason


S = TypeVar("S")


@dataclass(slots=True)
class Decision(Generic[S]):
    """What a step decided: the next state, every order that should stand, and what is worth telling.

    Made once a step, so not frozen as the others are: that would take twice as long.
    """

    state: S
    wanted: tuple[WantedOrder, ...] = ()
    signal: Signal | None = None
    notes: tuple[Reason, ...] = ()
    finish: Finish | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration on a market: the field, the value, the limit and the mend."""

    field: str
    message: str
    value: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One line of a strategy's plan, for the preview chart and the bot page."""

    price: Decimal
    side: Side
    amount: Decimal
    label: str


class StrategyConfig(BaseModel):
    """Base of every strategy's configuration: frozen, strict about unknown fields.

    Forms, the API schema, YAML and the documentation are generated from the model, so every field carries a
    ``description`` in plain language and, in ``json_schema_extra``, its ``unit``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


C = TypeVar("C", bound=StrategyConfig)


class Strategy(Protocol[C, S]):
    """One trading idea. Instances hold nothing: everything that changes is in the state."""

    name: ClassVar[str]
    version: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    Config: type[C]

    def initial_state(self, config: C, market: MarketSpec) -> S: ...

    def step(
        self,
        config: C,
        market: MarketSpec,
        state: S,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[S]:
        """Pure. The same arguments give the same decision, and nothing else is looked at."""
        ...

    def dump(self, state: S) -> dict[str, Any]:
        """The state as JSON: the snapshot. ``load(dump(s)) == s``."""
        ...

    def load(self, data: Mapping[str, Any]) -> S: ...

    def preflight(
        self, config: C, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        """Everything that would keep this configuration from opening *and closing* each of its orders."""
        ...

    def levels(self, config: C, market: MarketSpec, price: Decimal) -> list[Level]:
        """The orders that a start at ``price`` would rest, for previews."""
        ...


class PriceBar(Protocol):
    """A candle, as far as a strategy looks at one before its start. Prices in quote."""

    @property
    def high(self) -> Decimal: ...

    @property
    def low(self) -> Decimal: ...

    @property
    def close(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class CandleNeed:
    """Closed candles of ``timeframe``, at least ``count`` of them."""

    timeframe: str
    count: int


@runtime_checkable
class StartsFromCandles(Protocol[C]):
    """A strategy whose configuration can depend on history that is looked at once, before the start.

    The platform loads what ``candles_needed`` asks for and hands the resolved configuration to ``preflight``,
    ``levels`` and ``initial_state``; the steps are given the original one.
    """

    def candles_needed(self, config: C) -> CandleNeed | None:
        """``None`` when this configuration needs no history."""
        ...

    def resolve(self, config: C, price: Decimal, bars: Sequence[PriceBar]) -> C:
        """The configuration with numbers in place of what was derived from ``bars`` (oldest first) and ``price``.

        Raises ``ValueError`` when they do not suffice.
        """
        ...


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Closed candles of one timeframe as columns, oldest first; missing candles are missing rows.

    ``timestamp`` is the open time in milliseconds UTC (int64), prices are in quote and ``volume`` in base (float64).
    """

    timeframe: str
    timestamp: npt.NDArray[np.int64]
    open: FloatColumn
    high: FloatColumn
    low: FloatColumn
    close: FloatColumn
    volume: FloatColumn


C_contra = TypeVar("C_contra", bound=StrategyConfig, contravariant=True)


@runtime_checkable
class UsesFeatures(Protocol[C_contra]):
    """A strategy whose steps look at closed candles.

    The platform loads the series, calls ``features`` once for all of them and hands each step the newest row whose
    candle had closed by then: the same rows in a back-test over the whole history and live over a window.
    """

    def timeframes(self, config: C_contra) -> tuple[CandleNeed, ...]:
        """The base timeframe first. ``count`` is the warm-up: that many candles give the rows of the full history
        to 1e-9. Empty for a configuration that looks at no candles: its steps see no features."""
        ...

    def features(self, config: C_contra, candles: Mapping[str, CandleSeries]) -> Mapping[str, FloatColumn]:
        """Columns as long as the base series. Causal: row *i* uses nothing after the close of base candle *i*, and of
        a higher timeframe only candles that had closed by then."""
        ...
