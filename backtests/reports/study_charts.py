"""The charts of studies: windows side by side, what following them would have earned, and a front of trials."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.html import format_html, format_html_join

from backtests.metrics.sampling import DAY_MS
from backtests.reports import wording
from backtests.reports.axes import Scale, Tick, scale_of, time_ticks, value_ticks
from backtests.reports.drawing import HEIGHT, WIDTH, Chart, area, dots, grid, level, path, two
from backtests.reports.measures import name_of, writer_of

_KINDS = (("in_sample", "trained"), ("out_of_sample", "tested"))


def windows_chart(windows: Sequence[Mapping[str, Any]]) -> Chart | None:
    """What the best trial of each window earned in its training and in its test, a pair of bars for each."""
    returns = [[_roi(window[part]) for part, _ in _KINDS] for window in windows]
    if not returns:
        return None
    every = [value for pair in returns for value in pair]
    scale = scale_of(min(0.0, *every), max(0.0, *every))
    room, bars, read_outs = WIDTH / len(returns), [], []
    floor = (1.0 - scale.share(0.0)) * HEIGHT
    for place, pair in enumerate(returns):
        for number, (value, (_, name)) in enumerate(zip(pair, _KINDS, strict=True)):
            end = (1.0 - scale.share(value)) * HEIGHT
            left = place * room + room * (0.14 + 0.38 * number)
            bars.append((name, two(left), two(min(floor, end)), two(room * 0.34), two(max(abs(floor - end), 1.0))))
        told = (
            f"Window {place + 1}: trained {wording.signed_percent(pair[0])}, tested {wording.signed_percent(pair[1])}"
        )
        read_outs.append([round((place + 0.5) / len(returns), 4), told])
    drawing = format_html(
        "{}{}{}",
        grid(scale),
        level(scale, 0.0),
        format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', bars),
    )
    stride = max(1, -(-len(returns) // 12))
    ticks = [Tick((place + 0.5) / len(returns), str(place + 1)) for place in range(0, len(returns), stride)]
    legend = (("trained", "Return in training"), ("tested", "Return in the test after it"))
    return Chart(
        "Windows", drawing, value_ticks(scale, wording.percent), ticks, json.dumps(read_outs, ensure_ascii=False),
        legend=legend,
    )  # fmt: skip


def followed_chart(windows: Sequence[Mapping[str, Any]], returns: Sequence[float]) -> Chart | None:
    """Equity of whoever had followed the procedure from the first test on, from 1; one point a day."""
    if len(returns) < 2:
        return None
    times = windows[0]["test"][0] + DAY_MS * np.arange(len(returns) + 1, dtype=np.int64)
    equity = np.concatenate([[1.0], np.cumprod(1.0 + np.array(returns))])
    scale = scale_of(float(equity.min()), float(equity.max()))
    drawing = format_html("{}{}{}", grid(scale), level(scale, 1.0), area(times, equity, scale, 1.0, "equity"))
    rows = np.unique(np.linspace(0, len(returns), 240).astype(np.int64)).tolist()
    read_outs = [
        [round(row / len(returns), 4), f"{wording.day(int(times[row]))}: {wording.signed_percent(equity[row] - 1.0)}"]
        for row in rows
    ]
    label = [Tick(tick.share, tick.label) for tick in value_ticks(scale, lambda value: wording.percent(value - 1.0))]
    x = time_ticks(int(times[0]), int(times[-1]))
    return Chart("All tests, one after the other", drawing, label, x, json.dumps(read_outs, ensure_ascii=False))


def front_chart(objectives: Sequence[Mapping[str, Any]], front: Sequence[Mapping[str, Any]]) -> Chart | None:
    """The Pareto front in its first two objectives, and other trials beside it. ``None`` for one objective."""
    if len(objectives) < 2 or not front:
        return None
    across, up = objectives[0], objectives[1]
    best = sorted(
        (float(trial["measures"][across["metric"]]), float(trial["measures"][up["metric"]]), trial["number"])
        for trial in front
    )
    x, y = (np.array([each[place] for each in best]) for place in (0, 1))
    x_tried, y_tried = (np.array(each["values"], dtype=float) for each in (across, up))
    wide, tall = _scale(x, x_tried), _scale(y, y_tried)
    inside = (np.abs(wide.shares(x_tried) - 0.5) <= 0.5) & (np.abs(tall.shares(y_tried) - 0.5) <= 0.5)
    at, down = wide.shares(x), 1.0 - tall.shares(y)
    drawing = format_html(
        '{}{}<path class="line front" d="{}"/>{}',
        grid(tall),
        dots(wide.shares(x_tried[inside]), 1.0 - tall.shares(y_tried[inside]), "tried"),
        path(list(zip((at * WIDTH).tolist(), (down * HEIGHT).tolist(), strict=True))),
        dots(at, down, "front"),
    )
    names, writers = (
        [name_of(each["metric"]) for each in (across, up)],
        [writer_of(each["metric"]) for each in (across, up)],
    )
    read_outs = [
        [round(share, 4), f"Trial {number}: {names[0]} {writers[0](one)}, {names[1]} {writers[1](other)}"]
        for share, (one, other, number) in zip(at.tolist(), best, strict=True)
    ]
    ways = ["more" if each["maximise"] else "less" for each in (across, up)]
    note = f"Across: {names[0]}, {ways[0]} is better. Up: {names[1]}, {ways[1]} is better."
    if not bool(inside.all()):
        note += " Trials far from the front are left out."
    ticks = [Tick(1.0 - tick.share, tick.label) for tick in value_ticks(wide, writers[0])]
    return Chart(
        "What can be had",
        drawing,
        value_ticks(tall, writers[1]),
        sorted(ticks, key=_share),
        json.dumps(read_outs, ensure_ascii=False),
        note,
        (("front", "Not beaten in both"), ("tried", "Other trials")),
    )


def _scale(front: np.ndarray, tried: np.ndarray) -> Scale:
    """Of the front and most of the others: one trial out of all bounds must not flatten the picture."""
    most = np.percentile(tried, (2.0, 98.0)) if len(tried) else front
    return scale_of(float(min(front.min(), most[0])), float(max(front.max(), most[-1])))


def _share(tick: Tick) -> float:
    return tick.share


def _roi(measures: Mapping[str, Any] | None) -> float:
    value = None if measures is None else measures.get("roi")
    return value if value is not None and math.isfinite(value) else 0.0
