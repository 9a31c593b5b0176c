"""Markets with known answers: what a strategy earns on them is told by arithmetic, not by history.

Unlike the lifelike market of ``exchange/candles/synthetic`` these are of one thing only: chance without drift, a wave, a
trend, a pull to the middle. All are seeded; equal arguments give equal candles. Prices are whole ticks; each candle opens
where the one before closed (unless a gap is put in), and its path is that of the finer steps that it is made of.

``volatility`` and ``drift`` are fractions per candle: 0.01 is 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtests.metrics.inputs import Floats
from exchange.candles.files import Candles
from strategies.compiled import compiled

MINUTE_MS = 60_000
# 2025-01-01 00:00 UTC
DEFAULT_START = 1_735_689_600_000
# Steps that a candle's path is made of. More of them widen the highs and lows towards those of a continuous path.
STEPS = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """How many candles, from when (ms UTC), how long each (ms), on which tick, with which volume each (base)."""

    rows: int
    start: int = DEFAULT_START
    timeframe: int = MINUTE_MS
    tick: float = 0.01
    volume: float = 1000.0

    def __post_init__(self) -> None:
        if self.rows < 1 or self.timeframe < 1 or not self.tick > 0.0 or self.volume < 0.0:
            raise ValueError(f"{self}: a market has rows, a timeframe and a tick above 0, and no volume below 0")


@dataclass(frozen=True, slots=True)
class Phase:
    """A regime: it lasts ``length`` candles on average (geometrically distributed)."""

    drift: float
    volatility: float
    length: float


CALM_AND_STORM = (Phase(0.0, 0.0005, 1440), Phase(0.0001, 0.001, 720), Phase(-0.0002, 0.002, 360))


def random_walk(layout: Layout, seed: int, *, price: float = 100.0, volatility: float = 0.001) -> Candles:
    """A geometric random walk whose expected price is always the first one: nothing can be earned on it."""
    return trend(layout, seed, drift=0.0, price=price, volatility=volatility)


def trend(layout: Layout, seed: int, *, drift: float, price: float = 100.0, volatility: float = 0.0) -> Candles:
    """A geometric Brownian motion: the expected price grows by e^``drift`` a candle. A straight line in logarithms at 0."""
    moves = _moves(np.random.default_rng(seed), np.full(layout.rows, drift), np.full(layout.rows, volatility))
    return _from_path(layout, price * np.exp(np.cumsum(moves)), price)


def mean_reverting(
    layout: Layout,
    seed: int,
    *,
    pull: float,
    price: float = 100.0,
    volatility: float = 0.001,
    begin: float | None = None,
) -> Candles:
    """The logarithm of the price as an Ornstein–Uhlenbeck process around that of ``price``, by its exact solution.

    ``pull`` is the rate per candle at which a distance decays; it settles to a standard deviation of
    volatility / √(2 · pull). ``begin`` is the first open, else the middle. Raises ``ValueError`` for a pull not above 0.
    """
    if not pull > 0.0:
        raise ValueError(f"pull is {pull}: it must be above 0")
    persistence = float(np.exp(-pull / STEPS))
    deviation = volatility * float(np.sqrt(-np.expm1(-2.0 * pull / STEPS) / (2.0 * pull)))
    opened = price if begin is None else begin
    noise = np.random.default_rng(seed).normal(0.0, deviation, layout.rows * STEPS)
    path = price * np.exp(decayed(noise, persistence, float(np.log(opened / price))))
    return _from_path(layout, path, opened)


def sine(layout: Layout, *, period: float, amplitude: float, price: float = 100.0) -> Candles:
    """price + amplitude · sin(2π · t / period), ``period`` in candles. Highs and lows are the wave's own, not samples.

    Raises ``ValueError`` for a period not above 0 or an amplitude that reaches to 0.
    """
    if not period > 0.0 or not 0.0 <= amplitude < price:
        raise ValueError(f"period {period}, amplitude {amplitude} around {price}: prices must stay above 0")
    turns = np.arange(layout.rows + 1) / period
    ends = price + amplitude * np.sin(2.0 * np.pi * turns)
    top, bottom = np.maximum(ends[:-1], ends[1:]), np.minimum(ends[:-1], ends[1:])
    # A crest is passed at every whole turn and a quarter, a trough half a turn later.
    crest = np.floor(turns[1:] - 0.25) > np.floor(turns[:-1] - 0.25)
    trough = np.floor(turns[1:] - 0.75) > np.floor(turns[:-1] - 0.75)
    high, low = np.where(crest, price + amplitude, top), np.where(trough, price - amplitude, bottom)
    return on_ticks(_candles(layout, ends[:-1], high, low, ends[1:]), layout.tick)


def regime_switching(
    layout: Layout, seed: int, *, price: float = 100.0, phases: tuple[Phase, ...] = CALM_AND_STORM
) -> Candles:
    """A random walk whose drift and volatility are those of one phase after another, each time of another one."""
    if len(phases) < 2 or any(phase.length < 1.0 for phase in phases):
        raise ValueError("regimes need at least two phases, of one candle at least on average")
    random = np.random.default_rng(seed)
    drift, volatility = np.empty(layout.rows), np.empty(layout.rows)
    row, now = 0, int(random.integers(len(phases)))
    while row < layout.rows:
        end = row + int(random.geometric(1.0 / phases[now].length))
        drift[row:end], volatility[row:end] = phases[now].drift, phases[now].volatility
        row, now = end, (now + int(random.integers(1, len(phases)))) % len(phases)
    return _from_path(layout, price * np.exp(np.cumsum(_moves(random, drift, volatility))), price)


def on_ticks(candles: Candles, tick: float) -> Candles:
    """Prices rounded to whole ticks, one tick at least: rounding keeps order, so highs and lows stay the extremes."""
    decimals = max(0, int(np.ceil(-np.log10(tick))) + 2)
    opened, high, low, close = (
        np.round(np.maximum(np.round(column / tick), 1.0) * tick, decimals)
        for column in (candles.open, candles.high, candles.low, candles.close)
    )
    return Candles(candles.timestamp, opened, high, low, close, candles.volume)


def with_price_gap(candles: Candles, row: int, size: float, tick: float = 0.01) -> Candles:
    """From ``row`` on all prices are (1 + ``size``) times as high: the open there jumps away from the close before."""
    _check_row(candles, row)
    factor = np.where(np.arange(len(candles)) >= row, 1.0 + size, 1.0)
    return _scaled(candles, factor, factor, tick)


def with_flash_crash(candles: Candles, row: int, depth: float, length: int, tick: float = 0.01) -> Candles:
    """Prices fall in a straight line to (1 − ``depth``) of themselves and back, over ``length`` candles from ``row`` on.

    The bottom is at the end of the candle in the middle. Raises ``ValueError`` for a depth outside 0 to 1, fewer than two
    candles, or more than there are.
    """
    _check_row(candles, row)
    if not 0.0 < depth < 1.0 or length < 2 or row + length > len(candles):
        raise ValueError(f"a crash by {depth} over {length} candles from {row} on, of {len(candles)}")
    shape = 1.0 - depth * np.interp(np.arange(length + 1), [0, length // 2, length], [0.0, 1.0, 0.0])
    at_open, at_close = np.ones(len(candles)), np.ones(len(candles))
    at_open[row : row + length], at_close[row : row + length] = shape[:-1], shape[1:]
    return _scaled(candles, at_open, at_close, tick)


def without_rows(candles: Candles, row: int, count: int) -> Candles:
    """A hole in time: ``count`` candles from ``row`` on are missing."""
    _check_row(candles, row)
    columns = (candles.timestamp, candles.open, candles.high, candles.low, candles.close, candles.volume)
    timestamp, *rest = (np.concatenate([column[:row], column[row + count :]]) for column in columns)
    return Candles(timestamp.astype(np.int64), *rest)


@compiled
def decayed(noise: Floats, persistence: float, begin: float) -> Floats:
    values = np.empty(noise.size)
    value = begin
    for row in range(noise.size):
        value = persistence * value + noise[row]
        values[row] = value
    return values


def _moves(random: np.random.Generator, drift: Floats, volatility: Floats) -> Floats:
    """Of every step, in logarithms. − σ²/2 makes e^drift the growth of the expected price."""
    shocks = random.normal(0.0, 1.0, (len(drift), STEPS)) * (volatility / np.sqrt(STEPS))[:, None]
    moves: Floats = (shocks + ((drift - volatility**2 / 2.0) / STEPS)[:, None]).ravel()
    return moves


def _from_path(layout: Layout, path: Floats, price: float) -> Candles:
    steps = path.reshape(layout.rows, STEPS)
    close = steps[:, -1]
    opened = np.concatenate([[price], close[:-1]])
    high, low = np.maximum(steps.max(axis=1), opened), np.minimum(steps.min(axis=1), opened)
    return on_ticks(_candles(layout, opened, high, low, close), layout.tick)


def _candles(layout: Layout, opened: Floats, high: Floats, low: Floats, close: Floats) -> Candles:
    timestamp = layout.start + layout.timeframe * np.arange(layout.rows, dtype=np.int64)
    return Candles(timestamp, opened, high, low, close, np.full(layout.rows, layout.volume))


def _scaled(candles: Candles, at_open: Floats, at_close: Floats, tick: float) -> Candles:
    """Open and close times their factors; high and low stay as far beyond them as they were, in proportion."""
    opened, close = candles.open * at_open, candles.close * at_close
    above = candles.high / np.maximum(candles.open, candles.close)
    below = candles.low / np.minimum(candles.open, candles.close)
    high, low = np.maximum(opened, close) * above, np.minimum(opened, close) * below
    return on_ticks(Candles(candles.timestamp, opened, high, low, close, candles.volume), tick)


def _check_row(candles: Candles, row: int) -> None:
    if not 0 <= row < len(candles):
        raise ValueError(f"row {row} of {len(candles)} candles")
