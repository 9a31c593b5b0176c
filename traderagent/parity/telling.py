"""A comparison in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from traderagent.parity.comparing import Difference, causes
from traderagent.parity.drift import Drift
from traderagent.parity.reasons import Why
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


def drift_lines(found: Drift) -> Iterator[str]:
    """The sums last."""
    for each in found.deviations[:SHOWN]:
        cost = "" if each.cost is None else f" ({_cost(each.cost)})"
        yield (
            f"{when(each.timestamp)}  {each.why:<11}  {each.slot}  {each.what}: live {each.live}; back-test {each.tested}"
            f"{cost}"
        )
    if len(found.deviations) > SHOWN:
        yield f"… and {len(found.deviations) - SHOWN} more; --json has them all"
    for since, until in found.silences:
        yield f"No tick from {when(since)} to {when(until)} UTC."
    yield (
        f"{found.bot}, {when(found.since)} – {when(found.until)} UTC: {found.live_fills} fills live, {found.tested_fills} in the "
        f"back-test, {found.paired} of them the same ones; profit {found.live_profit:.2f} live, {found.tested_profit:.2f} in "
        "the back-test."
    )
    if not found.deviations:
        yield "No drift."
        return
    reasons = ", ".join(f"{count} {why}" for why, count in found.reasons().items())
    costs = "".join(
        f"; {what} {_cost(found.cost_of(why))}"
        for why, what in ((Why.PRICE, "other prices"), (Why.TIMING, "late orders"), (Why.FEE, "other fees"))
        if found.cost_of(why)
    )
    yield f"DRIFTED: {reasons}{costs}."


def _cost(cost: Decimal) -> str:
    """In quote. What live trading did better is a gain."""
    return f"gained {-cost:.2f}" if cost < 0 else f"cost {cost:.2f}"
