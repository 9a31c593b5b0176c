"""A market that never was, for when there are no candles: seeded, and shaped like a real one.

What it has of a real market, and where the shape is from:

* returns with fat tails: Student's t with four degrees of freedom (Cont, "Empirical properties of asset returns", 2001);
* volatility that comes in clusters: its logarithm follows an AR(1) with a half-life of hours, the stochastic
  volatility model of Taylor (1986), whose effect on |returns| is that of a GARCH, and which vectorises;
* regimes: trends up and down, ranges with a pull to their middle, and rare crashes with partial recovery;
* volume that rises with volatility (Karpoff, "The relation between price changes and trading volume", 1987) and with
  the hour of the day;
* coins that move together: most of the shocks, all regimes and most of the volatility are shared.

Nothing is estimated from data; the figures are round ones that look like the majors at one minute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exchange.candles.files import Candles

MINUTE_MS = 60_000
SUB_STEPS = 6
# Of one minute's return, at average volatility: about 60 % a year.
MINUTE_VOLATILITY = 0.0008
LOG_VOLATILITY_HALF_LIFE = 180
LOG_VOLATILITY_SPREAD = 0.55
SHARED_VARIANCE = 0.65
TAIL_DEGREES = 4.0
# 2025-01-01 00:00 UTC
DEFAULT_START = 1_735_689_600_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Regime:
    """``drift`` per minute as a fraction; ``volatility`` multiplies; ``pull`` draws back to the middle per minute."""

    name: str
    weight: float
    minutes: tuple[int, int]
    drift: float
    volatility: float
    pull: float


REGIMES = (
    Regime("range", 0.46, (360, 2400), 0.0, 0.8, 0.004),
    Regime("trend up", 0.25, (240, 1440), 0.000035, 1.0, 0.0),
    Regime("trend down", 0.22, (240, 1440), -0.000035, 1.1, 0.0),
    Regime("crash", 0.03, (45, 120), -0.0006, 3.0, 0.0),
    Regime("recovery", 0.04, (120, 360), 0.00018, 1.7, 0.0),
)


@dataclass(frozen=True, slots=True)
class Coin:
    """``price`` to begin at, ``tick``, ``volume`` of an average minute in base, ``volatility`` relative to BTC's."""

    price: float
    tick: float
    volume: float
    volatility: float


COINS = {
    "BTCUSDT": Coin(95_000.0, 0.1, 60.0, 1.0),
    "ETHUSDT": Coin(1_820.0, 0.01, 1_500.0, 1.4),
    "SOLUSDT": Coin(148.0, 0.01, 9_000.0, 1.6),
    "XRPUSDT": Coin(2.2, 0.0001, 400_000.0, 1.5),
    "DOGEUSDT": Coin(0.18, 0.00001, 5_000_000.0, 1.8),
    "SHIBUSDT": Coin(0.0000135, 0.00000001, 50_000_000_000.0, 1.8),
}
OTHER_COIN = Coin(10.0, 0.001, 50_000.0, 1.5)


def synthetic_market(symbols: list[str], *, minutes: int, seed: int, start: int = DEFAULT_START) -> dict[str, Candles]:
    """One-minute candles of every symbol over the same minutes. The same arguments give the same candles.

    What a symbol does depends on the seed, the minutes and its own name, not on the other symbols asked for.
    """
    shared = np.random.default_rng([seed, minutes])
    regimes = _regimes(shared, minutes)
    shared_shocks = _shocks(shared, minutes)
    shared_volatility = _log_volatility(shared, minutes)
    timestamp = start + np.arange(minutes, dtype=np.int64) * MINUTE_MS
    market = {}
    for symbol in symbols:
        own = np.random.default_rng([seed, minutes, *symbol.encode()])
        coin = COINS.get(symbol, OTHER_COIN)
        market[symbol] = _coin(own, coin, timestamp, regimes, shared_shocks, shared_volatility)
    return market


def _coin(
    own: np.random.Generator,
    coin: Coin,
    timestamp: NDArray[np.int64],
    regimes: list[tuple[int, int, Regime]],
    shared_shocks: Floats,
    shared_volatility: Floats,
) -> Candles:
    minutes = len(timestamp)
    log_volatility = 0.85 * shared_volatility + np.sqrt(1 - 0.85**2) * _log_volatility(own, minutes)
    factor = np.concatenate([np.full(end - begin, regime.volatility) for begin, end, regime in regimes])
    # exp(σ²/2) is the mean of a lognormal: dividing by it keeps the average volatility where it was set.
    volatility = (
        MINUTE_VOLATILITY
        * coin.volatility
        * factor
        * _hours(timestamp)
        * np.exp(log_volatility - LOG_VOLATILITY_SPREAD**2 / 2)
    )
    shocks = np.sqrt(SHARED_VARIANCE) * shared_shocks + np.sqrt(1 - SHARED_VARIANCE) * _shocks(own, minutes)
    steps = shocks * (volatility / np.sqrt(SUB_STEPS))[:, None]
    log_price = np.log(coin.price)
    paths = np.empty((minutes, SUB_STEPS))
    for begin, end, regime in regimes:
        moves = steps[begin:end].ravel() + regime.drift * coin.volatility / SUB_STEPS
        path = log_price + _pulled(moves, regime.pull / SUB_STEPS)
        paths[begin:end] = path.reshape(-1, SUB_STEPS)
        log_price = path[-1]
    ticks = np.maximum(np.round(np.exp(paths) / coin.tick), 1.0)
    close = ticks[:, -1]
    opened = np.concatenate([[round(coin.price / coin.tick)], close[:-1]])
    high = np.maximum(ticks.max(axis=1), opened)
    low = np.minimum(ticks.min(axis=1), opened)
    activity = volatility / (MINUTE_VOLATILITY * coin.volatility)
    volume = coin.volume * activity**1.2 * np.exp(own.normal(0.0, 0.45, minutes) - 0.45**2 / 2)
    decimals = max(0, round(-np.log10(coin.tick)))
    opened, high, low, close = (np.round(column * coin.tick, decimals) for column in (opened, high, low, close))
    return Candles(timestamp, opened, high, low, close, np.round(volume, 3))


def _regimes(random: np.random.Generator, minutes: int) -> list[tuple[int, int, Regime]]:
    """(begin, end, regime) without holes; a crash is always followed by a recovery."""
    weights = np.array([regime.weight for regime in REGIMES])
    found: list[tuple[int, int, Regime]] = []
    begin = 0
    while begin < minutes:
        if found and found[-1][2].name == "crash":
            regime = REGIMES[-1]
        else:
            regime = REGIMES[int(random.choice(len(REGIMES), p=weights / weights.sum()))]
        end = min(minutes, begin + int(random.integers(*regime.minutes)))
        found.append((begin, end, regime))
        begin = end
    return found


def _shocks(random: np.random.Generator, minutes: int) -> Floats:
    """Standardised to variance 1."""
    scale = np.sqrt((TAIL_DEGREES - 2) / TAIL_DEGREES)
    shocks: Floats = random.standard_t(TAIL_DEGREES, (minutes, SUB_STEPS)) * scale
    return shocks


def _log_volatility(random: np.random.Generator, minutes: int) -> Floats:
    """A stationary AR(1) with standard deviation ``LOG_VOLATILITY_SPREAD``."""
    persistence = 0.5 ** (1 / LOG_VOLATILITY_HALF_LIFE)
    memory = 10 * LOG_VOLATILITY_HALF_LIFE
    noise = random.normal(0.0, np.sqrt(1 - persistence**2), minutes + memory)
    return LOG_VOLATILITY_SPREAD * _filtered(noise, persistence, memory)[memory:]


def _pulled(moves: Floats, pull: float) -> Floats:
    """The sum of the moves, drawn back to where it began by ``pull`` of the distance at each step."""
    if pull == 0.0:
        return np.cumsum(moves)
    persistence = 1 - pull
    # Beyond this many steps a move's rest is under a ten-millionth.
    memory = min(len(moves), int(np.ceil(np.log(1e-7) / np.log(persistence))))
    return _filtered(moves, persistence, memory)


def _filtered(noise: Floats, persistence: float, memory: int) -> Floats:
    """yₜ = persistence · yₜ₋₁ + noiseₜ, as a convolution over the last ``memory`` steps."""
    kernel = persistence ** np.arange(memory)
    size = 1 << (len(noise) + memory - 1).bit_length()
    product = np.fft.rfft(noise, size) * np.fft.rfft(kernel, size)
    return np.fft.irfft(product, size)[: len(noise)]


def _hours(timestamp: NDArray[np.int64]) -> Floats:
    """Quiet before Asia's morning, busiest when Europe and America overlap."""
    hour = timestamp / 3_600_000 % 24
    return 1.0 + 0.25 * np.sin((hour - 9.0) / 24 * 2 * np.pi)
