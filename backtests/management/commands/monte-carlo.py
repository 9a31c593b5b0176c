"""``manage.py monte-carlo PRESET.yaml``: what else could have come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from backtests.analysis.choosing import chosen
from backtests.analysis.monte_carlo import MonteCarlo, Settings, monte_carlo
from backtests.analysis.robustness import USUAL_TOLERABLE_DRAWDOWN, verdict
from backtests.analysis.subject import Subject
from backtests.management.examining import ExaminingCommand, bar, table, workers_for, write_json
from backtests.preset import with_changes
from backtests.search.running import run_search


class Command(ExaminingCommand):
    help = "Shuffles and draws trades and days, and runs the preset again on perturbed candles."
    subject_help = "a preset, or a search file, of which the best trial is taken"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        usual = Settings()
        parser.add_argument(
            "--runs", type=int, default=usual.runs, help=f"reckoned histories of each kind ({usual.runs})"
        )
        parser.add_argument(
            "--reruns", type=int, default=usual.reruns, help=f"runs on each kind of perturbed candles ({usual.reruns})"
        )
        parser.add_argument(
            "--noise", type=float, default=usual.noise, help=f"as a share of the market's own deviation ({usual.noise})"
        )
        parser.add_argument("--seed", type=int, default=usual.seed, help=f"of all chance ({usual.seed})")
        parser.add_argument(
            "--tolerable-drawdown",
            type=float,
            default=USUAL_TOLERABLE_DRAWDOWN,
            help=f"a fraction, for the verdict ({USUAL_TOLERABLE_DRAWDOWN})",
        )

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        settings = Settings(options["runs"], options["reruns"], options["noise"], options["seed"])
        searched = None
        if subject.definition is not None:
            with self.trials_of(subject.definition, subject.preset, subject.candles, options) as store:
                with workers_for(subject, options) as workers, bar(subject.definition.trials, "trials") as progress:
                    run_search(subject.definition, workers, store, progress=progress)
                searched = chosen(subject.definition, store)
            if not searched.front:
                raise ValueError("no trial of the search keeps every limit: there is nothing to run again")
            subject = replace(subject, preset=with_changes(subject.preset, searched.front[0].parameters))
        with workers_for(subject, options) as workers, bar(2 * settings.reruns, "runs") as progress:
            found = monte_carlo(subject, workers, settings, progress)
        judged = verdict(
            chosen=searched if searched and searched.deflated_sharpe is not None else None,
            monte_carlo=found,
            tolerable_drawdown=options["tolerable_drawdown"],
        )
        self._tell(found)
        self.tell_verdict(judged)
        write_json(
            options["json_path"],
            {
                "subject": subject.name,
                "preset": subject.preset.model_dump(mode="json"),
                **found.to_json(),
                "verdict": judged.to_json(),
            },
        )

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
