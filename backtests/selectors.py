"""What the pages read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backtests.models import BackTest, Study
from backtests.reports import wording
from backtests.reports.figures import tone_of

NEWEST = 50


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of the list. ``figures`` are words with the class that colours them."""

    job: Any
    is_study: bool
    figures: list[tuple[str, str, str]]
    left: str

    @property
    def percent(self) -> int:
        return int(self.job.progress * 100)


def job_rows(*, now: datetime) -> list[JobRow]:
    """The newest of both, newest first. Two queries."""
    jobs: list[BackTest | Study] = [*BackTest.objects.all()[:NEWEST], *Study.objects.all()[:NEWEST]]
    jobs.sort(key=lambda job: job.created_at, reverse=True)
    return [job_row(job, now=now) for job in jobs[:NEWEST]]


def job_row(job: BackTest | Study, *, now: datetime) -> JobRow:
    is_study = isinstance(job, Study)
    left = job.seconds_left(now)
    return JobRow(
        job,
        is_study,
        _study_figures(job) if isinstance(job, Study) else _figures(job.summary),
        "" if left is None else f"{wording.duration(left * 1000)} left",
    )


def _figures(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    if not summary:
        return []
    return [
        ("Return", wording.signed_percent(summary["roi"]), tone_of(summary["roi"] or 0.0)),
        ("Drawdown", wording.percent(summary["max_drawdown"]), ""),
        ("Sharpe", wording.ratio(summary["sharpe"]), ""),
    ]


def _study_figures(study: Study) -> list[tuple[str, str, str]]:
    trials = f"{study.finished:,} of {study.total:,}" if study.total else wording.NOTHING
    found = [("Trials", trials, "")]
    verdict = study.summary.get("verdict")
    if verdict:
        found.append(("Verdict", verdict["level"], {"good": "up", "bad": "down"}.get(verdict["level"], "")))
    return found
