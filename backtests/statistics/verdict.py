"""In plain words: is this result to be believed? One finding per examination, and one verdict on all of them.

The limits are conventions, not laws of nature; each is named with its source, and each finding carries its numbers so that
a reader can draw another line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


# Below 30 a mean says nothing (the rule of thumb for the central limit theorem); from 100 on Van Tharp's SQN is not scaled.
FEW_TRADES, ENOUGH_TRADES = 30, 100
# Pardo (2008): a sound procedure keeps at least half of its rate of return out of sample.
GOOD_EFFICIENCY = 0.5
# Most tests should earn something; less than a coin's share is bad.
GOOD_CONSISTENCY, BAD_CONSISTENCY = 0.6, 0.4
# Bailey & López de Prado (2014): the usual significance of 5 %. Below one half it is likelier luck than not.
GOOD_DEFLATED, BAD_DEFLATED = 0.95, 0.5
# Bailey et al. (2015): accept up to 5 %. Above one half choosing did harm.
GOOD_OVERFITTING, BAD_OVERFITTING = 0.05, 0.5
GOOD_RUIN, BAD_RUIN = 0.01, 0.1
# Noise far below the market's own must hardly ever turn a profit into a loss.
GOOD_PERTURBED, BAD_PERTURBED = 0.95, 0.4
# Share of neighbouring parameters that keep most of the score.
GOOD_PLATEAU, BAD_PLATEAU = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was examined; ``None`` for what was not. Probabilities and shares are fractions, money is in quote.

    ``trades``: number. ``efficiency``, ``consistency``: ``walk_forward.efficiency``. ``deflated_sharpe`` for ``trials``.
    ``overfitting``: probability by CSCV. ``monte_carlo_final``: 5th, 50th and 95th percentile of final equity from
    ``initial_equity``; ``monte_carlo_drawdown`` the same of the maximum drawdown, held against ``tolerable_drawdown``.
    ``risk_of_ruin`` is that of losing ``ruin_loss``. ``perturbed_profitable``: share of runs on perturbed candles that
    earned. ``plateau_share``: ``sensitivity.Surface.plateau``.
    """

    trades: int | None = None
    efficiency: float | None = None
    consistency: float | None = None
    deflated_sharpe: float | None = None
    trials: int | None = None
    overfitting: float | None = None
    initial_equity: float | None = None
    monte_carlo_final: tuple[float, float, float] | None = None
    monte_carlo_drawdown: tuple[float, float, float] | None = None
    tolerable_drawdown: float = 0.3
    risk_of_ruin: float | None = None
    ruin_loss: float = 0.5
    perturbed_profitable: float | None = None
    plateau_share: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """``topic`` is stable and for programs; ``numbers`` are those of the sentence and the limits it was held against."""

    topic: str
    level: Level
    sentence: str
    numbers: dict[str, float]

    def to_json(self) -> dict[str, object]:
        numbers = {name: value if math.isfinite(value) else None for name, value in self.numbers.items()}
        return {"topic": self.topic, "level": self.level.value, "sentence": self.sentence, "numbers": numbers}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``missing`` names the topics that were not examined."""

    level: Level
    sentence: str
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Plain JSON; a number that is not defined is null."""
        return {
            "level": self.level.value,
            "sentence": self.sentence,
            "missing": list(self.missing),
            "findings": [finding.to_json() for finding in self.findings],
        }


def judge(evidence: Evidence) -> Verdict:
    """Bad when one finding is bad, doubtful when one is doubtful or something was not examined, else good.

    A number that is not defined (NaN) was examined and told nothing: its finding is doubtful.
    """
    asked = {
        "trades": _trades(evidence),
        "walk_forward": _efficiency(evidence),
        "consistency": _consistency(evidence),
        "deflated_sharpe": _deflated(evidence),
        "overfitting": _overfitting(evidence),
        "monte_carlo_final": _final(evidence),
        "monte_carlo_drawdown": _drawdown(evidence),
        "risk_of_ruin": _ruin(evidence),
        "perturbation": _perturbation(evidence),
        "sensitivity": _sensitivity(evidence),
    }
    findings = tuple(finding for finding in asked.values() if finding is not None)
    missing = tuple(topic for topic, finding in asked.items() if finding is None)
    level, sentence = _overall(findings, missing)
    return Verdict(level, sentence, findings, missing)


def _overall(findings: tuple[Finding, ...], missing: tuple[str, ...]) -> tuple[Level, str]:
    bad = sum(finding.level is Level.BAD for finding in findings)
    doubtful = sum(finding.level is Level.DOUBTFUL for finding in findings)
    unseen = f" {len(missing)} of {len(findings) + len(missing)} examinations were not made." if missing else ""
    if not findings:
        return Level.DOUBTFUL, "Nothing was examined, so nothing is known."
    if bad:
        return Level.BAD, f"Do not trade this: {bad} of {len(findings)} findings speak against it.{unseen}"
    if doubtful:
        return Level.DOUBTFUL, f"Not proven: {doubtful} of {len(findings)} findings are in doubt.{unseen}"
    if missing:
        return Level.DOUBTFUL, f"Nothing speaks against it so far, but not all was looked at.{unseen}"
    return Level.GOOD, "Every examination speaks for it. That is no promise: markets change."


def _trades(evidence: Evidence) -> Finding | None:
    count = evidence.trades
    if count is None:
        return None
    level = _rising(count, FEW_TRADES, ENOUGH_TRADES)
    says = {
        Level.GOOD: f"{count} trades are enough to speak of averages.",
        Level.DOUBTFUL: f"{count} trades are few: averages may still move a lot.",
        Level.BAD: f"{count} trades are too few to tell skill from luck.",
    }
    return Finding("trades", level, says[level], {"trades": count, "bad_below": FEW_TRADES, "good_from": ENOUGH_TRADES})


def _efficiency(evidence: Evidence) -> Finding | None:
    value = evidence.efficiency
    if value is None:
        return None
    numbers = {"efficiency": value, "bad_to": 0.0, "good_from": GOOD_EFFICIENCY}
    if math.isnan(value):
        sentence = "Nothing was earned on the data it was optimised on, so there is nothing to compare."
        return Finding("walk_forward", Level.DOUBTFUL, sentence, numbers)
    level = Level.BAD if value <= 0.0 else _rising(value, 0.0, GOOD_EFFICIENCY)
    kept = f"On data it had not seen it earned {_percent(value)} of what it earned on the data it was optimised on"
    says = {
        Level.GOOD: f"{kept}: most of the result carries over.",
        Level.DOUBTFUL: f"{kept}: much of the result was fitted to the past.",
        Level.BAD: "On data it had not seen it lost money: the result was fitted to the past.",
    }
    if value == 0.0:
        says[Level.BAD] = "On data it had not seen it earned nothing: the result was fitted to the past."
    return Finding("walk_forward", level, says[level], numbers)


def _consistency(evidence: Evidence) -> Finding | None:
    return _share(
        "consistency",
        evidence.consistency,
        (BAD_CONSISTENCY, GOOD_CONSISTENCY),
        "{} of the walk-forward tests earned something",
        ("it does not hang on one lucky window.", "about as many lost.", "most lost."),
    )


def _deflated(evidence: Evidence) -> Finding | None:
    tried = f" after {evidence.trials} trials" if evidence.trials is not None else ""
    return _share(
        "deflated_sharpe",
        evidence.deflated_sharpe,
        (BAD_DEFLATED, GOOD_DEFLATED),
        f"With a probability of {{}} the Sharpe ratio is more than the luck of choosing the best{tried}",
        ("it is significant.", "it may be luck.", "luck explains it."),
    )


def _overfitting(evidence: Evidence) -> Finding | None:
    return _share(
        "overfitting",
        evidence.overfitting,
        (BAD_OVERFITTING, GOOD_OVERFITTING),
        "With a probability of {} the parameters chosen do no better than the middle of all that were tried, on other data",
        ("choosing helped.", "choosing may have helped.", "choosing them on the past did harm."),
    )


def _final(evidence: Evidence) -> Finding | None:
    if evidence.monte_carlo_final is None or evidence.initial_equity is None:
        return None
    low, middle, high = evidence.monte_carlo_final
    initial = evidence.initial_equity
    level = Level.GOOD if low >= initial else Level.BAD if middle < initial else Level.DOUBTFUL
    between = (
        f"Nine of ten random histories of the same trades end between {low:,.2f} and {high:,.2f} from {initial:,.2f}"
    )
    says = {
        Level.GOOD: f"{between}: even the unlucky ones did not lose.",
        Level.DOUBTFUL: f"{between}: an unlucky one loses money.",
        Level.BAD: f"{between}: more than half of them lose money.",
    }
    numbers = {"low": low, "median": middle, "high": high, "initial": initial}
    return Finding("monte_carlo_final", level, says[level], numbers)


def _drawdown(evidence: Evidence) -> Finding | None:
    if evidence.monte_carlo_drawdown is None:
        return None
    low, middle, high = evidence.monte_carlo_drawdown
    limit = evidence.tolerable_drawdown
    level = Level.GOOD if high <= limit else Level.BAD if middle > limit else Level.DOUBTFUL
    reached = f"One of twenty random histories falls by {_percent(high)} or more, half of them by {_percent(middle)}"
    says = {
        Level.GOOD: f"{reached}: within the {_percent(limit)} that are tolerated.",
        Level.DOUBTFUL: f"{reached}: an unlucky one passes the {_percent(limit)} that are tolerated.",
        Level.BAD: f"{reached}: more than the {_percent(limit)} that are tolerated.",
    }
    numbers = {"low": low, "median": middle, "high": high, "tolerable": limit}
    return Finding("monte_carlo_drawdown", level, says[level], numbers)


def _ruin(evidence: Evidence) -> Finding | None:
    return _share(
        "risk_of_ruin",
        evidence.risk_of_ruin,
        (BAD_RUIN, GOOD_RUIN),
        f"{{}} of the random histories lose {_percent(evidence.ruin_loss)} of the money at some time",
        ("that is rare.", "that is not rare.", "that is too many."),
    )


def _perturbation(evidence: Evidence) -> Finding | None:
    return _share(
        "perturbation",
        evidence.perturbed_profitable,
        (BAD_PERTURBED, GOOD_PERTURBED),
        "{} of the runs on slightly different candles earned something",
        ("it does not hang on exact prices.", "some of the result hangs on exact prices.", "it hangs on exact prices."),
    )


def _sensitivity(evidence: Evidence) -> Finding | None:
    return _share(
        "sensitivity",
        evidence.plateau_share,
        (BAD_PLATEAU, GOOD_PLATEAU),
        "{} of the neighbouring parameters do about as well",
        ("it stands on a plateau.", "it stands near an edge.", "it stands on a needle."),
    )


def _share(
    topic: str, value: float | None, limits: tuple[float, float], said: str, verdicts: tuple[str, str, str]
) -> Finding | None:
    """``limits``: bad beyond the first, good from the second on; falling when the second is the lower one."""
    if value is None:
        return None
    bad, good = limits
    numbers = {topic: value, "bad_beyond": bad, "good_from": good}
    if math.isnan(value):
        sentence = f"{topic.replace('_', ' ').capitalize()} could not be computed, so it says nothing."
        return Finding(topic, Level.DOUBTFUL, sentence, numbers)
    level = _rising(value, bad, good) if good > bad else _rising(-value, -bad, -good)
    verdict = dict(zip((Level.GOOD, Level.DOUBTFUL, Level.BAD), verdicts, strict=True))[level]
    return Finding(topic, level, f"{said.format(_percent(value))}: {verdict}", numbers)


def _rising(value: float, bad: float, good: float) -> Level:
    if value >= good:
        return Level.GOOD
    return Level.BAD if value < bad else Level.DOUBTFUL


def _percent(value: float) -> str:
    percent = 100.0 * value
    return f"{percent:.1f} %" if abs(percent) < 10.0 and percent != round(percent) else f"{percent:.0f} %"
