"""Trials on their way through the database: ``[number, values, measures, error, returns]`` as JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from backtests.analysis.plain_json import plain
from backtests.models import JobStatus, Stage, Study
from backtests.search.definition import SearchDefinition
from backtests.search.parameters import Values
from backtests.search.sampling import BATCH, Sampler
from backtests.search.store import Trial


def answer_of(trial: Trial) -> list[Any]:
    returns = None if trial.returns is None else base64.b64encode(trial.returns.astype("<f4").tobytes()).decode()
    measures = None if trial.measures is None else plain(trial.measures)
    return [trial.number, dict(trial.parameters), measures, trial.error, returns]


def trial_of(answer: Sequence[Any]) -> Trial:
    number, parameters, measures, error, returns = answer
    held = None if returns is None else np.frombuffer(base64.b64decode(returns), "<f4").astype(np.float64)
    return Trial(number, parameters, measures, error, returns=held)


def trials_of(study: Study) -> Iterator[Trial]:
    """By number; read chunk by chunk."""
    done = study.chunks.filter(stage=Stage.TRIALS, status=JobStatus.DONE).order_by("first", "number")
    for answer in done.values_list("answer", flat=True).iterator(chunk_size=20):
        yield from map(trial_of, answer)


def sampled(definition: SearchDefinition, done: Sequence[Trial]) -> list[tuple[int, Values]]:
    """The numbers and values of the next batch. The same for the same trials, whoever asks."""
    sampler = Sampler(definition.parameters, definition.objectives, definition.constraints, definition.seed)
    for first in range(0, len(done), BATCH):
        sampler.remember(done[first : first + BATCH])
    first = len(done)
    return list(enumerate(sampler.propose()[: definition.trials - first], first))
