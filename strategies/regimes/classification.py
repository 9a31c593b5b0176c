"""One closed candle at a time: what it says, what holds after it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any, Self

from strategies.regimes import rules
from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import REGIMES, Recommendation, Regime, code_of, regime_of


@dataclass(frozen=True, slots=True)
class RegimeInputs:
    """What a regime is told from, after a closed candle: ADX 0–100, averages in quote, ATR in percent of the close, and
    the candle's volume as a multiple of its mean."""

    adx: float
    ema_fast: float
    ema_slow: float
    atr_percent: float
    volume_ratio: float

    @property
    def known(self) -> bool:
        """False during the warm-up of an indicator and in a gap."""
        return rules.known.py_func(*astuple(self))


@dataclass(frozen=True, slots=True)
class RegimeState:
    """What is remembered from candle to candle: the regime that holds, the one that may follow it, and the candles that
    have said so in a row."""

    regime: Regime | None = None
    candidate: Regime | None = None
    count: int = 0

    def dump(self) -> dict[str, Any]:
        """As JSON: ``load(dump()) == self``."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` when the snapshot is not one of these."""
        if set(data) != {"regime", "candidate", "count"} or type(data["count"]) is not int:
            raise ValueError(f"This is not a regime's snapshot: {dict(data)}.")
        regime, candidate = (None if data[name] is None else Regime(data[name]) for name in ("regime", "candidate"))
        return cls(regime, candidate, data["count"])


@dataclass(frozen=True, slots=True)
class RegimeVerdict:
    """The regime that holds after a candle, and what it was told from.

    ``named`` is what this candle alone says; where it differs, ``count`` candles in a row have asked for a change.
    ``confidence`` is 0–1, how well the inputs fit the regime that holds.
    """

    regime: Regime
    named: Regime
    count: int
    confidence: float
    inputs: RegimeInputs

    @property
    def recommendation(self) -> Recommendation:
        return self.regime.recommendation

    def dump(self) -> dict[str, Any]:
        """As JSON, with the inputs."""
        return asdict(self)


def classify(config: RegimeConfig, inputs: RegimeInputs, previous: Regime | None = None) -> Regime:
    """The regime that the inputs name while ``previous`` holds. Raises ``ValueError`` for unknown inputs."""
    if not inputs.known:
        raise ValueError(f"A regime cannot be told from {inputs}: wait until every indicator is known.")
    return REGIMES[_named(inputs, code_of(previous), rules.bounds_of(config))]


def step(config: RegimeConfig, state: RegimeState, inputs: RegimeInputs) -> tuple[RegimeState, RegimeVerdict | None]:
    """After one more closed candle. Without known inputs there is no verdict, the regime stays and its confirmation
    begins anew.

    Not compiled: loading the compiler would take longer than the candles of a day.
    """
    if not inputs.known:
        return RegimeState(state.regime), None
    bounds, current = rules.bounds_of(config), code_of(state.regime)
    named = _named(inputs, current, bounds)
    current, candidate, count = rules.confirmed.py_func(
        current, code_of(state.candidate), state.count, named, bounds.confirmation
    )
    fits = rules.confidence.py_func(
        current, inputs.adx, inputs.ema_fast, inputs.ema_slow, inputs.atr_percent, inputs.volume_ratio, bounds
    )
    following = RegimeState(regime_of(current), regime_of(candidate), count)
    return following, RegimeVerdict(REGIMES[current], REGIMES[named], count, fits, inputs)


def _named(inputs: RegimeInputs, current: int, bounds: rules.Bounds) -> int:
    return rules.observed.py_func(inputs.adx, inputs.ema_fast, inputs.ema_slow, inputs.atr_percent, current, bounds)
