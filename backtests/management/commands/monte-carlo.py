"""``manage.py monte-carlo PRESET.yaml``: what else could have come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtests.analysis.monte_carlo import MonteCarlo
from backtests.analysis.subject import Subject
from backtests.management.examining import ExaminingCommand, table


class Command(ExaminingCommand):
    help = "Shuffles and draws trades and days, and runs the preset again on perturbed candles."
    subject_help = "a preset, or a search file, of which the best trial is taken"
    kind = "monte-carlo"

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        examined = self.examined(subject, options)
        self._tell(examined.found)
        self.tell_examined(subject, examined, options)

    def _tell(self, found: MonteCarlo) -> None:
        rows = [["history", "final 5 %", "50 %", "95 %", "drawdown 50 %", "95 %", "loss", "ruin"]]
        kinds = {
            "trades shuffled": found.shuffled,
            "trades drawn": found.drawn,
            "days in blocks": found.returns,
        }
        for name, outcomes in kinds.items():
            if outcomes is None:
                continue
            final, drawdown = outcomes.final_interval(), outcomes.drawdown_interval()
            rows.append(
                [
                    name,
                    *(f"{value:,.2f}" for value in final),
                    f"{100 * drawdown.middle:.1f} %",
                    f"{100 * drawdown.high:.1f} %",
                    f"{100 * outcomes.probability_of_loss():.1f} %",
                    f"{100 * outcomes.risk_of_ruin():.1f} %",
                ]
            )
        self.stdout.write(f"from {found.initial:,.2f} it came to {found.final:,.2f} in {found.trades} trades")
        self.stdout.write(table(rows))
        for kind, perturbed in found.perturbed.items():
            self.stdout.write(
                f"run again on candles with {kind}: {100 * perturbed.profitable:.0f} % of {len(perturbed.final)} earned"
            )
