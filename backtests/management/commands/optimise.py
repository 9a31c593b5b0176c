"""``manage.py optimise SEARCH.yaml``: which parameters do best, and whether that is more than luck."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from backtests.analysis.choosing import Chosen, chosen
from backtests.analysis.robustness import verdict
from backtests.analysis.subject import Subject
from backtests.management.examining import ExaminingCommand, bar, shown, table, trials_folder, workers_for, write_json
from backtests.preset import with_changes
from backtests.search.running import identity_of, run_search

SHOWN = 20


class Command(ExaminingCommand):
    help = "Searches a strategy's parameters by grid or TPE; goes on where it was interrupted."
    subject_help = "the search file"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--preset", type=Path, metavar="OUT", help="the best trial as a preset (YAML)")
        parser.add_argument(
            "--pick", type=int, metavar="NUMBER", help="a trial of the front for --preset, instead of the first one"
        )

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        definition = subject.searched()
        began = time.monotonic()
        with self.trials_of(definition, subject.preset, subject.candles, options) as store:
            self.stdout.write(f"{definition.trials} trials ({definition.method}), kept in {store.path}")
            before = store.count()
            with workers_for(subject, options) as workers, bar(definition.trials, "trials") as progress:
                run_search(definition, workers, store, progress=progress)
            found = chosen(definition, store)
        seconds = time.monotonic() - began
        self._tell(found, definition.metrics, before, seconds)
        identity, _ = identity_of(definition, subject.preset, subject.candles)
        judged = verdict(chosen=found) if found.deflated_sharpe is not None else None
        write_json(
            options["json_path"],
            {
                "hash": identity,
                "search": definition.to_json(),
                "preset": subject.preset.model_dump(mode="json"),
                "trials_in": str(trials_folder(options)),
                "seconds": seconds,
                **found.to_json(),
                "verdict": None if judged is None else judged.to_json(),
            },
        )
        if judged is not None:
            self.tell_verdict(judged)
        if options["preset"] is not None:
            self._write_preset(subject, found, options)

    def _tell(self, found: Chosen, metrics: tuple[str, ...], before: int, seconds: float) -> None:
        done = f"{found.trials} different trials"
        if before:
            done += f", {before} of them found done"
        if found.failed:
            done += f", {found.failed} refused by the strategy or the preset"
        self.stdout.write(f"{done}, in {seconds:.1f} s")
        if not found.front:
            self.stdout.write("No trial keeps every limit with every objective defined: loosen a constraint.")
            return
        paths = list(found.front[0].parameters)
        rows = [["trial", *paths, *metrics]]
        for trial in found.front[:SHOWN]:
            measures = trial.measures or {}
            rows.append(
                [
                    str(trial.number),
                    *(str(trial.parameters[path]) for path in paths),
                    *(shown(measures.get(name)) for name in metrics),
                ]
            )
        self.stdout.write(table(rows))
        if len(found.front) > SHOWN:
            self.stdout.write(f"and {len(found.front) - SHOWN} more on the front (--json has them all)")

    def _write_preset(self, subject: Subject, found: Chosen, options: Mapping[str, Any]) -> None:
        if not found.front:
            raise ValueError("there is no best trial to write as a preset: none keeps every limit")
        picked = [trial for trial in found.front if options["pick"] in (None, trial.number)]
        if not picked:
            numbers = ", ".join(str(trial.number) for trial in found.front)
            raise ValueError(f"--pick {options['pick']} is not on the front; there are {numbers}")
        path: Path = options["preset"]
        path.write_text(with_changes(subject.preset, picked[0].parameters).to_yaml(), encoding="utf-8")
        self.stdout.write(f"trial {picked[0].number} written as {path}")
