"""A result as a page of plain text, for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from backtests.metrics.summary import Summary
from backtests.outcome import Outcome
from exchange.candles.series import utc

DAY_MS = 86_400_000


def lines(outcome: Outcome) -> Iterator[str]:
    preset, figures = outcome.preset, outcome.summary
    first, last = outcome.period
    quote = preset.quote
    yield f"{preset.strategy} on {preset.symbol} ({preset.market}), {preset.timeframe}"
    yield f"{utc(first)} – {utc(last)}, {len(outcome.candles):,} candles, {(last - first) / DAY_MS:,.1f} days"
    yield ""
    rows = figure_rows(figures, quote, holding="buy and hold")
    if outcome.simulation.funding:
        rows.append(("funding paid", f"{outcome.simulation.funding:,.2f} {quote}"))
    rows += [("in the market", f"{percent(figures.time_in_market)} of the time"), ("hash", outcome.hash)]
    for name, value in rows:
        yield f"{name:<17}{value}"
    yield ""
    yield from (f"* {each}" for each in outcome.assumptions)


def figure_rows(figures: Summary, quote: str, *, holding: str) -> list[tuple[str, str]]:
    """Names and values. ``holding`` says what holding is: of one coin, or of several."""
    return [
        ("balance", f"{figures.initial_equity:,.2f} → {figures.final_equity:,.2f} {quote}"),
        ("return", f"{percent(figures.total_return)} ({holding} {percent(figures.buy_and_hold_return)})"),
        ("a year", percent(figures.cagr)),
        ("largest drawdown", percent(figures.max_drawdown)),
        ("Sharpe, Sortino", f"{number(figures.sharpe)}, {number(figures.sortino)}"),
        (
            "trades",
            f"{figures.trades:,}, {percent(figures.win_rate)} won, profit factor {number(figures.profit_factor)}",
        ),
        ("fills", f"{figures.fills:,}, {percent(figures.maker_share)} of their worth as maker"),
        ("fees", f"{figures.fees:,.2f} {quote}"),
    ]


def percent(value: float) -> str:
    return f"{value * 100:,.2f} %" if math.isfinite(value) else "–"


def number(value: float) -> str:
    return f"{value:,.2f}" if math.isfinite(value) else "–"
