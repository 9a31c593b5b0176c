"""A portfolio's result as JSON: the documented, stable form (docs/backtesting/portfolio.md)."""

from __future__ import annotations

import math
from typing import Any, BinaryIO, Final

import numpy as np

from backtests import outcome_json
from backtests.metrics.sampling import DAY_MS
from backtests.portfolio.outcome import BotOutcome, PortfolioOutcome

# Raised when a field changes its meaning or goes; new fields may come without.
VERSION: Final = 1


def as_json(outcome: PortfolioOutcome) -> dict[str, Any]:
    return {**_without_equity(outcome), "equity": outcome_json.equity(outcome, 0, len(outcome.equity))}


def write_json(outcome: PortfolioOutcome, out: BinaryIO) -> None:
    """The same as bytes."""
    outcome_json.write_with_equity(_without_equity(outcome), outcome, out)


def _without_equity(outcome: PortfolioOutcome) -> dict[str, Any]:
    first, last = outcome.period
    return {
        "version": VERSION,
        "hash": outcome.hash,
        "preset": outcome.preset.model_dump(mode="json"),
        "period": {"first": first, "last": last, "candles": len(outcome.timestamps)},
        "assumptions": outcome.assumptions,
        "summary": summary(outcome),
        "bots": [_bot(outcome, bot) for bot in outcome.bots],
        "correlation": correlation(outcome),
    }


def correlation(outcome: PortfolioOutcome) -> dict[str, Any]:
    """Of the bots' daily profits; null with one that never made or lost anything."""
    matrix = [[each if math.isfinite(each) else None for each in row] for row in outcome.correlation]
    return {"names": [bot.name for bot in outcome.bots], "matrix": matrix}


def summary(outcome: PortfolioOutcome) -> dict[str, Any]:
    runs = [bot.outcome.simulation for bot in outcome.bots]
    return {
        **outcome_json.renamed(outcome.summary),
        "funding": sum(run.funding for run in runs),
        "refused": sum(run.refusals for run in runs),
        "liquidated": outcome.liquidated_at is not None,
    }


def _bot(outcome: PortfolioOutcome, bot: BotOutcome) -> dict[str, Any]:
    own = bot.outcome
    first, last = own.period
    return {
        "name": bot.name,
        "hash": own.hash,
        "started": not bot.problems,
        "problems": [{"field": each.field, "message": each.message} for each in bot.problems],
        "period": {"first": first, "last": last, "candles": len(own.candles)},
        "data": None if own.data_report is None else outcome_json.data(own.data_report),
        "summary": outcome_json.summary(own),
        "fills": outcome_json.fills(own),
        "trades": outcome_json.trades(own),
        "profit": _daily_profit(outcome, bot),
    }


def _daily_profit(outcome: PortfolioOutcome, bot: BotOutcome) -> list[tuple[int, float]]:
    """[ms UTC, quote] at the last candle that ends in each day."""
    times = outcome.timestamps
    is_last = np.append((times[1:] - 1) // DAY_MS != (times[:-1] - 1) // DAY_MS, True)
    profit = np.round(outcome.profit_of(bot)[is_last], outcome_json.EQUITY_DECIMALS)
    return list(zip(times[is_last].tolist(), profit.tolist(), strict=True))
