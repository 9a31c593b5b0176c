"""Everything that was examined, as evidence for one verdict in plain words (``backtests.statistics.verdict``)."""

from __future__ import annotations

from backtests.analysis.choosing import Chosen
from backtests.analysis.monte_carlo import NOISY, MonteCarlo
from backtests.analysis.sensitivity import Sensitivity
from backtests.analysis.walk_forward import WalkForward
from backtests.statistics.verdict import Evidence, Verdict, judge

USUAL_TOLERABLE_DRAWDOWN = 0.3


def verdict(
    *,
    chosen: Chosen | None = None,
    walk_forward: WalkForward | None = None,
    monte_carlo: MonteCarlo | None = None,
    sensitivity: Sensitivity | None = None,
    tolerable_drawdown: float = USUAL_TOLERABLE_DRAWDOWN,
) -> Verdict:
    """What was not examined is named as missing in it."""
    histories = monte_carlo.returns or monte_carlo.drawn if monte_carlo else None
    noisy = monte_carlo.perturbed.get(NOISY) if monte_carlo else None
    return judge(
        Evidence(
            trades=monte_carlo.trades if monte_carlo else None,
            efficiency=walk_forward.efficiency.ratio if walk_forward else None,
            consistency=walk_forward.efficiency.consistency if walk_forward else None,
            deflated_sharpe=chosen.deflated_sharpe if chosen else None,
            trials=chosen.trials if chosen else None,
            overfitting=chosen.overfitting if chosen else None,
            initial_equity=monte_carlo.initial if monte_carlo else None,
            monte_carlo_final=histories.final_interval() if histories else None,
            monte_carlo_drawdown=histories.drawdown_interval() if histories else None,
            tolerable_drawdown=tolerable_drawdown,
            risk_of_ruin=histories.risk_of_ruin() if histories else None,
            perturbed_profitable=noisy.profitable if noisy else None,
            plateau_share=sensitivity.plateau.share if sensitivity else None,
        )
    )
