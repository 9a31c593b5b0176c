"""The outcomes as a table for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from tests.reliability.crash.cells import Book, Fault, Operation, Outcome, Phase

_BEGIN, _END = "<!-- crash-matrix -->", "<!-- /crash-matrix -->"


def table(outcomes: Sequence[Outcome]) -> str:
    """One row for each phase and fault, one column for each operation and book: seconds until safe, or a cross."""
    by_cell = {(o.cell.phase, o.cell.fault, o.cell.operation, o.cell.book): o for o in outcomes}
    columns = [(operation, book) for operation in Operation for book in Book]
    lines = [
        "| phase | fault | " + " | ".join(f"{operation}, {book}" for operation, book in columns) + " |",
        "|---|---|" + "---|" * len(columns),
    ]
    for phase in Phase:
        for fault in Fault:
            found = [by_cell.get((phase, fault, *column)) for column in columns]
            if any(found):
                lines.append(f"| {phase} | {fault} | " + " | ".join(map(_mark, found)) + " |")
    return "\n".join(lines)


def _mark(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return "✗" if outcome.complaints else f"✓ {outcome.safe_after:.1f} s"


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    failed = sum(bool(outcome.complaints) for outcome in outcomes)
    safe = sorted(outcome.safe_after for outcome in outcomes if not outcome.complaints)
    times = f"; safe again after {percentile(safe, 50):.1f} s (p50), {percentile(safe, 95):.1f} s (p95)" if safe else ""
    return f"{len(outcomes)} cells in {seconds / 60:.1f} minutes, {failed} failed{times}."


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of values that are sorted already."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def write_into(document: Path, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Between the two marks; everything around them stays."""
    before, _, rest = document.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise SystemExit(f"{document} lacks the marks {_BEGIN} and {_END} between which the table belongs.")
    document.write_text(f"{before}{_BEGIN}\n{summary(outcomes, seconds)}\n\n{table(outcomes)}\n{_END}{after}")
