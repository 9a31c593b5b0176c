"""A back-test's result as JSON: the documented, stable form (docs/backtesting/running.md)."""

from __future__ import annotations

from typing import Any, BinaryIO, Final, Protocol

import numpy as np
import orjson

from backtests.data import DataReport
from backtests.metrics.inputs import Floats, Times
from backtests.metrics.summary import Summary
from backtests.outcome import Outcome
from exchange.candles.series import Gap

# Raised when a field changes its meaning or goes; new fields may come without.
VERSION: Final = 1
EQUITY_DECIMALS: Final = 8
PORTION: Final = 20_000

SIDES: Final = {1: "buy", -1: "sell"}
DIRECTIONS: Final = {1: "long", -1: "short"}
# What ``backtests.metrics.summary`` calls otherwise.
RENAMED: Final = {"initial_equity": "initial_balance", "total_return": "roi"}


class HasEquity(Protocol):
    @property
    def timestamps(self) -> Times: ...

    @property
    def equity(self) -> Floats: ...


def as_json(outcome: Outcome) -> dict[str, Any]:
    return {**_without_equity(outcome), "equity": equity(outcome, 0, len(outcome.equity))}


def write_json(outcome: Outcome, out: BinaryIO) -> None:
    """The same as bytes."""
    write_with_equity(_without_equity(outcome), outcome, out)


def write_with_equity(fields: dict[str, Any], outcome: HasEquity, out: BinaryIO) -> None:
    """``fields`` and after them the equity, in portions: a year of minutes as Python's numbers would take more memory than
    the back-test itself."""
    whole = orjson.dumps(fields, option=orjson.OPT_INDENT_2).removesuffix(b"\n}")
    out.write(whole + b',\n  "equity": [')
    for begin in range(0, len(outcome.equity), PORTION):
        rows = orjson.dumps(equity(outcome, begin, begin + PORTION))
        out.write((b"," if begin else b"") + rows[1:-1])
    out.write(b"]\n}\n")


def _without_equity(outcome: Outcome) -> dict[str, Any]:
    first, last = outcome.period
    return {
        "version": VERSION,
        "hash": outcome.hash,
        "preset": outcome.preset.model_dump(mode="json"),
        "period": {"first": first, "last": last, "candles": len(outcome.candles)},
        "data": None if outcome.data_report is None else data(outcome.data_report),
        "assumptions": outcome.assumptions,
        "summary": summary(outcome),
        "fills": fills(outcome),
        "trades": trades(outcome),
    }


def summary(outcome: Outcome) -> dict[str, Any]:
    run = outcome.simulation
    return {
        **renamed(outcome.summary),
        "funding": run.funding,
        "refused": run.refusals,
        "liquidated": run.liquidated,
        "finished": None if run.finish is None else run.finish.reason.code,
        "position": run.amount,
    }


def renamed(figures: Summary) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in figures.to_json().items()}


def data(report: DataReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "timeframe": report.timeframe,
        "found_timeframe": report.found_timeframe,
        "first": report.first,
        "last": report.last,
        "candles": report.candles,
        "gaps": {
            "policy": report.gap_policy,
            "count": report.gap_count,
            "missing": report.missing,
            "longest": None if report.longest_gap is None else gap(report.longest_gap),
            "first": [gap(each) for each in report.gaps],
        },
    }


def gap(hole: Gap) -> dict[str, int]:
    return {"start": hole.start, "end": hole.end, "candles": hole.count}


def equity(outcome: HasEquity, begin: int, end: int) -> list[tuple[int, float]]:
    """[ms UTC at the candle's end, quote] of these candles."""
    values = np.round(outcome.equity[begin:end], EQUITY_DECIMALS).tolist()
    return list(zip(outcome.timestamps[begin:end].tolist(), values, strict=True))


def fills(outcome: Outcome) -> list[dict[str, Any]]:
    made, simulation = outcome.fills, outcome.simulation
    columns = zip(
        made.timestamp.tolist(),
        made.side.tolist(),
        made.price.tolist(),
        made.amount.tolist(),
        made.fee.tolist(),
        made.is_maker.tolist(),
        simulation.fills.slot.tolist(),
        simulation.fills.trade.tolist(),
        strict=True,
    )
    return [
        {
            "timestamp": timestamp,
            "side": SIDES[side],
            "price": price,
            "amount": amount,
            "fee": fee,
            "maker": is_maker,
            "slot": simulation.slots[slot],
            "trade": simulation.trades[trade],
        }
        for timestamp, side, price, amount, fee, is_maker, slot, trade in columns
    ]


def trades(outcome: Outcome) -> list[dict[str, Any]]:
    ended, names = outcome.trades, outcome.simulation.trades
    columns = zip(
        outcome.round_trips.key.tolist(),
        ended.side.tolist(),
        ended.opened_at.tolist(),
        ended.closed_at.tolist(),
        ended.amount.tolist(),
        ended.entry_price.tolist(),
        ended.exit_price.tolist(),
        ended.profit.tolist(),
        ended.fees.tolist(),
        ended.mae.tolist(),
        ended.mfe.tolist(),
        strict=True,
    )
    return [
        {
            "trade": names[key],
            "side": DIRECTIONS[side],
            "opened_at": opened_at,
            "closed_at": closed_at,
            "amount": amount,
            "entry_price": entry_price,
            "exit_price": exit_price,
            "profit": profit,
            "fees": fees,
            "mae": mae,
            "mfe": mfe,
        }
        for key, side, opened_at, closed_at, amount, entry_price, exit_price, profit, fees, mae, mfe in columns
    ]
