"""The end of a study: the best of all trials, whether it is to be believed, and its own back-test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import orjson
from django.db import transaction
from django.utils import timezone

from backtests.analysis.choosing import Chosen, chosen
from backtests.analysis.monte_carlo import MonteCarlo, Settings, monte_carlo
from backtests.analysis.robustness import verdict
from backtests.analysis.sensitivity import Sensitivity, axes_of, map_around, map_definition, sensitivity
from backtests.analysis.subject import Subject
from backtests.data import DataReport
from backtests.jobs import files
from backtests.jobs.leases import Lease
from backtests.jobs.loading import load
from backtests.jobs.studies import definition_of
from backtests.jobs.trials import trials_of
from backtests.models import ACTIVE, JobStatus, Study
from backtests.preset import Preset, preset_of, with_changes
from backtests.search.definition import SearchDefinition
from backtests.search.running import identity_of
from backtests.search.store import Trial, TrialStore
from backtests.search.workers import Workers
from exchange.candles.files import Candles

# Trials told in the summary; all of them are in the result's file.
TOLD: Final = 50
RERUNS: Final = 20
RUNS: Final = 5_000


def report(study: Study, lease: Lease) -> None:
    definition, preset = definition_of(study), preset_of(study.preset)
    candles, data = load(preset, study.source, study.since, study.until)
    with tempfile.TemporaryDirectory(prefix="traderagent-study-") as folder:
        identity, parts = identity_of(definition, preset, candles)
        with TrialStore(Path(folder) / "trials", identity=identity, definition=parts) as store:
            _gather(study, store)
            if store.failed() == store.count():
                raise ValueError(
                    f"not one of {store.count()} trials could be run; the first one: {store.first_error()}"
                )
            found = chosen(definition, store)
            lease.check()
            told: dict[str, Any] = {"chosen": found.to_json(), "ranking": _ranking(definition, store)}
            failed = store.failed()
        examined = _examined(study, preset, candles, data, definition, found, Path(folder), lease)
    contents = {
        "study": {"kind": study.kind, "preset": study.preset, "search": study.search, "source": study.source},
        **told,
        **examined,
        "hash": study.hash,
    }
    name = files.result_name(study.hash, "study.json.gz")
    files.keep_bytes(name, orjson.dumps(contents))
    with transaction.atomic():
        lease.write(status=JobStatus.DONE, done_at=timezone.now())
        # The same, said in another way, may have run at the same time.
        before = Study.objects.filter(hash=study.hash, status=JobStatus.DONE, same_as=None).first()
        Study.objects.filter(pk=study.pk, status__in=ACTIVE).update(
            status=JobStatus.DONE,
            same_as=before,
            summary={"best": told["chosen"]["best"], "failed": failed, "verdict": examined.get("verdict")},
            result=name,
            progress=1.0,
            finished_at=timezone.now(),
        )
    files.drop_candles(study.data_hash)


def _gather(study: Study, store: TrialStore) -> None:
    """Samplers may propose what was tried before; the first one counts."""
    first_with: dict[str, int] = {}
    for trial in trials_of(study):
        before = first_with.setdefault(trial.key, trial.number)
        if before == trial.number:
            store.add([trial])
        else:
            store.add([Trial(trial.number, trial.parameters, trial.measures, trial.error, repeats=before)])


def _ranking(definition: SearchDefinition, store: TrialStore) -> list[dict[str, Any]]:
    """The best by the first objective, those that miss a limit last."""
    objective = definition.objectives[0]

    def place(trial: Trial) -> tuple[bool, float]:
        assert trial.measures is not None
        score = objective.score(trial.measures)
        missed = any(limit.missed_by(trial.measures) for limit in definition.constraints)
        return missed, -score if score == score else float("inf")

    best: list[Trial] = []
    for trial in store.trials():
        if trial.measures is not None:
            best.append(trial)
            if len(best) >= 4 * TOLD:
                best = sorted(best, key=place)[:TOLD]
    return [
        {
            "number": trial.number,
            "parameters": dict(trial.parameters),
            "measures": trial.measures,
            "keeps_limits": not place(trial)[0],
        }
        for trial in sorted(best, key=place)[:TOLD]
    ]


def _examined(
    study: Study,
    preset: Preset,
    candles: Candles,
    data: DataReport,
    definition: SearchDefinition,
    found: Chosen,
    folder: Path,
    lease: Lease,
) -> dict[str, Any]:
    """Monte Carlo and the neighbourhood of the best trial, and the verdict on it. Nothing when no trial keeps the limits."""
    if not found.front:
        return {}
    best = with_changes(preset, found.front[0].parameters)
    subject = Subject(str(study), best, candles, data, definition)
    with Workers(best, candles, count=1) as workers:
        histories = monte_carlo(subject, workers, Settings(RUNS, RERUNS), progress=lambda _: lease.check())
        surface = _neighbourhood(definition, preset, best, candles, found, folder, lease)
    told: dict[str, Any] = {
        "preset": best.model_dump(mode="json"),
        "monte_carlo": histories.to_json(),
        "sensitivity": surface.to_json() if surface else None,
        "verdict": _verdict(found, histories, surface),
    }
    return told


def _neighbourhood(
    definition: SearchDefinition,
    preset: Preset,
    best: Preset,
    candles: Candles,
    found: Chosen,
    folder: Path,
    lease: Lease,
) -> Sensitivity | None:
    """Of the first two parameters that have neighbours."""
    at = found.front[0].parameters
    axes = tuple(map_around(axis, at[axis.path]) for axis in axes_of(definition) if axis.ordered)
    if not axes or any(len(axis.values) < 2 for axis in axes):
        return None
    asked = map_definition(definition, axes)
    with Workers(best, candles, count=1) as workers:
        identity, parts = identity_of(asked, best, candles)
        with TrialStore(folder / "map", identity=identity, definition=parts) as store:
            return sensitivity(asked, axes, workers, store, at=at, progress=lambda _: lease.check())


def _verdict(found: Chosen, histories: MonteCarlo, surface: Sensitivity | None) -> dict[str, object]:
    return verdict(chosen=found, monte_carlo=histories, sensitivity=surface).to_json()
