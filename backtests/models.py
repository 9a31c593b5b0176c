"""Back-tests and studies as they are asked for, run by workers and kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from backtests.errors import ResultImmutable


class JobStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE: Final = (JobStatus.QUEUED, JobStatus.RUNNING)


class Leased(models.Model):
    """Work that one worker at a time holds by a ``token`` and keeps by a beating heart (``backtests.jobs.leases``)."""

    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.QUEUED)
    token = models.UUIDField(null=True, editable=False)
    beat_at = models.DateTimeField(null=True, editable=False)
    # How often a worker took it up. More than one: the worker before died.
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class JobQuerySet(models.QuerySet[Any]):
    def active(self) -> JobQuerySet:
        return self.filter(status__in=ACTIVE)


class Job(models.Model):
    """What back-tests and studies have in common. ``preset`` is the preset as JSON, ``source`` what candles it is run
    over (perhaps several, a space between them), ``since`` and ``until`` the period in ms UTC. ``result`` is a path below
    ``BACKTESTS_DIR``."""

    preset = models.JSONField()
    source = models.TextField()
    since = models.BigIntegerField(null=True, blank=True)
    until = models.BigIntegerField(null=True, blank=True)
    requested_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # A share, 0 to 1.
    progress = models.FloatField(default=0.0)
    error = models.TextField(blank=True)
    # Over code, data and everything asked.
    hash = models.CharField(max_length=64, blank=True)
    summary = models.JSONField(default=dict)
    result = models.CharField(max_length=200, blank=True)

    objects = JobQuerySet.as_manager()
    was_done = False

    class Meta:
        abstract = True

    def save(self, *arguments: Any, **named: Any) -> None:
        """Raises :class:`ResultImmutable` for a job that was done when it was read. The database refuses it as well,
        whoever asks it (migration 0001)."""
        if self.was_done:
            raise ResultImmutable(f"{self} is done: results are kept as they are. Ask for another run.")
        super().save(*arguments, **named)

    @classmethod
    def from_db(cls, *arguments: Any, **named: Any) -> Any:
        found = super().from_db(*arguments, **named)
        found.was_done = found.__dict__.get("status") == JobStatus.DONE
        return found

    @property
    def symbol(self) -> str:
        return str(self.preset.get("symbol", ""))

    @property
    def strategy(self) -> str:
        return str(self.preset.get("strategy", ""))

    @property
    def timeframe(self) -> str:
        return str(self.preset.get("timeframe", ""))

    def seconds_left(self, now: datetime) -> float | None:
        """At the pace so far; ``None`` before there is one."""
        if self.started_at is None or self.finished_at is not None or not 0.0 < self.progress < 1.0:
            return None
        passed = (now - self.started_at).total_seconds()
        return passed * (1.0 - self.progress) / self.progress


class BackTest(Job, Leased):
    """One run, of a preset or a portfolio. ``same_as`` is the one that had the same code, data and parameters before: its
    result is this one's."""

    same_as = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="repeated_by")
    # As the hash, but known before the run (``backtests.jobs.runs``).
    identity = models.CharField(max_length=64, blank=True, db_index=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["hash"], condition=~Q(hash="") & Q(same_as=None), name="backtests_one_result_for_a_hash"
            )
        ]
        indexes = [models.Index(fields=["status", "beat_at"], name="backtests_backtest_active")]

    def __str__(self) -> str:
        return f"Back-test {self.pk}"

    @property
    def is_portfolio(self) -> bool:
        """Whether ``preset`` is one of several bots (``backtests.portfolio.preset``)."""
        return "bots" in self.preset

    @property
    def strategies(self) -> list[str]:
        """Each once."""
        bots = self.preset["bots"] if self.is_portfolio else [self.preset]
        return list(dict.fromkeys(str(bot.get("strategy", "")) for bot in bots))


class StudyKind(models.TextChoices):
    """Each is a line of ``backtests.analysis.kinds``."""

    OPTIMISE = "optimise", "Optimisation"
    WALK_FORWARD = "walk-forward", "Walk-forward"
    MONTE_CARLO = "monte-carlo", "Monte Carlo"
    SENSITIVITY = "sensitivity", "Sensitivity"
    ROBUSTNESS = "robustness", "Robustness"
    RANK = "rank", "Ranking"
    GRID_SYSTEM = "grid-system", "Grid system"


class Study(Job):
    """Many runs with one question. ``search`` is what a search file says besides the preset, ``options`` what the kind can
    be told. Its work is in ``chunks``; about ``total`` runs, of which ``finished`` are done."""

    kind = models.CharField(max_length=16, choices=StudyKind.choices, default=StudyKind.OPTIMISE)
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.QUEUED)
    search = models.JSONField(default=dict)
    # Those of the search's parameters in their order, which the database's JSON does not keep.
    paths = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    total = models.PositiveIntegerField(default=0)
    finished = models.PositiveIntegerField(default=0)
    # The hash of each source's candles, by which they are mapped (``backtests.jobs.files``); empty for one without any.
    data = models.JSONField(default=dict)
    same_as = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="repeated_by")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(
                fields=["hash"],
                condition=~Q(hash="") & Q(same_as=None) & Q(status=JobStatus.DONE),
                name="backtests_one_study_for_a_hash",
            )
        ]
        indexes = [models.Index(fields=["status"], name="backtests_study_active")]

    def __str__(self) -> str:
        return f"Study {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class Stage(models.TextChoices):
    PREPARE = "prepare", "Prepare"
    LEAD = "lead", "Lead"
    WORK = "work", "Work"


class Chunk(Leased):
    """A part of a study that one worker does at once: its preparation, some runs, or the step that asks for the next runs
    and in the end writes the result.

    A chunk is done once: whoever finds it done leaves it, and an answer that comes without the token is not taken.
    ``ask`` names the question that its runs are a part of, ``[first, end)`` which part. ``work`` says what to run and
    ``answer`` what came of it (``backtests.jobs.pieces``).
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    stage = models.CharField(max_length=8, choices=Stage.choices)
    ask = models.CharField(max_length=64, blank=True)
    first = models.PositiveIntegerField(default=0)
    end = models.PositiveIntegerField(default=0)
    work = models.JSONField(null=True)
    answer = models.JSONField(default=list)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="backtests_chunk_once"),
            models.CheckConstraint(condition=Q(end__gte=F("first")), name="backtests_chunk_forwards"),
        ]
        indexes = [
            models.Index(fields=["status", "beat_at"], name="backtests_chunk_active"),
            models.Index(fields=["study", "ask", "first"], name="backtests_chunk_ask"),
        ]

    def __str__(self) -> str:
        return f"{self.study}, chunk {self.number}"
