"""``manage.py walk-forward SEARCH.yaml``: optimised on the past, tested on what came after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser

from backtests.analysis.robustness import verdict
from backtests.analysis.subject import Subject
from backtests.analysis.walk_forward import Plan, WalkForward, planned, walk_forward
from backtests.management.examining import ExaminingCommand, bar, period_file, shown, table, workers_for, write_json
from backtests.search.evaluation import Period


class Command(ExaminingCommand):
    help = "Searches parameters in one window after another and tests the best of each on the time after it."
    subject_help = "the search file"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        usual = Plan()
        parser.add_argument("--windows", type=int, default=usual.count, help=f"how many ({usual.count})")
        parser.add_argument(
            "--train-share",
            type=float,
            default=usual.train_share,
            help=f"part of a window that is trained on ({usual.train_share})",
        )
        parser.add_argument(
            "--embargo-hours", type=float, default=0.0, help="between training and test, for what reaches across (0)"
        )
        parser.add_argument("--anchored", action="store_true", help="train on everything since the beginning")

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        definition = subject.searched()
        embargo = int(timedelta(hours=options["embargo_hours"]) / timedelta(milliseconds=1))
        plan = Plan(options["windows"], options["train_share"], embargo, options["anchored"])
        # As the windows' searches are: without returns.
        windowed = replace(definition, returns=False)
        trainings = [Period(window.train_start, window.train_end) for window in planned(subject, plan)]
        with (
            workers_for(subject, options) as workers,
            bar(definition.trials * len(trainings), "trials") as progress,
        ):
            found = walk_forward(
                subject,
                plan,
                workers,
                lambda number: period_file(windowed, subject, options, trainings[number]),
                progress,
            )
        judged = verdict(walk_forward=found)
        self._tell(found)
        self.tell_verdict(judged)
        write_json(
            options["json_path"],
            {
                "subject": subject.name,
                "search": definition.to_json(),
                "preset": subject.preset.model_dump(mode="json"),
                **found.to_json(),
                "verdict": judged.to_json(),
            },
        )

    def _tell(self, found: WalkForward) -> None:
        rows = [["test", "in sample", "out of sample", "parameters"]]
        for each in found.windows:
            chosen = ", ".join(f"{path} {value}" for path, value in each.parameters.items())
            rows.append(
                [
                    f"{_day(each.window.test_start)} – {_day(each.window.test_end)}",
                    f"{100 * each.in_sample:.2f} %",
                    f"{100 * each.out_of_sample:.2f} %",
                    chosen or "no trial kept its limits: not traded",
                ]
            )
        self.stdout.write(table(rows))
        self.stdout.write(
            f"efficiency {shown(found.efficiency.ratio)}, tests that earned {100 * found.efficiency.consistency:.0f} %, "
            f"all tests together {100 * found.compounded:.2f} %"
        )


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
