"""A back-test's result as JSON: the documented, stable form (docs/backtesting/running.md)."""

from __future__ import annotations

from typing import Any, Final

from backtests.outcome import Outcome

SIDES: Final = {1: "buy", -1: "sell"}
DIRECTIONS: Final = {1: "long", -1: "short"}
# What ``backtests.metrics.summary`` calls otherwise.
RENAMED: Final = {"initial_equity": "initial_balance", "total_return": "roi"}


def as_json(outcome: Outcome) -> dict[str, Any]:
    first, last = outcome.period
    return {
        "preset": outcome.preset.model_dump(mode="json"),
        "period": {"first": first, "last": last, "candles": len(outcome.candles)},
        "summary": summary(outcome),
        "fills": fills(outcome),
        "trades": trades(outcome),
        "equity": [list(row) for row in zip(outcome.timestamps.tolist(), outcome.equity.tolist(), strict=True)],
        "assumptions": outcome.assumptions,
        "hash": outcome.hash,
    }


def summary(outcome: Outcome) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in outcome.summary.to_json().items()}


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
