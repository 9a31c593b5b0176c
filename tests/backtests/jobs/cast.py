"""What the jobs' tests ask for: a grid on a made-up market that swings, and searches over it."""

from __future__ import annotations

import copy
import random
from typing import Any

from backtests import services
from backtests.jobs import pieces, studies
from backtests.models import BackTest, Stage, Study
from backtests.search.store import Trial

PRESET: dict[str, Any] = {
    "symbol": "ETH/USDT",
    "market": "spot",
    "timeframe": "1m",
    "strategy": "grid",
    "config": {"lower": "95", "upper": "105", "grids": 10, "investment": "8000"},
    "initial_balance": 10_000,
    "fees": {"maker": "0.0002", "taker": "0.0005"},
}
SOURCE = "synthetic:sine,days=2,period=240"
# Two of the grid, on coins that swing at different paces.
PORTFOLIO: dict[str, Any] = {
    **{name: value for name, value in PRESET.items() if name != "symbol"},
    "initial_balance": 20_000,
    "bots": [{"name": "eth", "symbol": "ETH/USDT"}, {"name": "btc", "symbol": "BTC/USDT", "timeframe": "5m"}],
}
SOURCES = "ETHUSDT=synthetic:sine,days=2,period=240 BTCUSDT=synthetic:sine,days=2,period=31"
SEARCH: dict[str, Any] = {
    "parameters": {"config.grids": [6, 8, 10, 12], "config.lower": ["94", "95", "96"]},
    "objectives": ["roi"],
}


def preset(**config: Any) -> dict[str, Any]:
    made = copy.deepcopy(PRESET)
    made["config"].update(config)
    return made


def back_test(source: str = SOURCE, **config: Any) -> BackTest:
    return services.request_back_test(preset=preset(**config), source=source, requested_by="alice")


def portfolio(source: str = SOURCES, **changes: Any) -> BackTest:
    return services.request_back_test(preset={**PORTFOLIO, **changes}, source=source, requested_by="alice")


def study(
    source: str = SOURCE,
    search: dict[str, Any] | None = None,
    kind: str = "optimise",
    options: dict[str, Any] | None = None,
    **config: Any,
) -> Study:
    """A search over the grid, with few histories: what the analyses themselves come to is tested beside them."""
    return services.request_study(
        kind=kind,
        preset=preset(**config),
        search=SEARCH if search is None else search,
        options={"runs": 200, "reruns": 2} if options is None else options,
        source=source,
        requested_by="alice",
    )


def begun(study: Study) -> list[int]:
    """Prepared and led to its first question: the chunks of work that can be run now."""
    (lead,) = studies.run_chunk(study.chunks.get().pk)
    return studies.run_chunk(lead)


def drive(study: Study, seed: int = 0) -> Study:
    """Chunks in a random order, each of them twice, as a queue that delivers more than once would have it."""
    dice = random.Random(seed)
    waiting = [study.chunks.get().pk]
    while waiting:
        key = waiting.pop(dice.randrange(len(waiting)))
        waiting += studies.run_chunk(key)
        assert studies.run_chunk(key) == []
    return Study.objects.get(pk=study.pk)


def trials_of(study: Study) -> list[Trial]:
    """Of its first search, by number."""
    first = study.chunks.filter(stage=Stage.WORK).order_by("number")[0]
    chunks = study.chunks.filter(stage=Stage.WORK, ask=first.ask).order_by("first")
    return [
        pieces.trial_of(trial, study.paths, trial[2] or ())
        for chunk in chunks
        for piece in chunk.answer
        for trial in piece
    ]
