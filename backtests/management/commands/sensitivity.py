"""``manage.py sensitivity SEARCH.yaml``: how the result changes with one parameter or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from backtests.analysis.robustness import verdict
from backtests.analysis.sensitivity import Sensitivity, axes_of, map_definition, sensitivity
from backtests.analysis.subject import Subject
from backtests.management.examining import ExaminingCommand, bar, shown, table, workers_for, write_json


class Command(ExaminingCommand):
    help = "Runs a preset over a line or a map of parameters, and says whether the best stands on a plateau."
    subject_help = "the search file; its first two parameters, or those of --parameter, are the axes"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--parameter",
            action="append",
            default=[],
            metavar="PATH",
            help="an axis, as in config.grids; twice for two",
        )

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        axes = axes_of(subject.searched(), options["parameter"])
        definition = map_definition(subject.searched(), axes)
        with (
            self.trials_of(definition, subject.preset, subject.candles, options) as store,
            workers_for(subject, options) as workers,
            bar(definition.trials, "trials") as progress,
        ):
            found = sensitivity(definition, axes, workers, store, progress=progress)
        judged = verdict(sensitivity=found)
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

    def _tell(self, found: Sensitivity) -> None:
        surface = found.surface
        scores = surface.scores if found.objective.maximise else -surface.scores
        first = surface.axes[0]
        if len(surface.axes) == 1:
            rows = [[first.name, found.objective.metric]]
            rows += [[str(value), shown(score)] for value, score in zip(first.values, scores.tolist(), strict=True)]
        else:
            second = surface.axes[1]
            rows = [[f"{first.name} ↓  {second.name} →", *(str(value) for value in second.values)]]
            rows += [
                [str(value), *(shown(score) for score in line)]
                for value, line in zip(first.values, scores.tolist(), strict=True)
            ]
        self.stdout.write(table(rows))
        self.stdout.write(f"best: {_said(surface.parameters(found.at))}")
        self.stdout.write(f"best surroundings: {_said(surface.parameters(found.robust))}")


def _said(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{path} {value}" for path, value in parameters.items())
