"""Who makes the runs of an analysis, and how an analysis asks for them.

An analysis asks a :class:`Runs` and computes with the answers; it does not know whether processes of this computer make the
runs (:class:`OwnRuns`) or workers of a queue (``backtests.jobs.asking``). Equal questions have equal answers, so both ways
end with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from backtests.identity import parameters_hash
from backtests.preset import Preset
from backtests.search.definition import SearchDefinition
from backtests.search.evaluation import Evaluator, Period
from backtests.search.running import Progress, identity_of, run_search
from backtests.search.store import TrialStore
from backtests.search.workers import Workers, nothing, usual_workers
from exchange.candles.files import Candles

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Piece(Protocol[T_co]):
    """Work as plain values, which any process can do that has the preset and the candles."""

    def done_by(self, evaluator: Evaluator) -> T_co: ...


@dataclass(frozen=True, slots=True)
class Market:
    """``source`` names the candles to whoever makes the runs."""

    source: str
    candles: Candles


class Runs(Protocol):
    def searched(
        self, definition: SearchDefinition, preset: Preset, market: Market, period: Period | None = None
    ) -> AbstractContextManager[TrialStore]:
        """Every trial of a search. Raises ``ValueError`` when not one of them could be run."""
        ...

    def done(self, preset: Preset, market: Market | None, pieces: Sequence[Piece[T]], unit: str) -> list[T]:
        """What each piece came to, in their order. Without a market a piece brings its own candles. ``unit`` is what a
        piece is called while it is waited for."""
        ...

    def together(self, questions: Sequence[Callable[[], T]]) -> list[T]:
        """What each function returns that asks these runs, in their order. They do not need each other's answers, so their
        runs may be made at the same time."""
        ...


@dataclass(frozen=True, slots=True)
class _Numbered(Generic[T_co]):
    place: int
    piece: Piece[T_co]

    def done_by(self, evaluator: Evaluator) -> tuple[int, T_co]:
        return self.place, self.piece.done_by(evaluator)


def _silent(total: int, unit: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _: None)


@dataclass
class OwnRuns:
    """On ``count`` processes of this computer. ``trials`` is the folder in which every search keeps its trials in a file of
    its own and goes on from there; ``strategies`` where strategies of one's own lie. ``bar`` tells progress.
    """

    trials: Path
    count: int = field(default_factory=usual_workers)
    strategies: Path | None = None
    bar: Callable[[int, str], AbstractContextManager[Progress]] = _silent
    _workers: Workers | None = None
    _of: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @contextmanager
    def searched(
        self, definition: SearchDefinition, preset: Preset, market: Market, period: Period | None = None
    ) -> Iterator[TrialStore]:
        identity, parts = identity_of(definition, preset, market.candles, period)
        with TrialStore(self.trials / f"{identity[:16]}.sqlite", identity=identity, definition=parts) as store:
            with self.bar(definition.trials, "trials") as progress:
                run_search(
                    definition, self._workers_of(preset, market.candles), store, period=period, progress=progress
                )
            yield store

    def done(self, preset: Preset, market: Market | None, pieces: Sequence[Piece[T]], unit: str) -> list[T]:
        workers = self._workers_of(preset, nothing() if market is None else market.candles)
        found: dict[int, T] = {}
        with self.bar(len(pieces), unit) as progress:
            for (place, answer), _ in workers.run(_Numbered(place, each).done_by for place, each in enumerate(pieces)):
                found[place] = answer
                progress(1)
        return [found[place] for place in range(len(pieces))]

    def together(self, questions: Sequence[Callable[[], T]]) -> list[T]:
        return [ask() for ask in questions]

    def _workers_of(self, preset: Preset, candles: Candles) -> Workers:
        """Processes of the last preset and candles stay: an analysis asks about the same ones again and again."""
        asked = (parameters_hash(preset), id(candles))
        if self._workers is None or self._of != asked:
            self._close()
            self._workers = Workers(preset, candles, self.count, self.strategies)
            self._workers.__enter__()
            self._of = asked
        return self._workers

    def _close(self) -> None:
        workers, self._workers, self._of = self._workers, None, None
        if workers is not None:
            workers.__exit__(None, None, None)
