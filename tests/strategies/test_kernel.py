"""The machinery under compiled steps, shown on a strategy of a few lines: it buys dips and sells a rise from there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import pytest

from strategies.compiled import compiled
from strategies.contract import (
    Direction,
    FillSeen,
    Finish,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Reason,
    Side,
    Signal,
    StrategyConfig,
)
from strategies.kernel import (
    BUY,
    FOREVER,
    LIMIT,
    MOST_NOTES,
    NEVER_QUIET,
    NO_SLOT,
    NO_TRIGGER,
    NOTE_NUMBERS,
    SELL,
    STOP,
    KernelStrategy,
    OrderRow,
    note,
    order_rows,
    write,
)
from strategies.lattice import Rules, floor_to_step, on_tick, rules_of
from strategies.state import PlainState, field_names, packed, record_type, unpacked
from tests.strategies.kernel_driver import (
    assert_quiet_is_honest,
    assert_same_compiled,
    played,
    walk,
)
from tests.strategies.markets import LINEAR, SPOT

WATCHING, HELD, OVER = 0, 1, 2
TOLD_OPENED, TOLD_CLOSED, TOLD_OPINION = 1, 2, 3


class DipConfig(StrategyConfig):
    """Buys ``size`` (quote) ``percent`` below a price that it has seen, ``times`` times; sells as far above."""

    percent: Decimal = Decimal(1)
    size: Decimal = Decimal(100)
    times: int = 3
    lazy: bool = False  # says that nothing matters while it holds


class DipParameters(NamedTuple):
    down: float
    up: float
    size: float
    times: int
    lazy: bool
    rules: Rules


@dataclass(slots=True)
class DipState(PlainState):
    WORDS: ClassVar[Mapping[str, tuple[str, ...]]] = {"phase": ("watching", "held", "over")}
    ADDED_LATER: ClassVar[Mapping[str, Any]] = {"told": False}
    CAPACITIES: ClassVar[Mapping[str, int]] = {"bought_at": 10}

    phase: int = WATCHING
    top: float = 0.0
    held: float = 0.0
    done: int = 0
    told: bool = False
    bought_at: list[float] = field(default_factory=list)


@compiled
def _amount(p: DipParameters, price: float) -> float:
    return floor_to_step(p.size / price, p.rules.step_unit, p.rules.step_scale)


@compiled
def dip_advance(p: DipParameters, s: Any, tick: Any, row: Any, fills: Any, count: int, notes: Any) -> bool:
    for i in range(count):
        fill = fills[i]
        s.held += fill.side * fill.amount - fill.fee_base
        if fill.done and fill.side > 0:
            s.phase = HELD
            s.bought_at[s.done] = fill.price
            note(notes, TOLD_OPENED, fill.price, fill.amount)
        elif fill.done:
            s.done += 1
            s.top = tick.price
            s.phase = OVER if s.done >= p.times else WATCHING
            note(notes, TOLD_CLOSED, fill.price, s.held)
    if s.phase == WATCHING and tick.price > s.top:
        s.top = tick.price
        if not s.told:
            s.told = True
            note(notes, TOLD_OPINION, tick.price)
    return bool(s.phase == OVER)


@compiled
def dip_wanted(p: DipParameters, s: Any, orders: Any) -> int:
    unit, scale = p.rules.tick_unit, p.rules.tick_scale
    if s.phase == WATCHING and s.top > 0.0:
        price = on_tick(s.top * p.down, unit, scale)
        return write(orders, 0, 0, s.done, BUY, LIMIT, _amount(p, price), price, NO_TRIGGER, True, False, False, s.done)
    if s.phase == HELD:
        bought = s.bought_at[s.done]
        amount = floor_to_step(s.held, p.rules.step_unit, p.rules.step_scale)
        price = on_tick(bought * p.up, unit, scale)
        count = write(orders, 0, 1, s.done, SELL, LIMIT, amount, price, NO_TRIGGER, False, False, False, s.done)
        if p.rules.is_linear:
            trigger = on_tick(bought * 0.5, unit, scale)
            count = write(orders, count, 2, s.done, SELL, STOP, amount, 0.0, trigger, False, True, True, s.done)
        return count
    return 0


@compiled
def dip_quiet(p: DipParameters, s: Any, tick: Any) -> tuple[float, float, int, bool]:
    if p.lazy and s.phase == WATCHING and s.told:
        return -math.inf, math.inf, FOREVER, False
    if s.phase == HELD:
        return -math.inf, math.inf, FOREVER, False
    if s.phase == WATCHING and s.told:
        return -math.inf, s.top, FOREVER, False
    return NEVER_QUIET


class DipStrategy(KernelStrategy[DipConfig, DipState, DipParameters]):
    name: ClassVar[str] = "dip"
    Config = DipConfig
    MOST_ORDERS = 2
    SLOTS = 3
    advance = dip_advance
    wanted = dip_wanted
    quiet = dip_quiet

    NAMES: ClassVar[tuple[str, ...]] = ("buy", "sell", "stop")

    def parameters(self, config: DipConfig, market: MarketSpec) -> DipParameters:
        share = config.percent / 100
        return DipParameters(
            float(1 - share), float(1 + share), float(config.size), config.times, config.lazy, rules_of(market)
        )

    def initial_state(self, config: DipConfig, market: MarketSpec) -> DipState:
        return DipState(bought_at=[0.0] * config.times)

    def slot_number(self, name: str) -> int:
        return self.NAMES.index(name) if name in self.NAMES else NO_SLOT

    def order(self, config: DipConfig, market: MarketSpec, state: DipState, row: OrderRow) -> tuple[str, str, Reason]:
        return self.NAMES[row.slot], f"dip:{row.trade}", Reason("dip.order", {"amount": row.amount})

    def told(
        self, config: DipConfig, market: MarketSpec, state: DipState, code: int, numbers: Sequence[float]
    ) -> Reason | Signal:
        if code == TOLD_OPINION:
            return Signal(Direction.LONG, numbers[0], 0.5, 0, self.name)
        return Reason("dip.opened" if code == TOLD_OPENED else "dip.closed", {"price": numbers[0], "held": numbers[1]})

    def finish(self, config: DipConfig, state: DipState) -> Finish:
        return Finish(Reason("dip.finished", {"times": state.done}))


DIP = DipStrategy()


@pytest.mark.parametrize("market", [SPOT, LINEAR], ids=lambda market: market.kind.value)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compiled_decides_as_python_does(market: MarketSpec, seed: int) -> None:
    config = DipConfig(size=Decimal(1000), times=10)
    seen = list(played(DIP, config, market, walk(400, start=1850, stride=10, seed=seed), seed=seed))
    wanted = assert_same_compiled(DIP, config, market, seen)
    assert wanted["buy"] > 5
    assert wanted["sell"] > 5
    assert wanted.get("stop", 0) == (wanted["sell"] if market is LINEAR else 0)
    assert assert_quiet_is_honest(DIP, config, market, seen) > 50


def test_a_zone_that_is_too_large_is_found() -> None:
    lazy = DipConfig(lazy=True)
    seen = list(played(DIP, lazy, LINEAR, walk(50, start=1850, stride=10, seed=1)))
    with pytest.raises(AssertionError, match="in its quiet zone"):
        assert_quiet_is_honest(DIP, lazy, LINEAR, seen)


def test_another_answer_of_the_machine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    @compiled
    def one_more(p: Any, s: Any, orders: Any) -> int:
        return dip_wanted(p, s, orders) + 1

    one_more.__dict__["plain"] = dip_wanted.plain
    monkeypatch.setattr(DipStrategy, "wanted", one_more)
    config = DipConfig()
    with pytest.raises(AssertionError, match="count of orders as Python 1, compiled 2"):
        assert_same_compiled(DIP, config, LINEAR, played(DIP, config, LINEAR, walk(5, start=1850, stride=1, seed=1)))


class TestStep:
    def test_it_names_what_the_numbers_mean(self) -> None:
        config = DipConfig(times=1)
        state = DIP.initial_state(config, LINEAR)
        first = DIP.step(config, LINEAR, state, Point(1, 2000.0), PositionView(), [])
        assert first.signal is not None
        assert (first.signal.entry, first.notes, first.finish) == (2000.0, (), None)
        (buy,) = first.wanted
        assert (buy.slot, buy.sequence, buy.side, buy.type, buy.price, buy.amount) == (
            "buy",
            0,
            Side.BUY,
            OrderType.LIMIT,
            1980.0,
            0.05,
        )
        assert (buy.trigger_price, buy.post_only, buy.trade, buy.protective) == (None, True, "dip:0", False)
        assert state.top == 0.0, "the step wrote into the state it was given"

        filled = FillSeen("buy", 0, Side.BUY, 1980.0, 0.05, 0.0, 2, True)
        second = DIP.step(config, LINEAR, first.state, Point(2, 1979.0), PositionView(0.05, 1980.0), [filled])
        assert second.notes == (Reason("dip.opened", {"price": 1980.0, "held": 0.05}),)
        sell, stop = second.wanted
        assert (sell.slot, sell.side, sell.price) == ("sell", Side.SELL, 1999.8)
        assert (stop.type, stop.price, stop.trigger_price, stop.reduce_only, stop.protective) == (
            OrderType.STOP,
            None,
            990.0,
            True,
            True,
        )

        sold = FillSeen("sell", 0, Side.SELL, 1999.8, 0.05, 0.0, 3, True)
        third = DIP.step(config, LINEAR, second.state, Point(3, 2000.0), PositionView(), [sold])
        assert (third.wanted, third.finish) == ((), Finish(Reason("dip.finished", {"times": 1})))

    def test_in_its_quiet_zone_it_gives_back_the_very_state_and_orders(self) -> None:
        config = DipConfig()
        first = DIP.step(config, LINEAR, DIP.initial_state(config, LINEAR), Point(1, 2000.0), PositionView(), [])
        again = DIP.step(config, LINEAR, first.state, Point(2, 1990.0), PositionView(), [])
        assert again.state is first.state
        assert again.wanted is first.wanted
        moved = DIP.step(config, LINEAR, first.state, Point(2, 2000.5), PositionView(), [])
        assert moved.state.top == 2000.5

    def test_a_fill_of_another_slot_is_no_slot(self) -> None:
        assert DIP.fill_row(FillSeen("else", 3, Side.SELL, 1.0, 2.0, 0.5, 9, False)) == (
            NO_SLOT,
            3,
            SELL,
            1.0,
            2.0,
            0.5,
            9,
            False,
        )


class TestNotes:
    def test_they_are_kept_in_order_until_there_is_no_more_room(self) -> None:
        import numpy as np

        for call in (note, note.plain):
            notes = np.zeros((MOST_NOTES + 1, NOTE_NUMBERS + 1))
            for number in range(MOST_NOTES + 5):
                call(notes, 7, float(number), 2.0)
            assert notes[0, 0] == MOST_NOTES
            assert notes[1].tolist() == [7.0, 0.0, 2.0] + [0.0] * (NOTE_NUMBERS - 2)
            assert notes[MOST_NOTES, 1] == MOST_NOTES - 1
            none = np.zeros((0, NOTE_NUMBERS + 1))
            call(none, 7, 1.0)  # a back-test that keeps no log


class TestState:
    STATE = DipState(phase=HELD, top=0.1 + 0.2, held=-1.5, done=2, told=True, bought_at=[1.0, 1e-9, 3.0])

    def test_it_goes_through_json_in_words(self) -> None:
        dumped = self.STATE.dump()
        assert dumped["phase"] == "held"
        assert DipState.load(json.loads(json.dumps(dumped))) == self.STATE

    def test_what_was_added_later_may_be_missing_and_nothing_else(self) -> None:
        dumped = self.STATE.dump()
        del dumped["told"]
        assert DipState.load(dumped).told is False
        del dumped["top"]
        with pytest.raises(ValueError, match=r"missing fields \['top'\]"):
            DipState.load(dumped)
        with pytest.raises(ValueError, match="knows no phase 'lost'; known are watching, held, over"):
            DipState.load(self.STATE.dump() | {"phase": "lost"})

    def test_copies_share_nothing_and_have_not_decided(self) -> None:
        state = DipState(bought_at=[1.0], wanted=())
        copy = state.copy()
        copy.bought_at[0] = 9.0
        assert (state.bought_at, state.wanted, copy.wanted) == ([1.0], (), None)

    def test_a_record_holds_the_same_numbers(self) -> None:
        record = packed(self.STATE)
        assert record["bought_at"].tolist() == [1.0, 1e-9, 3.0] + [0.0] * 7
        assert record_type(DipState).names == field_names(DipState)
        back = unpacked(record, self.STATE)
        assert back == self.STATE
        assert [type(getattr(back, name)) for name in field_names(DipState)] == [int, float, float, int, bool, list]

    def test_what_is_longer_than_its_room_has_no_record(self) -> None:
        with pytest.raises(ValueError, match="bought_at has 11 values, the record has room for 10"):
            packed(DipState(bought_at=[0.0] * 11))


def test_rows_have_the_fields_of_an_order() -> None:
    rows = order_rows(3)
    assert len(rows) == 3
    assert OrderRow(*rows[0].item()) == OrderRow()
