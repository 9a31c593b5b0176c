"""What somebody asks for over the network, checked field by field before it is a row."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from backtests.analysis.kinds import Kind, Searching
from backtests.analysis.options import read_options
from backtests.errors import BackTestRefused
from backtests.jobs.loading import source_problems
from backtests.preset import Preset, PresetInvalid, preset_of
from backtests.search.definition import SearchDefinition, SearchInvalid, search_of
from backtests.search.parameters import SpaceInvalid, plain
from strategies.contract import Problem

MOST_COINS: Final = 500


def back_test_request(preset: Mapping[str, Any], source: str, since: int | None, until: int | None) -> dict[str, Any]:
    """The row's ``preset`` and ``source``. Raises :class:`BackTestRefused` with everything that is wrong."""
    problems = source_problems(source) + _period_problems(since, until)
    checked = _preset(preset, problems)
    if problems or checked is None:
        raise BackTestRefused(problems)
    return {"preset": _plain(checked), "source": source}


def study_request(
    kind: Kind,
    preset: Mapping[str, Any],
    search: Mapping[str, Any],
    options: Mapping[str, Any],
    source: str,
    since: int | None,
    until: int | None,
) -> dict[str, Any]:
    """The row's ``kind``, ``preset``, ``search`` and ``paths``, ``options`` and ``source``. Raises :class:`BackTestRefused`."""
    problems = _sources_problems(kind, source) + _period_problems(since, until)
    is_usual = kind.preset_optional and not preset
    checked = None if is_usual else _preset(preset, problems)
    if kind.name == "grid-system" and checked is not None and checked.strategy != "grid":
        mend = "the grid system searches presets of strategy grid."
        problems.append(Problem("preset.strategy", f"strategy is {checked.strategy}: {mend}", checked.strategy, "grid"))
    read, wrong = read_options(kind.options, options)
    problems += [Problem(f"options.{each.field}", each.message, each.value, each.limit) for each in wrong]
    definition = _search(kind, search, checked, problems)
    if not problems:
        problems += _estimate_problems(kind, definition, read, source)
    if problems:
        raise BackTestRefused(problems)
    return {
        "kind": kind.name,
        "preset": {} if checked is None else _plain(checked),
        "search": _json(search),
        "paths": [] if definition is None else [each.path for each in definition.parameters],
        "options": _json({name: read[name] for name in sorted(options) if options[name] is not None}),
        "source": " ".join(dict.fromkeys(source.split())) if kind.many else source,
    }


def _sources_problems(kind: Kind, source: str) -> list[Problem]:
    if not kind.many:
        return source_problems(source)
    said = source.split()
    if len(said) > MOST_COINS:
        return [Problem("source", f"{len(said)} sources: {MOST_COINS} at most.", str(len(said)), str(MOST_COINS))]
    return [problem for each in said or [""] for problem in source_problems(each)]


def _search(
    kind: Kind, search: Mapping[str, Any], preset: Preset | None, problems: list[Problem]
) -> SearchDefinition | None:
    if kind.searching is Searching.NEVER and search:
        problems.append(Problem("search", f"A study of kind {kind.name} searches nothing: leave search out."))
    elif kind.searching is Searching.ALWAYS and not search:
        mend = "say under parameters what to try, as in config.grids: [10, 20, 30]."
        problems.append(Problem("search", f"A study of kind {kind.name} is over a search: {mend}"))
    elif search and preset is not None:
        try:
            return search_of({**search, "preset": _plain(preset)})
        except SearchInvalid as error:
            problems += [_search_problem(sentence) for sentence in error.problems]
    return None


def _estimate_problems(
    kind: Kind, definition: SearchDefinition | None, options: Mapping[str, Any], source: str
) -> list[Problem]:
    """A number of runs that cannot be known is one that cannot be made: of a map, axes that there are not."""
    try:
        kind.estimate(definition, options, len(source.split()))
    except SpaceInvalid as error:
        return [Problem(f"search.parameters.{error.path}", error.message)]
    except ValueError as error:
        return [Problem("options.parameter", str(error).removeprefix("--"), str(options.get("parameter")))]
    return []


def _preset(preset: Mapping[str, Any], problems: list[Problem]) -> Preset | None:
    if isinstance(preset.get("funding"), str):
        problems.append(Problem("preset.funding", "A file of funding rates can be named on the command line only."))
    try:
        return preset_of(preset)
    except PresetInvalid as error:
        problems += [
            Problem(f"preset.{each.field}" if each.field else "preset", each.message, each.value, each.limit)
            for each in error.problems
        ]
    return None


def _period_problems(since: int | None, until: int | None) -> list[Problem]:
    if since is not None and until is not None and until <= since:
        return [Problem("until", "The period ends before it begins: until must be later than since.")]
    return []


def _plain(preset: Preset) -> dict[str, Any]:
    """As it was said, in one spelling: equal requests are equal rows."""
    return preset.model_dump(mode="json", exclude_unset=True)


def _json(said: Any) -> Any:
    """As the database keeps it: numbers of YAML are decimals."""
    if isinstance(said, Mapping):
        return {name: _json(each) for name, each in said.items()}
    if isinstance(said, list | tuple):
        return [_json(each) for each in said]
    return plain(said) if isinstance(said, Decimal) else said


def _search_problem(sentence: str) -> Problem:
    field, _, message = sentence.partition(": ")
    return Problem(f"search.{field}", message or sentence)
