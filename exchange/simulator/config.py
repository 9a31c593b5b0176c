"""What a run is configured with, and opening its state.

The candles of the first start are kept with the state: a market that went on from another price series after a
restart would be none. Asking for other candles with an old state is an error that says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from exchange.candles.source import Source, choose
from exchange.simulator.clock import ClockKind
from exchange.simulator.engine import Engine
from exchange.simulator.floor import Matching
from exchange.simulator.instruments import Fees, OwnRules
from exchange.simulator.replay import POINTS_PER_CANDLE, Replay, Series, series_from_candles
from exchange.simulator.store import Store

USUAL_PAST = 1440


class StateError(ValueError):
    """The configuration or the state directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Config:
    """See ``python -m exchange.simulator --help``."""

    host: str
    port: int
    state: Path
    directory: Path | None
    files: list[Path]
    symbols: list[str]
    seed: int
    network: bool
    cache: Path
    clock: ClockKind
    speed: float
    offset: int | None
    history: int
    api_key: str
    api_secret: str
    balances: dict[str, Decimal]
    through: bool
    slippage: Decimal
    fees: Fees
    faults: Path | None
    limits: str
    rules: OwnRules | None = None

    def first_point(self, candles: int, history: int = 0) -> int:
        """Where a new market of ``candles`` begins, the first ``history`` of which are only there to be looked back at:
        a chart needs some past of the rest too, a stepped test wants its first candle."""
        candles -= history
        if self.offset is None:
            past = 0 if self.clock is ClockKind.STEPPED else min(USUAL_PAST, candles // 2)
        elif self.offset >= candles:
            raise StateError(f"--offset {self.offset} is beyond the {candles} candles that there are")
        else:
            past = self.offset
        return (history + past) * POINTS_PER_CANDLE

    def asked_for(self) -> str:
        """What the candles were chosen by; the state belongs to it."""
        if self.files:
            return "files " + ", ".join(sorted(path.name for path in self.files))
        if self.directory is not None:
            return f"directory {self.directory.resolve()} for {', '.join(self.symbols)}"
        return f"download or synthetic market, seed {self.seed}, for {', '.join(self.symbols)}"


def open_engine(config: Config) -> tuple[Engine, list[str], bool]:
    """(engine, names of the candle sources, whether they are synthetic). Goes on from the state if there is one."""
    if not config.symbols and not config.files:
        raise StateError("--symbols is empty; name at least one, as BTCUSDT")
    config.state.mkdir(parents=True, exist_ok=True)
    kept = config.state / "series.npz"
    if kept.exists():
        series, names, synthetic, asked_for, history = _load_series(kept)
        if asked_for != config.asked_for():
            raise StateError(
                f"the state in {config.state} belongs to other candles ({asked_for}) than asked for now "
                f"({config.asked_for()}); remove the directory to begin anew, or start with the same candles"
            )
    else:
        source = choose(
            files=config.files,
            directory=config.directory,
            symbols=config.symbols,
            seed=config.seed,
            cache=config.cache,
            network=config.network,
            history=config.history,
        )
        series = [series_from_candles(symbol, one, source.timeframe_ms) for symbol, one in source.candles.items()]
        names, synthetic, history = source.names, source.synthetic, source.past
        _save_series(kept, series, source, config.asked_for())
    store = Store(config.state / "exchange.sqlite3")
    written = store.meta("point")
    replay = Replay(series, 0)
    replay.point = config.first_point(replay.candles, history) if written is None else int(written)
    matching = Matching(config.through, config.slippage)
    engine = Engine(replay, store, fees=config.fees, matching=matching, seed=config.seed, rules=config.rules)
    store.set_meta("point", str(replay.point))
    known = engine.accounts.get(config.api_key)
    if known is None:
        engine.put_account(config.api_key, config.api_secret, config.balances)
    elif known.api_secret != config.api_secret:
        engine.put_account(config.api_key, config.api_secret, {})
    return engine, names, synthetic


def _save_series(path: Path, series: list[Series], source: Source, asked_for: str) -> None:
    described = {
        "names": source.names,
        "synthetic": source.synthetic,
        "past": source.past,
        "asked_for": asked_for,
        "series": [[one.symbol, one.decimals, one.start, one.timeframe_ms] for one in series],
    }
    arrays: dict[str, Any] = {f"{one.symbol}_ohlc": one.ohlc for one in series} | {
        f"{one.symbol}_volume": one.volume for one in series
    }
    unfinished = path.with_name("series.part.npz")
    np.savez(unfinished, allow_pickle=False, described=np.array(json.dumps(described)), **arrays)
    unfinished.replace(path)


def _load_series(path: Path) -> tuple[list[Series], list[str], bool, str, int]:
    with np.load(path) as arrays:
        described = json.loads(str(arrays["described"]))
        series = [
            Series(symbol, decimals, start, step, arrays[f"{symbol}_ohlc"], arrays[f"{symbol}_volume"])
            for symbol, decimals, start, step in described["series"]
        ]
    return series, described["names"], described["synthetic"], described["asked_for"], described.get("past", 0)
