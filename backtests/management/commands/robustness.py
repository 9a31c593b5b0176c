"""``manage.py robustness SEARCH.yaml``: everything at once, and one verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from backtests.analysis.choosing import chosen
from backtests.analysis.monte_carlo import Settings, monte_carlo
from backtests.analysis.robustness import USUAL_TOLERABLE_DRAWDOWN, verdict
from backtests.analysis.sensitivity import MOST_AXES, map_around, map_definition, sensitivity
from backtests.analysis.subject import Subject
from backtests.analysis.walk_forward import Plan, planned, walk_forward
from backtests.management.examining import ExaminingCommand, bar, period_file, workers_for, write_json
from backtests.preset import with_changes
from backtests.search.evaluation import Period
from backtests.search.running import run_search


class Command(ExaminingCommand):
    help = "Searches, walks forward, maps the surroundings of the best trial, makes other histories of it, and judges."
    subject_help = "the search file"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        plan, usual = Plan(), Settings()
        parser.add_argument("--windows", type=int, default=plan.count, help=f"of the walk-forward ({plan.count})")
        parser.add_argument("--anchored", action="store_true", help="train on everything since the beginning")
        parser.add_argument("--runs", type=int, default=usual.runs, help=f"reckoned histories ({usual.runs})")
        parser.add_argument("--reruns", type=int, default=usual.reruns, help=f"on perturbed candles ({usual.reruns})")
        parser.add_argument("--seed", type=int, default=usual.seed, help=f"of all chance ({usual.seed})")
        parser.add_argument(
            "--tolerable-drawdown",
            type=float,
            default=USUAL_TOLERABLE_DRAWDOWN,
            help=f"a fraction ({USUAL_TOLERABLE_DRAWDOWN})",
        )

    def examine(self, subject: Subject, options: Mapping[str, Any]) -> None:
        definition = replace(subject.searched(), returns=True)
        plan = Plan(options["windows"], anchored=options["anchored"])
        trainings = [Period(window.train_start, window.train_end) for window in planned(subject, plan)]
        windowed = replace(definition, returns=False)
        with workers_for(subject, options) as workers:
            with (
                self.trials_of(definition, subject.preset, subject.candles, options) as store,
                bar(definition.trials, "trials") as progress,
            ):
                run_search(definition, workers, store, progress=progress)
                searched = chosen(definition, store)
            if not searched.front:
                raise ValueError("no trial of the search keeps every limit: there is nothing to examine")
            with bar(definition.trials * len(trainings), "trials of windows") as progress:
                walked = walk_forward(
                    subject,
                    plan,
                    workers,
                    lambda number: period_file(windowed, subject, options, trainings[number]),
                    progress,
                )
        values = searched.front[0].parameters
        best = replace(subject, preset=with_changes(subject.preset, values))
        axes = tuple(map_around(each, values[each.path]) for each in definition.parameters[:MOST_AXES])
        surroundings = map_definition(definition, axes)
        with workers_for(best, options) as workers:
            with (
                self.trials_of(surroundings, best.preset, best.candles, options) as store,
                bar(surroundings.trials, "neighbours") as progress,
            ):
                mapped = sensitivity(surroundings, axes, workers, store, at=values, progress=progress)
            settings = Settings(options["runs"], options["reruns"], seed=options["seed"])
            with bar(2 * settings.reruns, "histories") as progress:
                histories = monte_carlo(best, workers, settings, progress)
        judged = verdict(
            chosen=searched,
            walk_forward=walked,
            monte_carlo=histories,
            sensitivity=mapped,
            tolerable_drawdown=options["tolerable_drawdown"],
        )
        self.stdout.write(f"best: {', '.join(f'{path} {value}' for path, value in values.items())}")
        self.tell_verdict(judged)
        write_json(
            options["json_path"],
            {
                "subject": subject.name,
                "preset": best.preset.model_dump(mode="json"),
                "best": dict(values),
                "search": searched.to_json(),
                "walk_forward": walked.to_json(),
                "sensitivity": mapped.to_json(),
                "monte_carlo": histories.to_json(),
                "verdict": judged.to_json(),
            },
        )
