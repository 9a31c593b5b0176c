"""Each finding at its limits, and what all of them together say."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from backtests.statistics.verdict import Evidence, Level, judge

CONVINCING = Evidence(
    trades=400,
    efficiency=0.8,
    consistency=0.75,
    deflated_sharpe=0.97,
    trials=50,
    overfitting=0.02,
    initial_equity=1000.0,
    monte_carlo_final=(1050.0, 1400.0, 1900.0),
    monte_carlo_drawdown=(0.05, 0.1, 0.2),
    risk_of_ruin=0.0,
    perturbed_profitable=0.96,
    plateau_share=0.9,
)


def test_what_convinces_everybody_is_good() -> None:
    found = judge(CONVINCING)
    assert found.level is Level.GOOD
    assert {finding.level for finding in found.findings} == {Level.GOOD}
    assert len(found.findings) == 10
    assert not found.missing


@pytest.mark.parametrize(
    ("change", "topic", "level"),
    [
        ({"trades": 29}, "trades", Level.BAD),
        ({"trades": 30}, "trades", Level.DOUBTFUL),
        ({"trades": 99}, "trades", Level.DOUBTFUL),
        ({"trades": 100}, "trades", Level.GOOD),
        ({"efficiency": -0.1}, "walk_forward", Level.BAD),
        ({"efficiency": 0.0}, "walk_forward", Level.BAD),
        ({"efficiency": 0.49}, "walk_forward", Level.DOUBTFUL),
        ({"efficiency": 0.5}, "walk_forward", Level.GOOD),
        ({"efficiency": math.nan}, "walk_forward", Level.DOUBTFUL),
        ({"consistency": 0.39}, "consistency", Level.BAD),
        ({"consistency": 0.5}, "consistency", Level.DOUBTFUL),
        ({"deflated_sharpe": 0.49}, "deflated_sharpe", Level.BAD),
        ({"deflated_sharpe": 0.94}, "deflated_sharpe", Level.DOUBTFUL),
        ({"deflated_sharpe": math.nan}, "deflated_sharpe", Level.DOUBTFUL),
        ({"overfitting": 0.51}, "overfitting", Level.BAD),
        ({"overfitting": 0.5}, "overfitting", Level.DOUBTFUL),
        ({"overfitting": 0.06}, "overfitting", Level.DOUBTFUL),
        ({"overfitting": 0.05}, "overfitting", Level.GOOD),
        ({"monte_carlo_final": (999.0, 1200.0, 1500.0)}, "monte_carlo_final", Level.DOUBTFUL),
        ({"monte_carlo_final": (700.0, 999.0, 1500.0)}, "monte_carlo_final", Level.BAD),
        ({"monte_carlo_drawdown": (0.1, 0.2, 0.31)}, "monte_carlo_drawdown", Level.DOUBTFUL),
        ({"monte_carlo_drawdown": (0.1, 0.31, 0.5)}, "monte_carlo_drawdown", Level.BAD),
        ({"monte_carlo_drawdown": (0.1, 0.31, 0.5), "tolerable_drawdown": 0.5}, "monte_carlo_drawdown", Level.GOOD),
        ({"risk_of_ruin": 0.11}, "risk_of_ruin", Level.BAD),
        ({"risk_of_ruin": 0.05}, "risk_of_ruin", Level.DOUBTFUL),
        ({"perturbed_profitable": 0.3}, "perturbation", Level.BAD),
        ({"perturbed_profitable": 0.8}, "perturbation", Level.DOUBTFUL),
        ({"plateau_share": 0.29}, "sensitivity", Level.BAD),
        ({"plateau_share": 0.69}, "sensitivity", Level.DOUBTFUL),
    ],
)
def test_each_limit(change: dict[str, object], topic: str, level: Level) -> None:
    found = judge(replace(CONVINCING, **change))  # type: ignore[arg-type]
    finding = next(each for each in found.findings if each.topic == topic)
    assert finding.level is level
    # The one finding decides over the whole.
    assert found.level is level


def test_one_bad_finding_outweighs_many_good_and_doubtful_ones() -> None:
    found = judge(replace(CONVINCING, trades=50, overfitting=0.9))
    assert found.level is Level.BAD
    assert found.sentence == "Do not trade this: 1 of 10 findings speak against it."


def test_what_was_not_examined_is_named_and_is_no_proof() -> None:
    found = judge(replace(CONVINCING, deflated_sharpe=None, overfitting=None))
    assert found.missing == ("deflated_sharpe", "overfitting")
    assert found.level is Level.DOUBTFUL
    assert found.sentence.endswith("2 of 10 examinations were not made.")
    assert judge(Evidence()).sentence == "Nothing was examined, so nothing is known."
    assert judge(Evidence()).level is Level.DOUBTFUL


def test_sentences_carry_their_numbers() -> None:
    found = {finding.topic: finding for finding in judge(CONVINCING).findings}
    assert found["walk_forward"].sentence == (
        "On data it had not seen it earned 80 % of what it earned on the data it was optimised on: "
        "most of the result carries over."
    )
    assert "97 %" in found["deflated_sharpe"].sentence
    assert "50 trials" in found["deflated_sharpe"].sentence
    assert "between 1,050.00 and 1,900.00 from 1,000.00" in found["monte_carlo_final"].sentence
    assert found["overfitting"].numbers == {"overfitting": 0.02, "bad_beyond": 0.5, "good_from": 0.05}


def test_what_could_not_be_computed_says_so() -> None:
    found = judge(replace(CONVINCING, deflated_sharpe=math.nan))
    finding = next(each for each in found.findings if each.topic == "deflated_sharpe")
    assert finding.sentence == "Deflated sharpe could not be computed, so it says nothing."


def test_the_json_is_plain() -> None:
    read = json.loads(json.dumps(judge(replace(CONVINCING, efficiency=math.nan)).to_json(), allow_nan=False))
    assert read["level"] == "doubtful"
    finding = next(each for each in read["findings"] if each["topic"] == "walk_forward")
    assert finding["numbers"]["efficiency"] is None
