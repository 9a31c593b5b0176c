"""``manage.py robustness SEARCH.yaml``: everything at once, and one verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtests.analysis.subject import Subject
from backtests.management.examining import ExaminingCommand


class Command(ExaminingCommand):
    help = "Searches, walks forward, maps the surroundings of the best trial, makes other histories of it, and judges."
    subject_help = "the search file"
    kind = "robustness"

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        examined = self.examined(subject, options)
        best = examined.found.chosen.front[0].parameters
        self.stdout.write(f"best: {', '.join(f'{path} {value}' for path, value in best.items())}")
        self.tell_examined(subject, examined, options)
