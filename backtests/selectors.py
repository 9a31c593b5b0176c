"""What the pages read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backtests.analysis.kinds import KINDS
from backtests.models import BackTest, Study
from backtests.reports import wording
from backtests.reports.figures import tone_of

NEWEST = 50
_SIGNED: Final = ("out_of_sample_return",)
# What a study's summary holds besides its verdict, as a list tells it.
_TOLD: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "out_of_sample_return": ("Tests", wording.signed_percent),
    "efficiency": ("Efficiency", wording.ratio),
    "final": ("Came to", wording.money),
    "profitable": ("Earned on", wording.percent),
    "first": ("First", str),
    "with_preset": ("Presets", str),
}


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of the list. ``figures`` are words with the class that colours them."""

    job: Any
    is_study: bool
    figures: list[tuple[str, str, str]]
    left: str

    @property
    def is_portfolio(self) -> bool:
        return isinstance(self.job, BackTest) and self.job.is_portfolio

    @property
    def percent(self) -> int:
        return int(self.job.progress * 100)

    @property
    def title(self) -> str:
        """The symbol, or how many coins or bots."""
        if self.is_portfolio:
            return f"Portfolio of {len(self.job.preset['bots'])}"
        if self.is_study and KINDS[self.job.kind].many:
            count = len(self.job.source.split())
            return f"{count} coin{'s' if count != 1 else ''}"
        return str(self.job.symbol)

    @property
    def subtitle(self) -> str:
        if self.is_portfolio:
            return _listed([bot["symbol"].partition("/")[0] for bot in self.job.preset["bots"]])
        if not self.is_study:
            return str(self.job.strategy)
        return " · ".join(filter(None, [self.job.strategy, KINDS[self.job.kind].title.lower()]))

    @property
    def source(self) -> str:
        return _listed(self.job.source.split(), most=1)


def _listed(names: list[str], most: int = 3) -> str:
    """Each once, the first ones by name."""
    found = list(dict.fromkeys(names))
    left = len(found) - most
    return ", ".join(found[:most]) + (f" and {left} more" if left > 0 else "")


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
    found = [] if study.summary else [("Runs", _runs(study), "")]
    for name, (title, write) in _TOLD.items():
        if name in study.summary:
            value = study.summary[name]
            found.append((title, write(value), tone_of(value or 0.0) if name in _SIGNED else ""))
    verdict = study.summary.get("verdict")
    if verdict:
        found.append(("Verdict", verdict["level"], {"good": "up", "bad": "down"}.get(verdict["level"], "")))
    return found


def _runs(study: Study) -> str:
    return f"{study.finished:,} of about {study.total:,}" if study.total else wording.NOTHING
