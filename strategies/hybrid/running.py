"""The families' own steps: each is shown its own fills, its own position and its own features, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from strategies.contract import (
    Decision,
    FillSeen,
    MarketKind,
    MarketSpec,
    Point,
    Reason,
    Signal,
    WantedOrder,
)
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.families import STRATEGIES
from strategies.hybrid.features import point_for
from strategies.hybrid.limits import closed
from strategies.hybrid.orders import CLOSE_SLOT, GUARD_SLOT, REST, Part, reduces, wish_of
from strategies.hybrid.purse import Purse, closable
from strategies.hybrid.state import ACTIVE, CLOSING, RUN_OFF, Generation, HybridState, Standing
from strategies.hybrid.switching import config_of

HOUR_MS: Final = 3_600_000
_NOTHING: Final[tuple[WantedOrder, ...]] = ()


@dataclass(slots=True)
class Stepped:
    """What the families want, and what the one that runs says."""

    parts: list[Part]
    signal: Signal | None = None


def book(
    state: HybridState, market: MarketSpec, fills: Sequence[FillSeen], notes: list[Reason]
) -> tuple[HybridState, Mapping[str, list[FillSeen]]]:
    """Each fill in the purse of the generation whose order it was of; those of generations that are over in the rest.

    Returns the fills too that are for the families, by generation, with the slots that they know.
    """
    seen: dict[str, list[FillSeen]] = {}
    if not fills:
        return state, seen
    generations = {each.key: each for each in state.generations}
    standing, rest = dict(state.standing), state.rest
    for fill in fills:
        wish = wish_of(fill.slot, fill.sequence)
        known = standing.pop(wish, Standing(0.0, taker=True))
        if not fill.done:
            standing[wish] = replace(known, filled=known.filled + fill.amount)
        key, _, own = fill.slot.partition("/")
        generation = generations.get(key)
        if generation is None:
            rest = _booked(rest, fill, market, known, is_close=key == REST)
            continue
        purse = _booked(generation.purse, fill, market, known, is_close=own == CLOSE_SLOT)
        generation = replace(generation, purse=purse)
        if own == GUARD_SLOT:
            if generation.mode == RUN_OFF:
                numbers: dict[str, float | int | str] = {
                    "family": generation.family,
                    "price": fill.price,
                    "limit": generation.stop,
                }
                notes.append(Reason("hybrid.run_off_stop", numbers))
            generation = replace(generation, mode=CLOSING)
        elif own != CLOSE_SLOT:
            seen.setdefault(key, []).append(replace(fill, slot=own))
        generations[key] = generation
    return replace(state, generations=tuple(generations.values()), rest=rest, standing=standing), seen


def tidy(state: HybridState, market: MarketSpec, price: float) -> HybridState:
    """Wants an order for what no generation holds any more, once that is enough to be traded."""
    rest = state.rest.to_be_closed(market, price) if state.rest.amount else state.rest
    return state if rest is state.rest else replace(state, rest=rest)


def step_families(
    state: HybridState,
    config: HybridConfig,
    market: MarketSpec,
    point: Point,
    seen: Mapping[str, list[FillSeen]],
    notes: list[Reason],
) -> tuple[HybridState, Stepped]:
    """Every generation's next state and orders; those that are over leave what they have to the rest."""
    stepped = Stepped([])
    left: list[Generation] = []
    rest, stopped = state.rest, state.stopped
    for generation in state.generations:
        generation = _run_off_ends(generation, config, market, point, notes)
        if generation.mode == CLOSING:
            purse = generation.purse.to_be_closed(market, point.price)
            generation = generation if purse is generation.purse else replace(generation, purse=purse)
            is_over, orders = not purse.closing, _NOTHING
        else:
            decision = _stepped(generation, config, market, point, seen.get(generation.key, ()))
            notes.extend(decision.notes)
            generation = replace(generation, child=decision.state)
            orders = decision.wanted
            if generation.mode == ACTIVE:
                stepped.signal = decision.signal
            if decision.finish is not None and not orders:
                if generation.mode == ACTIVE:
                    stopped = generation.family
                    notes.append(_stopped_itself(generation, decision.finish.reason))
                generation = closed(generation, point)
            is_over = generation.mode == RUN_OFF and _has_run_off(generation, market, point.price, orders)
        if is_over:
            rest = rest.with_all_of(generation.purse)
            notes.append(_over(generation))
        else:
            left.append(generation)
            stepped.parts.append(Part(generation.key, generation.mode, generation.purse, generation.stop, orders))
    stepped.parts.append(Part(REST, CLOSING, rest, 0.0, ()))
    return replace(state, generations=tuple(left), rest=rest, stopped=stopped), stepped


def _booked(purse: Purse, fill: FillSeen, market: MarketSpec, known: Standing, *, is_close: bool) -> Purse:
    purse = purse.after(fill, market, taker=known.taker)
    return purse.told_done() if is_close and fill.done and fill.sequence == purse.closings else purse


def _stepped(
    generation: Generation, config: HybridConfig, market: MarketSpec, point: Point, fills: Sequence[FillSeen]
) -> Decision[object]:
    return STRATEGIES[generation.family].step(
        config_of(config, generation),
        market,
        generation.child,
        point_for(generation.family, point),
        generation.purse.view(point.price),
        fills,
    )


def _run_off_ends(
    generation: Generation, config: HybridConfig, market: MarketSpec, point: Point, notes: list[Reason]
) -> Generation:
    """Closes what has run off too long, and on spot what is below its stop: on linear markets an order stands for that."""
    if generation.mode != RUN_OFF:
        return generation
    numbers: dict[str, float | int | str] = {"family": generation.family, "price": point.price}
    if market.kind is MarketKind.SPOT and point.price <= generation.stop:
        notes.append(Reason("hybrid.run_off_stop", numbers | {"limit": generation.stop}))
        return closed(generation, point)
    if point.timestamp - generation.retired_at >= config.run_off_hours * HOUR_MS:
        notes.append(Reason("hybrid.run_off_time", numbers | {"hours": config.run_off_hours}))
        return closed(generation, point)
    return generation


def _has_run_off(generation: Generation, market: MarketSpec, price: float, orders: Sequence[WantedOrder]) -> bool:
    if closable(abs(generation.purse.amount), market, price):
        return False
    return not any(reduces(generation.purse, order) for order in orders)


def _stopped_itself(generation: Generation, reason: Reason) -> Reason:
    return Reason(
        "hybrid.family_stopped", {"family": generation.family, "number": generation.number, "cause": reason.code}
    )


def _over(generation: Generation) -> Reason:
    purse = generation.purse
    return Reason(
        "hybrid.handed_over",
        {"family": generation.family, "number": generation.number, "profit": purse.realised, "left": purse.amount},
    )
