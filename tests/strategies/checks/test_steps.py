"""Decisions taken again: from the stored state, and without having been shown what came later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from strategies.checks import Recording, Violation, check_steps
from strategies.checks.decisions import difference, stored
from strategies.contract import (
    CandleNeed,
    CandleSeries,
    Decision,
    FillSeen,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    StrategyConfig,
    WantedOrder,
)
from strategies.feature_rows import feature_table
from tests.strategies.checks.candles import HOUR_MS, walk
from tests.strategies.markets import LINEAR

HOURS = walk(200)
CANDLES = {"1h": HOURS}
CONFIG = StrategyConfig()


@dataclass
class Held:
    """``bought`` is the number of orders so far, ``last`` the last price seen."""

    bought: int = 0
    last: float = 0.0
    forgotten: int = field(default=0, compare=False)


class Dips:
    """Wants to buy whenever the price is below the last closed candle's low."""

    name: ClassVar[str] = "dips"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Dips"
    description: ClassVar[str] = "Buys below the last closed candle's low."
    Config: type[StrategyConfig] = StrategyConfig

    def timeframes(self, config: StrategyConfig) -> tuple[CandleNeed, ...]:
        return (CandleNeed("1h", 1),)

    def features(self, config: StrategyConfig, candles: Mapping[str, CandleSeries]) -> dict[str, np.ndarray]:
        return {"low": candles["1h"].low}

    def initial_state(self, config: StrategyConfig, market: MarketSpec) -> Held:
        return Held()

    def step(
        self,
        config: StrategyConfig,
        market: MarketSpec,
        state: Held,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[Held]:
        if not point.price < point.features["low"]:
            return Decision(replace(state, last=point.price))
        order = WantedOrder("buy", state.bought, Side.BUY, OrderType.MARKET, 1.0, Reason("test.dip"))
        return Decision(Held(state.bought + 1, point.price), (order,))

    def dump(self, state: Held) -> dict[str, Any]:
        return {"bought": state.bought, "last": state.last}

    def load(self, data: Mapping[str, Any]) -> Held:
        return Held(**data)

    def preflight(self, *_: Any) -> list[Any]:
        return []

    def levels(self, *_: Any) -> list[Any]:
        return []


class Peeks(Dips):
    """Remembers the candles it was shown, and looks up the price a candle later."""

    def features(self, config: StrategyConfig, candles: Mapping[str, CandleSeries]) -> dict[str, np.ndarray]:
        self.seen = candles["1h"]
        return super().features(config, candles)

    def step(self, config: Any, market: Any, state: Held, point: Point, *rest: Any) -> Decision[Held]:
        row = int(self.seen.timestamp.searchsorted(point.timestamp + HOUR_MS))
        later = self.seen.close[min(row, len(self.seen.close) - 1)]
        return super().step(config, market, state, replace(point, features={"low": float(later)}), *rest)


class Forgets(Dips):
    """Decides by something that is not stored."""

    def step(self, config: Any, market: Any, state: Held, point: Point, *rest: Any) -> Decision[Held]:
        decision = super().step(config, market, state, point, *rest)
        note = (Reason("test.count", {"count": state.forgotten}),)
        return replace(decision, state=replace(decision.state, forgotten=state.forgotten + 1), notes=note)


class Leaks(Dips):
    """Keeps in the module what it has seen, and looks up there what comes next."""

    prices: ClassVar[dict[int, float]] = {}

    def step(self, config: Any, market: Any, state: Held, point: Point, *rest: Any) -> Decision[Held]:
        self.prices[point.timestamp] = point.price
        later = self.prices.get(point.timestamp + HOUR_MS, point.price)
        return super().step(config, market, state, replace(point, features={"low": later}), *rest)


class Unwritable(Dips):
    """Says in its snapshot less than it knows."""

    def dump(self, state: Held) -> dict[str, Any]:
        return {"bought": state.bought, "last": round(state.last)}

    def step(self, config: Any, market: Any, state: Held, point: Point, *rest: Any) -> Decision[Held]:
        decision = super().step(config, market, state, point, *rest)
        return replace(decision, notes=(Reason("test.last", {"last": state.last}),))


class Scribbles(Dips):
    """Writes into the state it is given."""

    def step(self, config: Any, market: Any, state: Held, point: Point, *rest: Any) -> Decision[Held]:
        state.last = point.price
        return super().step(config, market, state, point, *rest)


class Counts(Dips):
    """Keeps something in the instance."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, config: Any, market: Any, state: Held, point: Point, *rest: Any) -> Decision[Held]:
        self.steps += 1
        decision = super().step(config, market, state, point, *rest)
        return replace(decision, notes=(Reason("test.steps", {"steps": self.steps}),))


def checked(strategy: Dips) -> tuple[list[Violation], int]:
    """What is found in one walk over the candles' opens and middles, and the number of orders in it."""
    recording = Recording(strategy)
    table = feature_table(strategy, CONFIG, CANDLES)
    state = recording.initial_state(CONFIG, LINEAR)
    for row in range(1, len(HOURS.timestamp)):
        for late, price in ((0, HOURS.open[row]), (HOUR_MS // 2, HOURS.low[row])):
            now = int(HOURS.timestamp[row]) + late
            newest = table.row(table.row_at(now))
            point = Point(now, float(price), newest.values, newest.candle_close)
            state = recording.step(CONFIG, LINEAR, state, point, PositionView(), ()).state
    orders = sum(len(step.decision.wanted) for step in recording.steps)
    return check_steps(strategy, CONFIG, LINEAR, recording.steps, candles=CANDLES, cuts=100, seed=3), orders


def test_an_honest_strategy_passes() -> None:
    violations, orders = checked(Dips())
    assert violations == []
    assert orders > 50


@pytest.mark.parametrize(
    ("cheat", "check", "said"),
    [
        (Peeks, "decision", "taken away"),
        (Leaks, "state", "decided from the stored state"),
        (Unwritable, "state", "notes, step "),
        (Forgets, "state", "decided from the stored state"),
        (Scribbles, "input", "wrote into the state"),
        (Counts, "repeat", "decided twice"),
    ],
)
def test_each_breach_is_caught(cheat: type[Dips], check: str, said: str) -> None:
    violations, _ = checked(cheat())
    assert any(said in str(each) for each in violations if each.check.value == check)


def test_a_violation_names_the_part_the_step_and_its_time() -> None:
    violations, _ = checked(Peeks())
    caught = next(each for each in violations if each.column.startswith("order buy"))
    # The first step, at 01:00, compares with the price at 02:00, or, without later candles, with the last one shown.
    assert str(caught).startswith(
        "decision: order buy 0, step 0 at 2025-05-04 01:00 UTC: slot buy, side buy, type market, "
    )
    assert str(caught).endswith(" became nothing (candles after step 0 taken away)")


def test_orders_wanted_in_another_sequence_are_another_decision() -> None:
    orders = tuple(
        WantedOrder(slot, 0, Side.BUY, OrderType.MARKET, 1.0, Reason("test.dip")) for slot in ("first", "second")
    )
    one, other = Decision(Held(), orders), Decision(Held(), orders[::-1])
    assert difference(Dips(), one, one) is None
    assert difference(Dips(), one, other) == (
        "sequence of the orders",
        "[('first', 0), ('second', 0)]",
        "[('second', 0), ('first', 0)]",
    )


def test_a_state_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        stored(Dips(), Held(last=float("nan")))
