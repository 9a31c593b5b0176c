"""Which family runs: the regime chooses, cool-down and the day's number of changes hold back, money permits.

A change takes at least two steps. In the first one the old family is told to leave: its buys are gone, and what it holds
is closed at market or runs off. A later one, when nothing is being closed any more, starts the next family; with
``close`` only when the old one holds nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final

from strategies.contract import MarketSpec, Point, PositionView, Problem, Reason
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.families import DCA, GRID, NONE, STRATEGIES, TREND, family_config, regime_config, share_of
from strategies.hybrid.family_settings import RangeIn
from strategies.hybrid.features import regime_row
from strategies.hybrid.limits import closed, exposure, exposure_limit
from strategies.hybrid.purse import closable
from strategies.hybrid.settings import Handover, InBearTrend, InTransition
from strategies.hybrid.state import ACTIVE, CLOSING, RUN_OFF, Generation, HybridState
from strategies.regimes.regime import Regime

if TYPE_CHECKING:
    from strategies.regimes.classification import RegimeInputs

_CENT: Final = Decimal("0.01")
_WIDEST: Final = Decimal(99)
_MONEY: Final = Decimal("1e-8")
# A family's preflight is asked about its minimums only: its money is the hybrid's to count.
_ENOUGH: Final = Decimal(10) ** 15

_OF_REGIME: Final[Mapping[Regime, str]] = {
    Regime.TIGHT_RANGE: GRID,
    Regime.WIDE_RANGE: GRID,
    Regime.BULL_TREND: TREND,
}


def family_for(config: HybridConfig, regime: Regime, before: str) -> str:
    """The family for a regime; ``before`` is the one that was chosen until now. ``NONE`` stays out."""
    if regime in _OF_REGIME:
        return _OF_REGIME[regime]
    if regime is Regime.BEAR_TREND:
        return DCA if config.bear_trend is InBearTrend.DCA else NONE
    setting = config.quiet_transition if regime is Regime.QUIET_TRANSITION else config.volatile_transition
    if setting is InTransition.KEEP:
        return before
    return NONE if setting is InTransition.NONE else setting.value


def look(state: HybridState, config: HybridConfig, point: Point, notes: list[Reason]) -> HybridState:
    """Steps the regime with each of its candles once."""
    close = point.features.get("regime.candle_close", math.nan)
    if not close > state.seen_close:  # also NaN: no candle yet
        return state
    from strategies.regimes.classification import RegimeState, step

    found = regime_row(point)
    assert found is not None
    before = state.regime or RegimeState()
    regime, verdict = step(regime_config(config), before, found[1])
    state = replace(state, regime=regime, seen_close=found[0])
    if verdict is None:
        return state
    chosen = family_for(config, verdict.regime, state.chosen)
    if verdict.regime is not before.regime:
        notes.append(_told(verdict.regime, found[1], verdict.confidence, chosen))
    if chosen != state.chosen:
        state = replace(state, chosen=chosen, stopped=NONE, told="")
    return state


def leave(
    state: HybridState, config: HybridConfig, market: MarketSpec, point: Point, notes: list[Reason]
) -> HybridState:
    """Tells the family that runs to leave when another one is chosen and nothing holds the change back."""
    active = state.active
    if active is None or active.family == state.chosen:
        return state
    hindrance = _hindrance(state, config, point)
    if hindrance is not None:
        return _tell(state, hindrance, notes)
    held = float(closable(abs(active.purse.amount), market, point.price))
    runs_off = config.handover is Handover.RUN_OFF and held > 0.0
    notes.append(
        Reason(
            "hybrid.switch",
            {
                "before": active.family,
                "after": state.chosen or "nothing",
                "price": point.price,
                "held": held,
                "handover": "runs off" if runs_off else "is closed",
            },
        )
    )
    left = closed(active, point)
    if runs_off:
        left = replace(left, mode=RUN_OFF, stop=_run_off_stop(config, market, active.family, point.price))
    generations = tuple(left if each is active else each for each in state.generations)
    return replace(state, generations=generations, switches=state.switches + 1, retired_at=point.timestamp, told="")


def start(
    state: HybridState,
    config: HybridConfig,
    market: MarketSpec,
    point: Point,
    position: PositionView,
    notes: list[Reason],
) -> HybridState:
    """Starts the family that is chosen, when no other one is in the way and there is money enough."""
    if not _may_start(state, config, point):
        return state
    family = state.chosen
    free = exposure_limit(state, config, position) - exposure(state)
    money = min(share_of(config, family), Decimal(repr(free))).quantize(_MONEY, ROUND_FLOOR)
    reach = _grid_reach(config, family, point)
    problem = _problem(config, market, point, family, money, reach)
    if problem:
        numbers: dict[str, float | int | str] = {"family": family, "money": float(money), "problem": problem}
        return _tell(replace(state, refused_at=state.seen_close), Reason("hybrid.waits_money", numbers), notes)
    generation = Generation(
        number=state.number + 1,
        family=family,
        mode=ACTIVE,
        money=float(money),
        range_percent=0.0 if reach is None else float(reach),
        started_at=point.timestamp,
        child=None,
    )
    strategy = STRATEGIES[family]
    generation = replace(generation, child=strategy.initial_state(config_of(config, generation), market))
    notes.append(
        Reason(
            "hybrid.start", {"family": family, "number": generation.number, "money": float(money), "price": point.price}
        )
    )
    return replace(
        state,
        number=generation.number,
        generations=(*state.generations, generation),
        switched_at=point.timestamp,
        told="",
    )


def config_of(config: HybridConfig, generation: Generation) -> object:
    """The family's own configuration, as this generation was started with."""
    reach = Decimal(repr(generation.range_percent)) if generation.range_percent else None
    return family_config(config, generation.family, Decimal(repr(generation.money)), reach)


def _may_start(state: HybridState, config: HybridConfig, point: Point) -> bool:
    if state.active is not None or state.finish_code or point.timestamp < state.rests_until:
        return False
    if state.chosen in (NONE, state.stopped) or state.refused_at == state.seen_close:
        return False
    leaving = point.timestamp <= state.retired_at or any(each.mode == CLOSING for each in state.generations)
    if leaving or state.rest.closing:
        return False
    return config.handover is Handover.RUN_OFF or not state.generations


def _hindrance(state: HybridState, config: HybridConfig, point: Point) -> Reason | None:
    chosen = state.chosen or "nothing"
    if point.timestamp < state.switched_at + config.cool_down * 60_000:
        return Reason("hybrid.waits_cool_down", {"family": chosen, "minutes": config.cool_down})
    if state.switches >= config.max_switches:
        return Reason("hybrid.waits_switches", {"family": chosen, "limit": config.max_switches})
    return None


def _tell(state: HybridState, hindrance: Reason, notes: list[Reason]) -> HybridState:
    """What hinders is told when it is something else than before."""
    if hindrance.code == state.told:
        return state
    notes.append(hindrance)
    return replace(state, told=hindrance.code)


def _run_off_stop(config: HybridConfig, market: MarketSpec, family: str, price: float) -> float:
    if family == TREND:
        return 0.0
    return float(market.quantise_price(Decimal(repr(price)) * (1 - config.run_off_stop / 100)))


def _grid_reach(config: HybridConfig, family: str, point: Point) -> Decimal | None:
    """In percent of the price, where it is set in ATRs; ``None`` where nothing is to be worked out."""
    if family != GRID or config.grid_range_in is RangeIn.PERCENT:
        return None
    atr = point.features.get("regime.atr_percent", math.nan)
    if not atr > 0.0:
        return Decimal(0)
    return min(_WIDEST, (config.grid_range * Decimal(repr(atr))).quantize(_CENT))


def _problem(
    config: HybridConfig, market: MarketSpec, point: Point, family: str, money: Decimal, reach: Decimal | None
) -> str:
    """Why the family cannot work with so much money; empty when it can."""
    if money <= 0:
        return "no money is free."
    if reach is not None and reach <= 0:
        return "the average true range is not known."
    own = family_config(config, family, money, reach)
    price = market.quantise_price(point.price)
    problems: list[Problem] = STRATEGIES[family].preflight(own, market, price, _ENOUGH, _ENOUGH)
    return problems[0].message if problems else ""


def _told(regime: Regime, inputs: RegimeInputs, confidence: float, chosen: str) -> Reason:
    numbers: dict[str, float | int | str] = {
        "regime": regime.value.replace("_", " "),
        "adx": round(inputs.adx, 1),
        "atr": round(inputs.atr_percent, 2),
        "fast": _five_digits(inputs.ema_fast),
        "slow": _five_digits(inputs.ema_slow),
        "confidence": round(confidence * 100.0),
        "family": chosen or "nothing",
    }
    return Reason("hybrid.regime", numbers)


def _five_digits(price: float) -> float:
    return float(f"{price:.5g}")
