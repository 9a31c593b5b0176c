"""The charts of a result as SVG that stretches to any width: lines keep their thickness, words stand beside it as HTML.

Each series is drawn in a bounded number of points (``outlines``), so a year of minutes is as small as a day.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from backtests.metrics.drawdowns import depths
from backtests.reports import wording
from backtests.reports.axes import Scale, Tick, scale_beside, scale_of, time_ticks, value_ticks
from backtests.reports.outlines import Floats, Times, cells, outline

if TYPE_CHECKING:
    from backtests.metrics.inputs import Trades
    from backtests.outcome import Outcome

WIDTH: Final = 1000
HEIGHT: Final = 300
COLUMNS: Final = 480
# What the pointer can be told: so many moments of the series.
READ_OUTS: Final = 240
MOST_LEGS: Final = 400
BINS: Final = 31


@dataclass(frozen=True, slots=True)
class Chart:
    """``drawing`` is the SVG's content; ``read_outs`` JSON of ``[share of the width, text]`` for the pointer."""

    title: str
    drawing: SafeString
    y: Sequence[Tick]
    x: Sequence[Tick]
    read_outs: str = "[]"
    note: str = ""
    legend: Sequence[tuple[str, str]] = field(default=())
    width: int = WIDTH
    height: int = HEIGHT


def equity_chart(outcome: Outcome) -> Chart:
    """The account, and the same money held in the coin from the first candle on."""
    times, equity, initial = outcome.timestamps, outcome.equity, float(outcome.preset.initial_balance)
    held = initial * outcome.price / float(outcome.candles.open[0])
    scale, fits = scale_beside(equity, held)
    drawing = format_html(
        "{}{}{}{}",
        _grid(scale),
        _level(scale, initial),
        _line(times, held, scale, "holding"),
        _area(times, equity, scale, initial, "equity"),
    )
    texts = _read_outs(
        times,
        lambda row: f"{wording.money(equity[row])} {outcome.preset.quote}, holding {wording.money(held[row])}",
    )
    legend = (("equity", "Equity"), ("holding", f"Holding {outcome.preset.base}"))
    note = "" if fits else "The line of holding leaves the picture; its end stands among the figures."
    return _chart("Equity", times, scale, drawing, wording.number, texts, note=note, legend=legend)


def drawdown_chart(outcome: Outcome) -> Chart:
    times = outcome.timestamps
    below = -depths(outcome.equity, float(outcome.preset.initial_balance))
    scale = Scale(min(float(below.min()) * 1.08, -1e-4), 0.0)
    drawing = format_html("{}{}", _grid(scale), _area(times, below, scale, 0.0, "drawdown"))
    texts = _read_outs(times, lambda row: f"{wording.percent(below[row])} below the best so far")
    return _chart("Drawdown", times, scale, drawing, wording.percent, texts)


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
    dots = [
        _dots(fills.timestamp[fills.side == side], fills.price[fills.side == side], first, last, scale, name)
        for side, name in ((1, "bought"), (-1, "sold"))
    ]
    drawing = format_html("{}{}{}{}{}", _grid(scale), _line(times, price, scale, "price"), legs, *dots)
    texts = _read_outs(times, lambda row: f"{wording.number(price[row])} {outcome.preset.quote}")
    crowded = f"{len(trades):,} round trips: their lines are left out." if len(trades) > MOST_LEGS else ""
    legend = (("price", "Close"), ("bought", "Bought"), ("sold", "Sold"))
    title = f"{outcome.preset.symbol} and what was traded"
    return _chart(title, times, scale, drawing, wording.number, texts, note=crowded, legend=legend)


def profit_histogram(outcome: Outcome) -> Chart | None:
    """How often a round trip earned how much. ``None`` when there is none. The outermost 1 % stand in the last bars."""
    profit = outcome.trades.profit
    if not len(profit):
        return None
    low, high = (float(each) for each in np.percentile(profit, (0.5, 99.5)))
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 0.0:
        low, high = -1.0, 1.0
    counts, edges = np.histogram(np.clip(profit, low, high), bins=BINS, range=(low, high))
    most = int(counts.max())
    bar = WIDTH / BINS
    bars = [
        (
            "up" if (edges[place] + edges[place + 1]) >= 0 else "down",
            _two(place * bar + 1.5),
            _two(HEIGHT - count / most * HEIGHT * 0.95),
            _two(bar - 3),
            _two(count / most * HEIGHT * 0.95),
            f"{count:,} from {wording.money(edges[place])} to {wording.money(edges[place + 1])}",
        )
        for place, count in enumerate(counts.tolist())
        if count
    ]
    drawing = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', bars
    )
    scale = Scale(low, high)
    x = [Tick(1.0 - tick.share, tick.label) for tick in value_ticks(scale, wording.number)]
    tall = Scale(0.0, most / 0.95)
    y = [tick for tick in value_ticks(tall, lambda value: f"{value:,.0f}", 4) if tick.share > 0.02]
    texts = [[round((place + 0.5) / BINS, 4), each[-1]] for place, each in zip(_filled(counts), bars, strict=True)]
    return Chart(
        f"Profit of a round trip, {outcome.preset.quote}",
        drawing,
        [tick for tick in y if float(tick.label.replace(",", "")).is_integer()],
        sorted(x, key=lambda tick: tick.share),
        json.dumps(texts),
    )


def _filled(counts: np.ndarray) -> list[int]:
    return [int(place) for place in np.flatnonzero(counts)]


def _chart(
    title: str,
    times: Times,
    scale: Scale,
    drawing: SafeString,
    label: Callable[[float], str],
    read_outs: str,
    *,
    note: str = "",
    legend: Sequence[tuple[str, str]] = (),
) -> Chart:
    x = time_ticks(int(times[0]), int(times[-1])) if len(times) > 1 else []
    return Chart(title, drawing, value_ticks(scale, label), x, read_outs, note, legend)


def _points(times: Times, values: Floats, scale: Scale) -> list[tuple[float, float]]:
    kept = outline(times, values, COLUMNS)
    span = max(1, int(times[-1]) - int(times[0]))
    across = (times[kept] - times[0]) / span * WIDTH
    down = (1.0 - scale.shares(values[kept])) * HEIGHT
    return list(zip(across.tolist(), down.tolist(), strict=True))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _line(times: Times, values: Floats, scale: Scale, name: str) -> SafeString:
    return format_html('<path class="line {}" d="{}"/>', name, _path(_points(times, values, scale)))


def _area(times: Times, values: Floats, scale: Scale, base: float, name: str) -> SafeString:
    points = _points(times, values, scale)
    floor = (1.0 - scale.share(base)) * HEIGHT
    closed = f"{_path(points)}L{points[-1][0]:.1f} {floor:.1f}L{points[0][0]:.1f} {floor:.1f}Z"
    return format_html(
        '<path class="area {}" d="{}"/><path class="line {}" d="{}"/>', name, closed, name, _path(points)
    )


def _grid(scale: Scale) -> SafeString:
    ticks = value_ticks(scale, lambda _: "")
    lines = ((_two(tick.share * HEIGHT), _two(tick.share * HEIGHT)) for tick in ticks)
    return format_html_join("", f'<line class="grid" x1="0" x2="{WIDTH}" y1="{{}}" y2="{{}}"/>', lines)


def _level(scale: Scale, value: float) -> SafeString:
    y = _two((1.0 - scale.share(value)) * HEIGHT)
    return format_html('<line class="level" x1="0" x2="{}" y1="{}" y2="{}"/>', WIDTH, y, y)


def _dots(at: Times, price: Floats, first: int, last: int, scale: Scale, name: str) -> SafeString:
    """A stroke of no length with a round end: a circle, however the drawing is stretched."""
    x = (at - first) / max(1, last - first)
    y = 1.0 - scale.shares(price)
    kept = cells(np.clip(x, 0.0, 1.0), np.clip(y, 0.0, 1.0), COLUMNS // 2, 60)
    path = "".join(f"M{x[each] * WIDTH:.1f} {y[each] * HEIGHT:.1f}h0" for each in kept.tolist())
    return format_html('<path class="dots {}" d="{}"/>', name, path)


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


def _read_outs(times: Times, text: Callable[[int], str]) -> str:
    rows = np.unique(np.linspace(0, len(times) - 1, READ_OUTS).astype(np.int64))
    span = max(1, int(times[-1]) - int(times[0]))
    return json.dumps(
        [
            [round((int(times[row]) - int(times[0])) / span, 4), f"{wording.moment(int(times[row]))}: {text(row)}"]
            for row in rows.tolist()
        ],
        ensure_ascii=False,
    )


def _two(value: float) -> str:
    return f"{value:.2f}"
