"""Drives a search to its end: proposes trials, has them run, keeps what came of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from backtests.identity import code_version, data_hash, parameters_hash
from backtests.preset import Preset
from backtests.search.definition import Method, SearchDefinition
from backtests.search.evaluation import Asked, Period, Work
from backtests.search.fronts import best_front
from backtests.search.parameters import Value, Values, combination, trial_key
from backtests.search.store import StoreMismatch, Trial, TrialStore
from backtests.search.workers import Workers
from exchange.candles.files import Candles

# Of the grid's numbers looked up at a time.
BLOCK: Final = 4096
# A worker is given so many seconds of work at a time: long against a message, short against the wait for Ctrl-C.
PACE_SECONDS: Final = 0.2
MOST_AT_ONCE: Final = 256

Progress = Callable[[int], None]


@dataclass
class Pace:
    """How many trials a job has: as many as take :data:`PACE_SECONDS`, by the last ones' time."""

    workers: int
    left: int
    size: int = 4

    def next_size(self) -> int:
        # The last ones are spread, so that no worker ends long after the others.
        return max(1, min(self.size, self.left // (4 * self.workers) or 1))

    def took(self, trials: int, seconds: float) -> None:
        self.left -= trials
        wanted = int(trials * PACE_SECONDS / seconds) if seconds > 0.0 else MOST_AT_ONCE
        self.size = max(1, min(MOST_AT_ONCE, wanted, 4 * self.size))


def identity_of(
    definition: SearchDefinition, preset: Preset, candles: Candles, period: Period | None = None
) -> tuple[str, dict[str, Any]]:
    """A search's hash, over code, data and everything asked, and what it was made of."""
    parts = definition.to_json() | {
        "preset": parameters_hash(preset),
        "data": data_hash(candles),
        "code": code_version(preset.strategy),
        "period": None if period is None else [period.begin, period.end],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest(), parts


def run_search(
    definition: SearchDefinition,
    workers: Workers,
    store: TrialStore,
    *,
    period: Period | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Goes on where the store ends. ``progress`` is told how many more trials are done, those found done too.

    Raises ``ValueError`` when not one trial could be run, with the first one's error.
    """
    asked = Asked(definition.metrics, definition.returns)
    if definition.method is Method.GRID:
        _run_grid(definition, workers, store, asked, period, progress)
    else:
        _run_sampler(definition, workers, store, asked, period, progress)
    refuse_all_failed(store)


def refuse_all_failed(store: TrialStore) -> None:
    """Raises ``ValueError`` when not one trial could be run, with the first one's error."""
    if store.count() and store.failed() == store.count():
        raise ValueError(f"not one of {store.count()} trials could be run; the first one: {store.first_error()}")


def best_of(definition: SearchDefinition, store: TrialStore) -> list[Trial]:
    """The best trial, or with several objectives the Pareto front; empty when none keeps every limit."""
    return best_front(store.trials(), definition.objectives, definition.constraints)


def _run_grid(
    definition: SearchDefinition,
    workers: Workers,
    store: TrialStore,
    asked: Asked,
    period: Period | None,
    progress: Progress,
) -> None:
    size = definition.trials
    done = store.count()
    progress(done)
    pace = Pace(workers.count, size - done)
    for trials, seconds in workers.run(_grid_jobs(definition, store, asked, period, pace)):
        store.add(trials)
        pace.took(len(trials), seconds)
        progress(len(trials))


def _grid_jobs(
    definition: SearchDefinition, store: TrialStore, asked: Asked, period: Period | None, pace: Pace
) -> Iterator[Callable[..., list[Trial]]]:
    chosen: list[tuple[int, Values]] = []
    for number in _missing(store, definition.trials):
        chosen.append((number, combination(definition.parameters, number)))
        if len(chosen) >= pace.next_size():
            yield Work(tuple(chosen), asked, period).done_by
            chosen = []
    if chosen:
        yield Work(tuple(chosen), asked, period).done_by


def _missing(store: TrialStore, size: int) -> Iterator[int]:
    for first in range(0, size, BLOCK):
        end = min(first + BLOCK, size)
        done = store.numbers(first, end)
        yield from (number for number in range(first, end) if number not in done)


def _run_sampler(
    definition: SearchDefinition,
    workers: Workers,
    store: TrialStore,
    asked: Asked,
    period: Period | None,
    progress: Progress,
) -> None:
    # Here, because a grid can do without its library: 60 MB and half a second.
    from backtests.search.sampling import BATCH, Sampler

    sampler = Sampler(definition.parameters, definition.objectives, definition.constraints, definition.seed)
    whole: list[Trial] = []
    for trial in store.trials(repeated=True):
        if trial.number >= definition.trials or trial.number != sampler.told + len(whole):
            break
        whole.append(trial)
        if len(whole) == BATCH:
            sampler.remember(whole)
            progress(BATCH)
            whole = []
    rest = {trial.number: trial for trial in store.trials(repeated=True) if trial.number >= sampler.told}
    while sampler.told < definition.trials:
        first = sampler.told
        proposed = dict(enumerate(sampler.propose()[: definition.trials - first], first))
        for number, values in proposed.items():
            if number in rest and rest[number].key != trial_key(values):
                raise StoreMismatch(
                    f"{store.path}: trial {number} was another one than the sampler proposes now; take another file"
                )
        found = _run_batch(proposed, rest, workers, store, asked, period)
        sampler.tell([found[number] for number in proposed])
        progress(len(proposed))


def _run_batch(
    proposed: Mapping[int, dict[str, Value]],
    rest: Mapping[int, Trial],
    workers: Workers,
    store: TrialStore,
    asked: Asked,
    period: Period | None,
) -> dict[int, Trial]:
    """Only what was never tried is run; what was is repeated from the store."""
    found = {number: rest[number] for number in proposed if number in rest}
    first_with: dict[str, int] = {}
    jobs: list[Work] = []
    for number, values in proposed.items():
        if number not in found and store.with_parameters(values) is None:
            key = trial_key(values)
            if first_with.setdefault(key, number) == number:
                jobs.append(Work(((number, values),), asked, period))
    for trials, _ in workers.run(job.done_by for job in jobs):
        store.add(trials)
        found.update((trial.number, trial) for trial in trials)
    for number, values in proposed.items():
        if number not in found:
            before = store.with_parameters(values)
            assert before is not None
            found[number] = Trial(number, values, before.measures, before.error, repeats=before.number)
            store.add([found[number]])
    return found
