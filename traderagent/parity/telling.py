"""A comparison in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from traderagent.parity.comparing import Difference, causes
from traderagent.parity.running import Parity

SHOWN = 40


def lines_of(found: Parity) -> Iterator[str]:
    """The verdict last."""
    yield from told(found.differences)
    preset = found.preset
    period = f"{when(found.since)} – {when(found.until)}"
    what = f"{preset.strategy} on {preset.symbol} {preset.timeframe}, {period}, {found.points} points"
    if found.differences:
        counted = ", ".join(f"{count} {cause}" for cause, count in causes(found.differences).items())
        fills = f"{len(found.live.fills)} fills live, {len(found.tested.fills)} in the back-test"
        yield f"DIFFERENT: {what}: {counted}; {fills}."
        return
    same = [f"{len(found.live.fills)} fills", f"{len(found.live.wanted)} orders"]
    if found.live.opinions:
        same.append(f"{len(found.live.opinions)} signals")
    yield f"EQUAL: {what}: {', '.join(same)}, the position and the strategy's state are the same ({found.seconds:.0f} s)."


def told(differences: list[Difference]) -> Iterator[str]:
    for each in differences[:SHOWN]:
        number = f"#{each.sequence}" if each.sequence else ""
        yield (
            f"{when(each.timestamp)}  {each.cause:<6}  {each.slot}{number}  {each.what}: "
            f"live {each.live}; back-test {each.tested}"
        )
    if len(differences) > SHOWN:
        yield f"… and {len(differences) - SHOWN} more; --json has them all"


def when(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
