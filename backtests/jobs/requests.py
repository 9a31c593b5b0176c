"""What somebody asks for over the network, checked field by field before it is a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from backtests.analysis.kinds import Kind, Searching
from backtests.analysis.options import read_options
from backtests.errors import BackTestRefused
from backtests.jobs.loading import portfolio_source_problems, source_problems
from backtests.portfolio.loading import sources_of, written
from backtests.portfolio.preset import portfolio_of
from backtests.preset import Preset, PresetInvalid, preset_of
from backtests.search.definition import SearchDefinition, SearchInvalid, search_of
from backtests.search.parameters import SpaceInvalid, plain
from strategies.contract import Problem

MOST_COINS: Final = 500
MOST_BOTS: Final = 100


def back_test_request(preset: Mapping[str, Any], source: str, since: int | None, until: int | None) -> dict[str, Any]:
    """The row's ``preset`` and ``source``. A preset with ``bots`` is a portfolio, whose ``source`` holds several, white space
    between them. Raises :class:`BackTestRefused` with everything that is wrong."""
    problems = _period_problems(since, until)
    asked = _of_portfolio(preset, source, problems) if "bots" in preset else _of_bot(preset, source, problems)
    if problems:
        raise BackTestRefused(problems)
    return asked


def _of_bot(preset: Mapping[str, Any], source: str, problems: list[Problem]) -> dict[str, Any]:
    problems += source_problems(source)
    checked = _preset(preset, problems)
    return {} if checked is None else {"preset": _plain(checked), "source": source}


def _of_portfolio(preset: Mapping[str, Any], source: str, problems: list[Problem]) -> dict[str, Any]:
    said = source.split()
    problems += portfolio_source_problems(said)
    bots = preset["bots"] if isinstance(preset["bots"], list) else []
    if len(bots) > MOST_BOTS:
        limit = f"{len(bots)} bots: {MOST_BOTS} at most."
        problems.append(Problem("preset.bots", limit, str(len(bots)), str(MOST_BOTS)))
        return {}
    places = [("preset", preset), *((f"preset.bots.{number}", bot) for number, bot in enumerate(bots))]
    for place, part in places:
        problems += _funding_problems(place, part)
    try:
        portfolio = portfolio_of(preset)
    except PresetInvalid as error:
        problems += _in_preset(error.problems)
        return {}
    if problems:
        return {}
    try:
        sources = sources_of(portfolio, said)
    except ValueError as error:
        problems.append(Problem("source", str(error).replace("--candles", "source"), source))
        return {}
    return {"preset": portfolio.to_plain(), "source": " ".join(written(sources))}


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
    problems += _funding_problems("preset", preset)
    try:
        return preset_of(preset)
    except PresetInvalid as error:
        problems += _in_preset(error.problems)
    return None


def _in_preset(problems: Iterable[Problem]) -> Iterator[Problem]:
    """With their path in the request."""
    for each in problems:
        yield Problem(f"preset.{each.field}" if each.field else "preset", each.message, each.value, each.limit)


def _funding_problems(place: str, said: Any) -> Iterator[Problem]:
    rate = said.get("funding") if isinstance(said, Mapping) else None
    if isinstance(rate, str) and _number(rate) is None:
        message = "A file of funding rates can be named on the command line only."
        yield Problem(f"{place}.funding", message, rate)


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
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
