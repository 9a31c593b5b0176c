"""Whether a Sharpe ratio can be believed: probabilistic and deflated Sharpe ratios, and how long a record must be.

* Bailey & López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012): probabilistic Sharpe ratio,
  minimum track record length.
* Bailey & López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014): the best of many trials.

Sharpe ratios here are *per period*, not annualised: mean return / standard deviation of the periods counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from backtests.metrics.inputs import Floats
from backtests.metrics.returns import NAN, ROUNDING

NORMAL = NormalDist()
EULER_MASCHERONI = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class SharpeEstimate:
    """``sharpe`` per period of ``count`` returns; ``kurtosis`` is 3 for a normal distribution, not 0."""

    sharpe: float
    count: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @property
    def scatter(self) -> float:
        """Standard error of the estimate × √(count − 1): √(1 − γ₃·SR + (γ₄ − 1)/4·SR²) (Mertens, 2002)."""
        square = 1.0 - self.skewness * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe**2
        # Of moments that belong together it cannot be below 0: (γ₄ − 1) ≥ γ₃².
        return math.sqrt(square) if square > 0.0 else NAN


def estimate(returns: Floats) -> SharpeEstimate:
    """The ratio and the moments of a series; NaN where it does not vary or has fewer than two values.

    The deviation is the sample's (n − 1), skewness and kurtosis are the plain third and fourth standardised moments.
    """
    count = len(returns)
    if count < 2 or not float(np.std(returns)) > ROUNDING:
        return SharpeEstimate(NAN, count, NAN, NAN)
    mean = float(np.mean(returns))
    scores = (returns - mean) / np.std(returns)
    return SharpeEstimate(
        sharpe=mean / float(np.std(returns, ddof=1)),
        count=count,
        skewness=float(np.mean(scores**3)),
        kurtosis=float(np.mean(scores**4)),
    )


def probabilistic_sharpe(found: SharpeEstimate, benchmark: float = 0.0) -> float:
    """The probability that the true ratio is above ``benchmark`` (per period), given what was seen (2012, eq. 11)."""
    if found.count < 2:
        return NAN
    return _normal((found.sharpe - benchmark) * math.sqrt(found.count - 1) / found.scatter)


def minimum_track_record(found: SharpeEstimate, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """How many periods are needed to say with ``confidence`` that the true ratio is above ``benchmark`` (2012, eq. 13).

    Not defined (NaN) for a ratio that is not above it. Raises ``ValueError`` for a confidence outside 0 to 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}: it must be between 0 and 1")
    if not found.sharpe > benchmark:
        return NAN
    return 1.0 + (found.scatter * NORMAL.inv_cdf(confidence) / (found.sharpe - benchmark)) ** 2


def expected_maximum_sharpe(trials: float, variance: float) -> float:
    """The best ratio to expect of so many independent trials that are all worthless (2014, eq. 1).

    ``variance`` of the trials' ratios, in the same periods. √V · ((1 − γ)·Z⁻¹(1 − 1/N) + γ·Z⁻¹(1 − 1/(N·e))); one trial
    has nothing to choose from: 0. Raises ``ValueError`` for fewer than one trial or a variance below 0.
    """
    if not trials >= 1.0 or not variance >= 0.0:
        raise ValueError(f"{trials} trials with a variance of {variance}: there must be one at least, and variance")
    if trials == 1.0:
        return 0.0
    first = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def deflated_sharpe(found: SharpeEstimate, trials: float, variance: float) -> float:
    """The probability that the chosen ratio is above what the best of ``trials`` worthless ones would show (2014, eq. 2)."""
    return probabilistic_sharpe(found, expected_maximum_sharpe(trials, variance))


def independent_trials(trials: int, mean_correlation: float) -> float:
    """How many independent trials so many correlated ones are worth: ρ + (1 − ρ)·M (2014, appendix 3), at least 1.

    Neighbouring parameters earn nearly the same. A negative mean correlation counts as none.
    """
    correlation = min(max(mean_correlation, 0.0), 1.0)
    return max(1.0, correlation + (1.0 - correlation) * trials)


def mean_correlation(returns: Floats) -> float:
    """Of all pairs of the columns of ``returns`` (periods × trials) that vary; 0 when fewer than two do."""
    varying = returns[:, np.std(returns, axis=0) > ROUNDING]
    count = varying.shape[1]
    if count < 2:
        return 0.0
    scores = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    # The variance of the sum of standardised columns is the sum of the whole correlation matrix.
    total = float(np.mean(np.square(scores.sum(axis=1))))
    return (total - float(count)) / float(count * (count - 1))


def _normal(score: float) -> float:
    return NAN if math.isnan(score) else NORMAL.cdf(score)
