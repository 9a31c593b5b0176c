"""Parts of a chart as SVG that stretches to any width: lines keep their thickness, words stand beside it as HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backtests.reports.axes import Scale, Tick, value_ticks
from backtests.reports.outlines import Floats, Times, cells, outline

WIDTH: Final = 1000
HEIGHT: Final = 300
COLUMNS: Final = 480
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


def points(times: Times, values: Floats, scale: Scale) -> list[tuple[float, float]]:
    kept = outline(times, values, COLUMNS)
    span = max(1, int(times[-1]) - int(times[0]))
    across = (times[kept] - times[0]) / span * WIDTH
    down = (1.0 - scale.shares(values[kept])) * HEIGHT
    return list(zip(across.tolist(), down.tolist(), strict=True))


def path(along: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in along)


def line(times: Times, values: Floats, scale: Scale, name: str) -> SafeString:
    return format_html('<path class="line {}" d="{}"/>', name, path(points(times, values, scale)))


def area(times: Times, values: Floats, scale: Scale, base: float, name: str) -> SafeString:
    found = points(times, values, scale)
    floor = (1.0 - scale.share(base)) * HEIGHT
    closed = f"{path(found)}L{found[-1][0]:.1f} {floor:.1f}L{found[0][0]:.1f} {floor:.1f}Z"
    return format_html('<path class="area {}" d="{}"/><path class="line {}" d="{}"/>', name, closed, name, path(found))


def grid(scale: Scale) -> SafeString:
    ticks = value_ticks(scale, lambda _: "")
    lines = ((two(tick.share * HEIGHT), two(tick.share * HEIGHT)) for tick in ticks)
    return format_html_join("", f'<line class="grid" x1="0" x2="{WIDTH}" y1="{{}}" y2="{{}}"/>', lines)


def level(scale: Scale, value: float) -> SafeString:
    y = two((1.0 - scale.share(value)) * HEIGHT)
    return format_html('<line class="level" x1="0" x2="{}" y1="{}" y2="{}"/>', WIDTH, y, y)


def dots(across: Floats, down: Floats, name: str) -> SafeString:
    """At shares of the width and the height. Strokes of no length with round ends: circles, however the drawing is
    stretched. Those that cannot be told apart are drawn once."""
    kept = cells(np.clip(across, 0.0, 1.0), np.clip(down, 0.0, 1.0), COLUMNS // 2, 60)
    marks = "".join(f"M{across[each] * WIDTH:.1f} {down[each] * HEIGHT:.1f}h0" for each in kept.tolist())
    return format_html('<path class="dots {}" d="{}"/>', name, marks)


def histogram(
    values: Floats, title: str, label: Callable[[float], str], told: Callable[[float], str], bins: int = BINS
) -> Chart | None:
    """How often which value. ``None`` when there is none. The outermost 1 % stand in the last bars, and 0 is in sight.
    ``label`` writes the axis, ``told`` the ends of a bar."""
    if not len(values):
        return None
    low, high = (float(each) for each in np.percentile(values, (0.5, 99.5)))
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 0.0:
        low, high = -1.0, 1.0
    counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    most = int(counts.max())
    bar = WIDTH / bins
    bars = [
        (
            "up" if (edges[place] + edges[place + 1]) >= 0 else "down",
            two(place * bar + 1.5),
            two(HEIGHT - count / most * HEIGHT * 0.95),
            two(bar - 3),
            two(count / most * HEIGHT * 0.95),
            f"{count:,} from {told(edges[place])} to {told(edges[place + 1])}",
        )
        for place, count in enumerate(counts.tolist())
        if count
    ]
    drawing = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', bars
    )
    scale = Scale(low, high)
    x = [Tick(1.0 - tick.share, tick.label) for tick in value_ticks(scale, label)]
    tall = Scale(0.0, most / 0.95)
    y = [tick for tick in value_ticks(tall, lambda value: f"{value:,.0f}", 4) if tick.share > 0.02]
    filled = np.flatnonzero(counts).tolist()
    texts = [[round((place + 0.5) / bins, 4), each[-1]] for place, each in zip(filled, bars, strict=True)]
    return Chart(
        title,
        drawing,
        [tick for tick in y if float(tick.label.replace(",", "")).is_integer()],
        sorted(x, key=lambda tick: tick.share),
        json.dumps(texts),
    )


def two(value: float) -> str:
    return f"{value:.2f}"
