"""Runs that workers of a queue make. An analysis is begun anew each time it can go on: what was asked before is answered
from the database, and the first questions without an answer become chunks of work.

So a study is the analysis itself, whichever it is; where it stands is what is answered, and a worker's death loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from backtests.analysis.runs import Market, Piece
from backtests.jobs import pieces
from backtests.jobs.leases import Lease
from backtests.models import JobStatus, Stage, Study
from backtests.preset import Preset
from backtests.search.definition import Method, SearchDefinition
from backtests.search.evaluation import Asked, Period
from backtests.search.running import identity_of, refuse_all_failed
from backtests.search.store import Trial, TrialStore

T = TypeVar("T")

# So many chunks at most wait in the queue for one question, and so few runs of a grid or on perturbed candles make none
# worth the message. A window, a storm or a coin is one.
MOST_CHUNKS: Final = 400
FEWEST_RUNS: Final = 4
MOST_RUNS: Final = 1_000
# Trials written to a store at a time.
_AT_ONCE: Final = 1_000
_SINGLE: Final = ("trials", "coin")


class Unanswered(Exception):
    """The analysis can go on when what it asked for is done."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A chunk of work to be: a part of the question ``ask``."""

    ask: str
    first: int
    end: int
    work: dict[str, Any]


@dataclass
class QueuedRuns:
    """Of one study; ``folder`` is for as long as the analysis takes. ``wanted`` is what it asked for in vain."""

    study: Study
    lease: Lease
    folder: Path
    wanted: list[Wanted] = field(default_factory=list)

    @contextmanager
    def searched(
        self, definition: SearchDefinition, preset: Preset, market: Market, period: Period | None = None
    ) -> Iterator[TrialStore]:
        self.lease.check()
        identity, parts = identity_of(definition, preset, market.candles, period)
        with TrialStore(self.folder / f"{identity[:16]}.sqlite", identity=identity, definition=parts) as store:
            if not store.count():
                _gather(self._trials(identity, definition), store)
            self._want_rest(identity, definition, store, preset, market, period)
            refuse_all_failed(store)
            yield store

    def done(self, preset: Preset, market: Market | None, asked: Sequence[Piece[T]], unit: str) -> list[T]:
        self.lease.check()
        if not asked:
            return []
        name, said = pieces.written(asked)
        work = {**_over(preset, market), "format": name}
        ask = hashlib.sha256(json.dumps({**work, "pieces": said}, sort_keys=True).encode()).hexdigest()
        answers = [each for answer in self._answers(ask) for each in answer]
        if answers:
            read = pieces.FORMATS[name].read_answer
            return [read(piece, answer) for piece, answer in zip(asked, answers, strict=True)]
        for first, end in cut(len(said), 1 if name in _SINGLE else FEWEST_RUNS):
            self.wanted.append(Wanted(ask, first, end, {**work, "pieces": said[first:end]}))
        raise Unanswered

    def together(self, questions: Sequence[Callable[[], T]]) -> list[T]:
        answers = []
        for question in questions:
            try:
                answers.append(question())
            except Unanswered:
                continue
        if len(answers) < len(questions):
            raise Unanswered
        return answers

    def _want_rest(
        self,
        ask: str,
        definition: SearchDefinition,
        store: TrialStore,
        preset: Preset,
        market: Market,
        period: Period | None,
    ) -> None:
        asked = Asked(definition.metrics, definition.returns)
        work = {**_over(preset, market), "format": pieces.SEARCHED}
        if definition.method is Method.GRID:
            if store.count():
                return
            grid = pieces.grid(definition.parameters, asked, period)
            self.wanted += [
                Wanted(ask, first, end, {**work, "grid": grid}) for first, end in cut(definition.trials, FEWEST_RUNS)
            ]
            raise Unanswered
        done = list(store.trials(repeated=True))
        if len(done) >= definition.trials:
            return
        # One trial a chunk: a sampler's batch is as parallel as it can be.
        self.wanted += [
            Wanted(ask, number, number + 1, {**work, "pieces": [pieces.trial(number, values, asked, period)]})
            for number, values in sampled(definition, done)
        ]
        raise Unanswered

    def _answers(self, ask: str) -> Iterator[list[Any]]:
        """Chunk by chunk, in their order."""
        done = self.study.chunks.filter(stage=Stage.WORK, ask=ask, status=JobStatus.DONE).order_by("first")
        yield from done.values_list("answer", flat=True).iterator(chunk_size=20)

    def _trials(self, ask: str, definition: SearchDefinition) -> Iterator[Trial]:
        paths = [each.path for each in definition.parameters]
        for answer in self._answers(ask):
            for piece in answer:
                yield from (pieces.trial_of(each, paths, definition.metrics) for each in piece)


def cut(count: int, fewest: int) -> list[tuple[int, int]]:
    """``count`` runs in chunks ``[first, end)``: at most :data:`MOST_CHUNKS` while none is larger than :data:`MOST_RUNS`,
    and each of ``fewest`` at least."""
    size = min(MOST_RUNS, max(fewest, math.ceil(count / MOST_CHUNKS)))
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def sampled(definition: SearchDefinition, done: Sequence[Trial]) -> list[tuple[int, dict[str, Any]]]:
    """The numbers and values of the next batch. The same for the same trials, whoever asks."""
    # Here, because a grid can do without its library: 60 MB and half a second.
    from backtests.search.sampling import BATCH, Sampler

    sampler = Sampler(definition.parameters, definition.objectives, definition.constraints, definition.seed)
    for first in range(0, len(done), BATCH):
        sampler.remember(done[first : first + BATCH])
    first = len(done)
    return list(enumerate(sampler.propose()[: definition.trials - first], first))


def _over(preset: Preset, market: Market | None) -> dict[str, Any]:
    return {
        "preset": preset.model_dump(mode="json", exclude_unset=True),
        "source": None if market is None else market.source,
    }


def _gather(trials: Iterator[Trial], store: TrialStore) -> None:
    """Samplers may propose what was tried before; the first one counts."""
    first_with: dict[str, int] = {}
    for batch in _batched(trials, _AT_ONCE):
        store.add(_told_once(batch, first_with))


def _told_once(trials: Sequence[Trial], first_with: dict[str, int]) -> Iterator[Trial]:
    for trial in trials:
        before = first_with.setdefault(trial.key, trial.number)
        if before == trial.number:
            yield trial
        else:
            yield Trial(trial.number, trial.parameters, trial.measures, trial.error, repeats=before)


def _batched(trials: Iterator[Trial], size: int) -> Iterator[list[Trial]]:
    while batch := list(islice(trials, size)):
        yield batch
