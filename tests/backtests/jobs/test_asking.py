"""Questions are cut into chunks that hold every run once, and what goes through the database comes back as it was."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.analysis.monte_carlo import Rerun, Settings
from backtests.analysis.ranking import FIGURES, CoinRun, Ranked
from backtests.analysis.sources import named_sources
from backtests.jobs import pieces
from backtests.jobs.asking import MOST_CHUNKS, MOST_RUNS, QueuedRuns, Unanswered, cut
from backtests.search.evaluation import Asked, Period, Work
from backtests.search.parameters import Parameter, combination
from backtests.search.store import Trial


@given(st.integers(1, 2_000_000), st.integers(1, 8))
def test_every_run_is_in_one_chunk(count: int, fewest: int) -> None:
    found = cut(count, fewest)
    assert found[0][0] == 0
    assert found[-1][1] == count
    assert all(one[1] == other[0] for one, other in pairwise(found))
    sizes = [end - first for first, end in found]
    assert all(fewest <= size <= MOST_RUNS for size in sizes[:-1])
    assert 0 < sizes[-1] <= MOST_RUNS
    assert len(found) <= max(MOST_CHUNKS, math.ceil(count / MOST_RUNS))


def test_a_grids_chunks_hold_its_combinations_without_writing_them_down() -> None:
    parameters = [Parameter("config.b", (1, 2, 3)), Parameter("config.a", ("x", "y"))]
    asked, period = Asked(("roi",), returns=True), Period(5, 9)
    work = json.loads(json.dumps({"format": pieces.SEARCHED, "grid": pieces.grid(parameters, asked, period)}))
    found: list[Any] = [piece for first, end in ((0, 4), (4, 6)) for piece in pieces.pieces_of(work, first, end)]
    assert found == [Work(((number, combination(parameters, number)),), asked, period) for number in range(6)]
    assert [list(piece.trials[0][1]) for piece in found] == [["config.b", "config.a"]] * 6


@pytest.mark.parametrize(
    "piece",
    [
        Work(((3, {"config.grids": 10, "slippage": 0.1}),), Asked(("roi", "trades")), None),
        Rerun("noise", 7, Settings(100, 8, 0.25, 42)),
        CoinRun(named_sources(["bybit/spot/ETHUSDT/5m"])[0], 1, None, None),
    ],
)
def test_a_piece_comes_back_as_it_was(piece: Any, settings: Any) -> None:
    settings.CANDLE_STORE = None
    name, said = pieces.written([piece])
    assert list(pieces.pieces_of({"format": name, "pieces": json.loads(json.dumps(said))}, 0, 1)) == [piece]


def test_answers_come_back_as_they_were_with_figures_in_their_order() -> None:
    # The database's JSON puts shorter names first.
    def stored(answer: Any) -> Any:
        return json.loads(
            json.dumps(answer), object_pairs_hook=lambda pairs: dict(sorted(pairs, key=lambda p: len(p[0])))
        )

    work = Work(((3, {"config.grids": 10, "x": 0.1}),), Asked(("trades", "roi"), returns=True))
    returns = np.array([0.1, 1 / 3, -1e-17])
    trial = Trial(3, {"config.grids": 10, "x": 0.1}, {"trades": float("nan"), "roi": 0.25}, returns=returns)
    form = pieces.FORMATS["trials"]
    (found,) = form.read_answer(work, stored(form.write_answer([trial])))
    assert (found.number, found.measures) == (3, {"trades": None, "roi": 0.25})
    assert list(found.parameters) == ["config.grids", "x"]
    assert list(found.measures) == ["trades", "roi"]
    assert np.array_equal(found.returns, returns)
    # A search's store keeps returns in four bytes.
    form = pieces.FORMATS[pieces.SEARCHED]
    (found,) = form.read_answer(work, stored(form.write_answer([trial])))
    assert np.array_equal(found.returns, returns.astype("<f4"))

    figures = {name: float(place) for place, name in enumerate(FIGURES)} | {"calmar": float("nan")}
    coin = Ranked("a", "b", "c", figures, float("nan"), "", 1, 2, np.array([4, 5]), np.array([0.5, 0.25]), "hash")
    form = pieces.FORMATS["coin"]
    back = form.read_answer(None, stored(form.write_answer(coin)))
    assert list(back.measures) == list(FIGURES)
    for each in fields(Ranked):
        np.testing.assert_equal(getattr(back, each.name), getattr(coin, each.name))


def test_questions_asked_together_are_all_wanted_at_once() -> None:
    runs = QueuedRuns(None, None, None)  # type: ignore[arg-type]
    asked = []

    def question(number: int) -> int:
        asked.append(number)
        if number % 2:
            raise Unanswered
        return number

    with pytest.raises(Unanswered):
        runs.together([lambda number=number: question(number) for number in range(4)])  # type: ignore[misc]
    assert asked == [0, 1, 2, 3]
    assert runs.together([lambda: question(2), lambda: question(0)]) == [2, 0]
