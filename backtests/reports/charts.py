"""The charts of a result (``drawing`` says how they are made).

Each series is drawn in a bounded number of points (``outlines``), so a year of minutes is as small as a day.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from backtests.metrics.drawdowns import depths
from backtests.reports import wording
from backtests.reports.axes import Scale, scale_beside, scale_of, time_ticks, value_ticks
from backtests.reports.drawing import HEIGHT, WIDTH, Chart, area, dots, grid, histogram, level, line
from backtests.reports.outlines import Floats, Times

if TYPE_CHECKING:
    from backtests.metrics.inputs import Trades
    from backtests.outcome import Outcome

# What the pointer can be told: so many moments of the series.
READ_OUTS: Final = 240
MOST_LEGS: Final = 400


def equity_chart(outcome: Outcome) -> Chart:
    """The account, and the same money held in the coin from the first candle on."""
    initial, preset = float(outcome.preset.initial_balance), outcome.preset
    held = initial * outcome.price / float(outcome.candles.open[0])
    return balance_chart(outcome.timestamps, outcome.equity, initial, held, preset.quote, f"Holding {preset.base}")


def balance_chart(times: Times, equity: Floats, initial: float, held: Floats, quote: str, holding: str) -> Chart:
    """``held`` is what the money would be worth in what ``holding`` names."""
    scale, fits = scale_beside(equity, held)
    drawing = format_html(
        "{}{}{}{}",
        grid(scale),
        level(scale, initial),
        line(times, held, scale, "holding"),
        area(times, equity, scale, initial, "equity"),
    )
    texts = read_outs(
        times,
        lambda row: f"{wording.money(equity[row])} {quote}, holding {wording.money(held[row])}",
    )
    legend = (("equity", "Equity"), ("holding", holding))
    note = "" if fits else "The line of holding leaves the picture; its end stands among the figures."
    return chart_over_time("Equity", times, scale, drawing, wording.number, texts, note=note, legend=legend)


def drawdown_chart(times: Times, equity: Floats, initial: float) -> Chart:
    below = -depths(equity, initial)
    scale = Scale(min(float(below.min()) * 1.08, -1e-4), 0.0)
    drawing = format_html("{}{}", grid(scale), area(times, below, scale, 0.0, "drawdown"))
    texts = read_outs(times, lambda row: f"{wording.percent(below[row])} below the best so far")
    return chart_over_time("Drawdown", times, scale, drawing, wording.percent, texts)


def price_chart(outcome: Outcome) -> Chart:
    """Closes, fills as dots, and round trips as lines from entry to exit while there are few enough to see."""
    times, price, fills = outcome.timestamps, outcome.price, outcome.fills
    first, last = int(times[0]), int(times[-1])
    low, high = float(price.min()), float(price.max())
    if len(fills):
        low, high = min(low, float(fills.price.min())), max(high, float(fills.price.max()))
    scale = scale_of(low, high)
    trades = outcome.trades
    legs = _legs(trades, first, last, scale) if len(trades) <= MOST_LEGS else mark_safe("")
    across, down = (fills.timestamp - first) / max(1, last - first), 1.0 - scale.shares(fills.price)
    marks = [
        dots(across[fills.side == side], down[fills.side == side], name) for side, name in ((1, "bought"), (-1, "sold"))
    ]
    drawing = format_html("{}{}{}{}{}", grid(scale), line(times, price, scale, "price"), legs, *marks)
    texts = read_outs(times, lambda row: f"{wording.number(price[row])} {outcome.preset.quote}")
    crowded = f"{len(trades):,} round trips: their lines are left out." if len(trades) > MOST_LEGS else ""
    legend = (("price", "Close"), ("bought", "Bought"), ("sold", "Sold"))
    title = f"{outcome.preset.symbol} and what was traded"
    return chart_over_time(title, times, scale, drawing, wording.number, texts, note=crowded, legend=legend)


def profit_histogram(outcome: Outcome) -> Chart | None:
    """How often a round trip earned how much. ``None`` when there is none. The outermost 1 % stand in the last bars."""
    title = f"Profit of a round trip, {outcome.preset.quote}"
    return histogram(outcome.trades.profit, title, wording.number, wording.money)


def chart_over_time(
    title: str,
    times: Times,
    scale: Scale,
    drawing: SafeString,
    label: Callable[[float], str],
    texts: str,
    *,
    note: str = "",
    legend: Sequence[tuple[str, str]] = (),
) -> Chart:
    x = time_ticks(int(times[0]), int(times[-1])) if len(times) > 1 else []
    return Chart(title, drawing, value_ticks(scale, label), x, texts, note, legend)


def _legs(trades: Trades, first: int, last: int, scale: Scale) -> SafeString:
    span = max(1, last - first)
    drawn = {"won": "", "lost": ""}
    for opened, closed, entry, exit_price, profit in zip(
        trades.opened_at.tolist(),
        trades.closed_at.tolist(),
        trades.entry_price.tolist(),
        trades.exit_price.tolist(),
        trades.profit.tolist(),
        strict=True,
    ):
        ends = [
            f"{(at - first) / span * WIDTH:.1f} {(1.0 - scale.share(price)) * HEIGHT:.1f}"
            for at, price in ((opened, entry), (closed, exit_price))
        ]
        drawn["won" if profit >= 0 else "lost"] += f"M{ends[0]}L{ends[1]}"
    return format_html_join("", '<path class="leg {}" d="{}"/>', drawn.items())


def read_outs(times: Times, text: Callable[[int], str]) -> str:
    rows = np.unique(np.linspace(0, len(times) - 1, READ_OUTS).astype(np.int64))
    span = max(1, int(times[-1]) - int(times[0]))
    return json.dumps(
        [
            [round((int(times[row]) - int(times[0])) / span, 4), f"{wording.moment(int(times[row]))}: {text(row)}"]
            for row in rows.tolist()
        ],
        ensure_ascii=False,
    )
