"""One comparison: the same points once through the live stack and once through the back-test."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backtests.data import filled
from backtests.engine_terms import market_spec
from backtests.preset import Preset
from exchange.candles.files import Candles
from exchange.candles.merging import taken
from exchange.candles.series import utc
from exchange.simulator.replay import POINTS_PER_CANDLE
from strategies.candles import timeframe_ms
from traderagent.parity.comparing import Difference, causes, differences
from traderagent.parity.errors import ParityError
from traderagent.parity.exchange import stepped_exchange
from traderagent.parity.live import Tick, live_run, tick_here
from traderagent.parity.records import Run, plain
from traderagent.parity.tested import back_tested


@dataclass(frozen=True, slots=True)
class Parity:
    """``since`` and ``until`` are the period's (ms UTC), ``seconds`` what the live side took."""

    preset: Preset
    since: int
    until: int
    candles: int
    live: Run
    tested: Run
    differences: list[Difference]
    seconds: float

    @property
    def points(self) -> int:
        return POINTS_PER_CANDLE * self.candles

    def as_json(self) -> dict[str, Any]:
        return {
            "preset": self.preset.model_dump(mode="json", exclude_unset=True),
            "since": self.since,
            "until": self.until,
            "candles": self.candles,
            "points": self.points,
            "seconds": round(self.seconds, 1),
            "fills": {"live": len(self.live.fills), "tested": len(self.tested.fills)},
            "orders": {"live": len(self.live.wanted), "tested": len(self.tested.wanted)},
            "signals": {"live": len(self.live.opinions), "tested": len(self.tested.opinions)},
            "position": {"live": plain(self.live.amount), "tested": plain(self.tested.amount)},
            "causes": causes(self.differences),
            "differences": [each.as_json() for each in self.differences],
        }


def compare(
    preset: Preset,
    candles: Candles,
    *,
    since: int,
    until: int,
    tick: Tick = tick_here,
    progress: Callable[[int], None] | None = None,
) -> Parity:
    """Runs the candles that open in ``[since, until)`` through both; those before are what strategies look back at.

    Gaps are filled flat for both, as a simulated exchange never stands still. Raises :class:`ParityError`.
    """
    candles = filled(candles, timeframe_ms(preset.timeframe))
    run = candles.between(since, until)
    if not len(run):
        raise ParityError(
            f"There are no candles in {utc(since)} – {utc(until)}: they reach from {utc(int(candles.timestamp[0]))} to "
            f"{utc(int(candles.timestamp[-1]))}."
        )
    past = int(candles.timestamp.searchsorted(run.timestamp[0]))
    known = taken(candles, np.arange(past + len(run)))
    market = market_spec(preset, price=float(run.open[0]))
    tested = back_tested(preset, known, int(run.timestamp[0]))
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="traderagent-parity-") as folder,
        stepped_exchange(preset, market, known, past=past, folder=Path(folder)) as exchange,
    ):
        live = live_run(preset, market, exchange, POINTS_PER_CANDLE * len(run), tick=tick, progress=progress)
    return Parity(
        preset=preset,
        since=int(run.timestamp[0]),
        until=int(run.timestamp[-1]) + timeframe_ms(preset.timeframe),
        candles=len(run),
        live=live,
        tested=tested,
        differences=differences(live, tested),
        seconds=time.monotonic() - began,
    )
