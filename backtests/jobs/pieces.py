"""Pieces of work and their answers on their way through the database: what an analysis asks for, as JSON.

The database's JSON keeps no order of names, so what has one (parameters, figures) is put in it again by who asked.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from django.conf import settings

from backtests.analysis.monte_carlo import Rerun, Settings
from backtests.analysis.plain_json import plain
from backtests.analysis.ranking import FIGURES, CoinRun, Ranked
from backtests.analysis.runs import Piece
from backtests.analysis.sources import NamedSource
from backtests.metrics.inputs import Floats
from backtests.search.evaluation import Asked, Period, Work
from backtests.search.parameters import Parameter, Value, combination
from backtests.search.store import Trial

# A store of trials keeps returns in four bytes each; what is told of a single run has all eight.
SHORT, WHOLE = "<f4", "<f8"
SEARCHED: Final = "searched"


@dataclass(frozen=True, slots=True)
class Format:
    """Of one type of piece: how it is written and read, and its answer, which is read for the piece that it is of."""

    type: type[Any]
    write: Callable[[Any], Any]
    read: Callable[[Any], Piece[Any]]
    write_answer: Callable[[Any], Any]
    read_answer: Callable[[Any, Any], Any]


def written(pieces: Sequence[Piece[Any]]) -> tuple[str, list[Any]]:
    """The name of the pieces' format, and each of them. They are of one type."""
    name = next(name for name, each in FORMATS.items() if isinstance(pieces[0], each.type))
    return name, [FORMATS[name].write(piece) for piece in pieces]


def pieces_of(work: Mapping[str, Any], first: int, end: int) -> Iterator[Piece[Any]]:
    """Of a grid, its combinations with numbers in ``[first, end)``: they are not written one by one."""
    if "grid" not in work:
        yield from map(FORMATS[work["format"]].read, work["pieces"])
        return
    grid = work["grid"]
    parameters = [Parameter(path, tuple(values)) for path, values in grid["parameters"]]
    for number in range(first, end):
        yield _work(grid, [(number, combination(parameters, number))])


def grid(parameters: Sequence[Parameter], asked: Asked, period: Period | None) -> dict[str, Any]:
    return _asked(asked, period) | {"parameters": [[each.path, list(each.values)] for each in parameters]}


def trial(number: int, values: Mapping[str, Value], asked: Asked, period: Period | None) -> dict[str, Any]:
    return _asked(asked, period) | {"trials": [[number, dict(values)]]}


def trial_of(answer: Sequence[Any], paths: Iterable[str], metrics: Iterable[str]) -> Trial:
    """With its parameters and figures in this order."""
    number, parameters, measures, error, returns = answer
    ordered = {path: parameters[path] for path in paths}
    told = None if measures is None else {name: measures[name] for name in metrics}
    return Trial(number, ordered, told, error, returns=_floats(returns))


def _answer_of(trial: Trial, kind: str) -> list[Any]:
    measures = None if trial.measures is None else plain(trial.measures)
    return [trial.number, dict(trial.parameters), measures, trial.error, _text(trial.returns, kind)]


def _asked(asked: Asked, period: Period | None) -> dict[str, Any]:
    return {
        "metrics": list(asked.metrics),
        "returns": asked.returns,
        "period": None if period is None else [period.begin, period.end],
    }


def _work(said: Mapping[str, Any], trials: Sequence[tuple[int, Mapping[str, Value]]]) -> Work:
    period = None if said["period"] is None else Period(*said["period"])
    return Work(tuple(trials), Asked(tuple(said["metrics"]), said["returns"]), period)


def _read_work(said: Mapping[str, Any]) -> Work:
    return _work(said, [(number, values) for number, values in said["trials"]])


def _write_work(work: Work) -> dict[str, Any]:
    return _asked(work.asked, work.period) | {"trials": [[number, dict(values)] for number, values in work.trials]}


def _trials(kind: str) -> Format:
    return Format(
        Work,
        _write_work,
        _read_work,
        lambda trials: [_answer_of(each, kind) for each in trials],
        _read_trials,
    )


def _read_trials(work: Work, answer: Sequence[Any]) -> list[Trial]:
    asked = zip(work.trials, answer, strict=True)
    return [trial_of(each, values, work.asked.metrics) for (_, values), each in asked]


def _read_coin(said: Mapping[str, Any]) -> CoinRun:
    # The store's address is this machine's own.
    return CoinRun(NamedSource(**said["source"]), said["since"], said["until"], settings.CANDLE_STORE)


def _write_ranked(coin: Ranked) -> dict[str, Any]:
    days = None if coin.days is None else coin.days.tolist()
    told = {name: getattr(coin, name) for name in Ranked.__dataclass_fields__ if name not in ("days", "returns")}
    return {**plain(told), "days": days, "returns": _text(coin.returns, WHOLE)}


def _read_ranked(_: CoinRun, said: Mapping[str, Any]) -> Ranked:
    measures, days = said["measures"], said["days"]
    return Ranked(
        **{
            **said,
            "measures": None if measures is None else {name: _number(measures[name]) for name in FIGURES},
            "held": _number(said["held"]),
            "days": None if days is None else np.array(days, dtype=np.int64),
            "returns": _floats(said["returns"]),
        }
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _text(values: Floats | None, kind: str) -> list[str] | None:
    return None if values is None else [kind, base64.b64encode(values.astype(kind).tobytes()).decode()]


def _floats(said: Sequence[str] | None) -> Floats | None:
    if said is None:
        return None
    kind, text = said
    return np.frombuffer(base64.b64decode(text), kind).astype(np.float64)


FORMATS: Final[Mapping[str, Format]] = {
    "trials": _trials(WHOLE),
    SEARCHED: _trials(SHORT),
    "rerun": Format(
        Rerun,
        lambda piece: {"kind": piece.kind, "number": piece.number, "settings": asdict(piece.settings)},
        lambda said: Rerun(said["kind"], said["number"], Settings(**said["settings"])),
        list,
        lambda _, said: tuple(said),
    ),
    "coin": Format(
        CoinRun,
        lambda piece: {"source": asdict(piece.source), "since": piece.since, "until": piece.until},
        _read_coin,
        _write_ranked,
        _read_ranked,
    ),
}
