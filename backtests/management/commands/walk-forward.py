"""``manage.py walk-forward SEARCH.yaml``: optimised on the past, tested on what came after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backtests.analysis.subject import Subject
from backtests.analysis.walk_forward import WalkForward
from backtests.management.examining import ExaminingCommand, shown, table


class Command(ExaminingCommand):
    help = "Searches parameters in one window after another and tests the best of each on the time after it."
    subject_help = "the search file"
    kind = "walk-forward"

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        examined = self.examined(subject, options)
        self._tell(examined.found)
        self.tell_examined(subject, examined, options)

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
