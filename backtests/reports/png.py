"""Equity and drawdown as a picture, for places that take no page: a chat, a message, a document."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from backtests.metrics.drawdowns import depths
from backtests.reports import wording
from backtests.reports.axes import Scale, scale_beside, time_ticks, value_ticks
from backtests.reports.html import write_whole
from backtests.reports.outlines import Floats, Times, outline

if TYPE_CHECKING:
    from pathlib import Path

    from backtests.outcome import Outcome

WIDTH: Final = 1200
HEIGHT: Final = 675
# Drawn at twice the size and made smaller: lines without steps.
_TWICE: Final = 2
_GROUND, _GRID, _TEXT, _MUTED = "#0d1117", "#212832", "#e6edf3", "#9aa5b1"
_UP, _DOWN, _UP_FILL, _DOWN_FILL, _HOLD = "#3fb950", "#f85149", "#16301f", "#371a1e", "#6b747e"
_LEFT, _RIGHT = 92, 1176
_EQUITY, _DRAWDOWN = (118, 452), (490, 622)


def write_png(outcome: Outcome, path: Path) -> None:
    picture = BytesIO()
    draw(outcome).save(picture, "PNG", optimize=True)
    write_whole(path, picture.getvalue())


def draw(outcome: Outcome) -> Image.Image:
    """Of 1200 × 675 pixels."""
    image = Image.new("RGB", (WIDTH * _TWICE, HEIGHT * _TWICE), _GROUND)
    canvas = ImageDraw.Draw(image)
    summary, preset = outcome.summary, outcome.preset
    first, last = outcome.period
    rises = summary.total_return >= 0
    _write(canvas, 32, 24, f"{preset.symbol}   {preset.strategy}", 26, _TEXT)
    _write(canvas, 32, 62, f"{wording.day(first)} to {wording.day(last)}, {preset.timeframe} candles", 16, _MUTED)
    _write(canvas, _RIGHT, 20, wording.signed_percent(summary.total_return), 32, _UP if rises else _DOWN, "ra")
    told = (
        f"max drawdown {wording.percent(summary.max_drawdown)}    Sharpe {wording.ratio(summary.sharpe)}    "
        f"{summary.trades:,} round trips    holding {wording.signed_percent(summary.buy_and_hold_return)}"
    )
    _write(canvas, _RIGHT, 64, told, 16, _MUTED, "ra")

    times, equity, initial = outcome.timestamps, outcome.equity, float(preset.initial_balance)
    held = initial * outcome.price / float(outcome.candles.open[0])
    scale, _ = scale_beside(equity, held)
    _axis(canvas, scale, _EQUITY, wording.number)
    colour, fill = (_UP, _UP_FILL) if rises else (_DOWN, _DOWN_FILL)
    _area(canvas, times, equity, scale, _EQUITY, initial, fill)
    _curve(canvas, times, np.clip(held, scale.low, scale.high), scale, _EQUITY, _HOLD, 2)
    _curve(canvas, times, equity, scale, _EQUITY, colour, 4)

    below = -depths(equity, initial)
    under = Scale(min(float(below.min()) * 1.08, -1e-4), 0.0)
    _axis(canvas, under, _DRAWDOWN, wording.percent, 3)
    _area(canvas, times, below, under, _DRAWDOWN, 0.0, _DOWN_FILL)
    _curve(canvas, times, below, under, _DRAWDOWN, _DOWN, 3)
    for tick in time_ticks(int(times[0]), int(times[-1]), 8) if len(times) > 1 else []:
        x = _LEFT + tick.share * (_RIGHT - _LEFT)
        if x < _RIGHT - 40:
            _write(canvas, x, 636, tick.label, 14, _MUTED, "ma")
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _axis(canvas: ImageDraw.ImageDraw, scale: Scale, box: tuple[int, int], label: object, most: int = 5) -> None:
    top, bottom = box
    assert callable(label)
    for tick in value_ticks(scale, label, most):
        y = top + tick.share * (bottom - top)
        canvas.line([(_LEFT * _TWICE, y * _TWICE), (_RIGHT * _TWICE, y * _TWICE)], fill=_GRID, width=_TWICE)
        _write(canvas, _LEFT - 10, y, tick.label, 14, _MUTED, "rm")


def _curve(
    canvas: ImageDraw.ImageDraw,
    times: Times,
    values: Floats,
    scale: Scale,
    box: tuple[int, int],
    colour: str,
    width: int,
) -> None:
    canvas.line(_points(times, values, scale, box), fill=colour, width=width, joint="curve")


def _area(
    canvas: ImageDraw.ImageDraw,
    times: Times,
    values: Floats,
    scale: Scale,
    box: tuple[int, int],
    base: float,
    fill: str,
) -> None:
    points = _points(times, values, scale, box)
    top, bottom = box
    floor = (top + (1.0 - scale.share(base)) * (bottom - top)) * _TWICE
    canvas.polygon([*points, (points[-1][0], floor), (points[0][0], floor)], fill=fill)


def _points(times: Times, values: Floats, scale: Scale, box: tuple[int, int]) -> list[tuple[float, float]]:
    kept = outline(times, values, _RIGHT - _LEFT)
    span = max(1, int(times[-1]) - int(times[0]))
    across = (_LEFT + (times[kept] - times[0]) / span * (_RIGHT - _LEFT)) * _TWICE
    top, bottom = box
    down = (top + (1.0 - scale.shares(values[kept])) * (bottom - top)) * _TWICE
    points = np.column_stack([across, down]).tolist()
    found = [(float(x), float(y)) for x, y in points]
    return found * 2 if len(found) == 1 else found


def _write(
    canvas: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, colour: str, anchor: str = "la"
) -> None:
    font = ImageFont.load_default(size * _TWICE)
    # The font that comes with the library has no minus sign.
    canvas.text((x * _TWICE, y * _TWICE), text.replace(wording.MINUS, "-"), fill=colour, font=font, anchor=anchor)
