"""A back-test of a strategy whose step can be compiled, as machine code over a whole history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np

from backtests.loop import tables
from backtests.loop.records import FULL, LIQUIDATED, MOST_REFUSED, PAUSED, Funding, Path, Rows, Terms
from backtests.loop.run import loop_of
from exchange.candles.files import Candles
from strategies.candles import timeframe_ms
from strategies.contract import MarketSpec, StrategyConfig
from strategies.feature_rows import FeatureTable
from strategies.kernel import KernelStrategy
from strategies.lattice import rules_of
from strategies.state import PlainState, packed, packed_tuple, unpacked

if TYPE_CHECKING:
    from backtests.loop.records import Floats

C = TypeVar("C", bound=StrategyConfig)
S = TypeVar("S", bound=PlainState)

NO_FUNDING: Final = Funding(np.zeros(0, np.int64), np.zeros(0))
_LOOPS: dict[type, Any] = {}


@dataclass(frozen=True, slots=True)
class CompiledOptions:
    """``slippage`` is a fraction that takers pay; ``through`` asks the price to pass a limit by a tick. Of linear
    markets: ``leverage`` of the account, ``maintenance`` the margin below which it is liquidated (0 never), ``funding``
    what positions pay."""

    slippage: float = 0.0
    through: bool = False
    leverage: float = 10.0
    maintenance: float = 0.0
    funding: Funding = NO_FUNDING


@dataclass(frozen=True, slots=True)
class CompiledResult(Generic[S]):
    """``fills`` and ``refused`` are numpy records (``backtests.loop.records``), ``equity`` is quote at each candle's close
    up to the last that was run."""

    state: S
    fills: Any
    refused: Any
    equity: Floats
    quote: float
    amount: float
    fees: float
    funding: float
    finished: bool
    liquidated: bool
    candles: int
    steps: int


def run_compiled(
    strategy: KernelStrategy[C, S, Any],
    config: C,
    market: MarketSpec,
    candles: Candles,
    timeframe: str,
    *,
    quote: float,
    options: CompiledOptions | None = None,
    features: FeatureTable | None = None,
) -> CompiledResult[S]:
    """``timeframe`` is that of ``candles``; ``features`` those of the whole history (``backtests.features``)."""
    options = options or CompiledOptions()
    packed_parameters = packed_tuple(strategy.parameters(config, market))
    initial = strategy.initial_state(config, market)
    state, account = packed(initial), tables.account(quote)
    columns = strategy.columns(config)
    table = tables.tables(orders=strategy.MOST_ORDERS, slots=strategy.SLOTS, columns=len(columns))
    terms = Terms(
        rules=rules_of(market),
        slippage=options.slippage,
        margin=float(market.tick) if options.through else 0.0,
        leverage=options.leverage,
        maintenance=options.maintenance,
        length=timeframe_ms(timeframe),
    )
    path = Path(*(np.ascontiguousarray(each) for each in _columns(candles)))
    rows = rows_of(features, path.timestamp, columns)
    equity = np.empty(len(path.close))
    loop = _loop(strategy)
    kept: list[Any] = []
    packed_terms, status = packed_tuple(terms), FULL
    while status == FULL:
        status = loop(
            packed_parameters, state, packed_terms, path, rows, options.funding, table, account, equity, len(path.close)
        )
        kept.append(table["fills"][: int(account.fills)].copy())
        account.fills = 0
    ran = int(account.candle)
    return CompiledResult(
        state=unpacked(state, initial),
        fills=np.concatenate(kept).view(np.recarray),
        refused=table["refused"][: min(int(account.refused), MOST_REFUSED)].copy().view(np.recarray),
        equity=equity[:ran],
        quote=float(account.quote),
        amount=float(account.amount),
        fees=float(account.fees),
        funding=float(account.funding),
        finished=status not in (PAUSED, LIQUIDATED),
        liquidated=status == LIQUIDATED,
        candles=ran,
        steps=int(account.steps),
    )


def rows_of(features: FeatureTable | None, opens: Any, columns: tuple[str, ...]) -> Rows:
    """Which row the points of each candle see. A row whose warm-up is not complete is all NaN."""
    if features is None or not columns:
        last = 0
        return Rows(np.full((1, max(1, len(columns))), np.nan), np.zeros(len(opens), np.int64), np.zeros(1, np.int64))
    last = len(features.closes)
    values = np.full((last + 1, len(columns)), np.nan)
    for place, name in enumerate(columns):
        values[:last, place] = np.where(features.known, features.columns[name], np.nan)
    of_candle = features.closes.searchsorted(opens, side="right") - 1
    closes = np.append(features.closes, 0)
    return Rows(values, np.where(of_candle < 0, last, of_candle), closes)


def _loop(strategy: KernelStrategy[Any, Any, Any]) -> Any:
    """Each strategy's loop once in a process: making it loads its machine code, or compiles it the first time."""
    kind = type(strategy)
    if kind not in _LOOPS:
        _LOOPS[kind] = loop_of(strategy)
    return _LOOPS[kind]


def _columns(candles: Candles) -> tuple[Any, ...]:
    return (candles.timestamp, candles.open, candles.high, candles.low, candles.close, candles.volume)
