"""``manage.py sensitivity SEARCH.yaml``: how the result changes with one parameter or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtests.analysis.sensitivity import Sensitivity
from backtests.analysis.subject import Subject
from backtests.management.examining import ExaminingCommand, shown, table


class Command(ExaminingCommand):
    help = "Runs a preset over a line or a map of parameters, and says whether the best stands on a plateau."
    subject_help = "the search file; its first two parameters, or those of --parameter, are the axes"
    kind = "sensitivity"

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        examined = self.examined(subject, options)
        self._tell(examined.found)
        self.tell_examined(subject, examined, options)

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
