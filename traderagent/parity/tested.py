"""The back-test's side: the compiled run, and the same run as Python that tells every order it wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Final

from backtests.engine_terms import engine_options
from backtests.features import history_features
from backtests.loop.records import TOO_CHEAP, TOO_LARGE, TOO_SMALL
from backtests.preset import Preset
from backtests.running import back_test
from backtests.simulation import Simulation, simulate
from backtests.warm_up import resolved
from exchange.candles.files import Candles
from strategies.contract import (
    Decision,
    FillSeen,
    MarketSpec,
    OrderType,
    Point,
    PositionView,
    Side,
    Strategy,
)
from strategies.registry import get_strategy
from traderagent.parity.errors import ParityError
from traderagent.parity.records import Key, Opinion, Run, Traded, Wanted

_NEVER_SENT: Final = {
    TOO_SMALL: "less than the market's smallest amount",
    TOO_LARGE: "more than the market's largest amount",
    TOO_CHEAP: "worth less than the market's least",
}


def back_tested(preset: Preset, candles: Candles, begin: int) -> Run:
    """Trading begins with the candle that opens at ``begin`` (ms UTC); those before are looked back at.

    Raises :class:`ParityError` when machine code and Python do not trade the same, which is a fault of the engine.
    """
    strategy: Strategy[Any, Any] = get_strategy(preset.strategy)
    config = preset.strategy_config
    try:
        outcome = back_test(preset, candles, begin=begin)
        market = outcome.market
        telling = Telling(strategy)
        plain: Simulation[Any] = simulate(
            telling,
            config,
            market,
            outcome.candles,
            preset.timeframe,
            quote=float(preset.initial_balance),
            options=engine_options(preset),
            features=history_features(strategy, config, candles, preset.timeframe),
            compiled=False,
            start=resolved(strategy, config, candles, preset.timeframe, begin),
        )
    except ValueError as error:
        raise ParityError(f"The back-test cannot run: {error}") from error
    fast, slow = (fills_of(run, market) for run in (outcome.simulation, plain))
    if fast != slow:
        same = next((n for n, (one, two) in enumerate(zip(fast, slow, strict=False)) if one != two), None)
        place = min(len(fast), len(slow)) if same is None else same
        raise ParityError(f"The back-test in machine code and in Python differ from fill {place} on: report this.")
    return Run(
        fills=fast,
        wanted=as_placed(telling.wanted, fast, refusals_of(plain)),
        opinions=[
            Opinion(each.timestamp, each.direction.value, each.entry, each.stop_loss, each.take_profit)
            for each in plain.signals
        ],
        amount=Decimal(repr(plain.amount)),
        state=strategy.dump(plain.state),
    )


def fills_of(run: Simulation[Any], market: MarketSpec) -> list[Traded]:
    return [
        Traded(
            timestamp=int(fill.timestamp),
            slot=run.slots[int(fill.slot)],
            sequence=int(fill.sequence),
            side=Side.BUY if fill.side > 0 else Side.SELL,
            price=market.quantise_price(float(fill.price)),
            amount=market.quantise_amount(float(fill.amount)),
            fee=Decimal(repr(float(fill.fee))),
            fee_coin=market.base if fill.fee_in_base else market.quote,
            fee_quote=Decimal(repr(float(fill.fee * fill.price if fill.fee_in_base else fill.fee))),
            is_maker=bool(fill.is_maker),
        )
        for fill in run.fills
    ]


def refusals_of(run: Simulation[Any]) -> dict[Key, int]:
    """Why each wish was first refused, as ``backtests.loop.records`` numbers it."""
    return {(run.slots[int(each.slot)], int(each.sequence)): int(each.why) for each in run.refused}


def as_placed(wanted: Mapping[Key, Wanted], fills: Sequence[Traded], refused: Mapping[Key, int]) -> dict[Key, Wanted]:
    """The wishes as a bot's orders tell them.

    A market order is one from when it is sent, and fills then: a point after it was first wanted where a stop had to be
    withdrawn before. What no market takes is never sent and stands in no book.
    """
    placed = dict(wanted)
    for fill in reversed(fills):
        order = placed.get(fill.key)
        if order is not None and order.type is OrderType.MARKET and fill.key not in refused:
            placed[fill.key] = replace(order, since=fill.timestamp)
    for key, why in refused.items():
        if key in placed and why in _NEVER_SENT:
            placed[key] = replace(placed[key], refused=_NEVER_SENT[why])
    return placed


class Telling:
    """A strategy that keeps what each wish was first and last; to be run as Python."""

    name: ClassVar[str] = "telling"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Telling"
    description: ClassVar[str] = "Keeps every order that another strategy wanted."

    def __init__(self, strategy: Strategy[Any, Any]) -> None:
        self.strategy = strategy
        self.Config: type[Any] = strategy.Config
        self.initial_state, self.dump, self.load = strategy.initial_state, strategy.dump, strategy.load
        self.preflight, self.levels = strategy.preflight, strategy.levels
        self.wanted: dict[Key, Wanted] = {}
        self._last: Sequence[Any] = ()

    def step(
        self,
        config: Any,
        market: MarketSpec,
        state: Any,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[Any]:
        decision: Decision[Any] = self.strategy.step(config, market, state, point, position, fills)
        if decision.wanted is not self._last:
            self._last = decision.wanted
            for order in decision.wanted:
                known = self.wanted.get((order.slot, order.sequence))
                self.wanted[order.slot, order.sequence] = Wanted(
                    since=point.timestamp if known is None else known.since,
                    slot=order.slot,
                    sequence=order.sequence,
                    side=order.side,
                    type=order.type,
                    amount=market.quantise_amount(order.amount),
                    price=None if order.price is None else market.quantise_price(order.price),
                    trigger_price=None if order.trigger_price is None else market.quantise_price(order.trigger_price),
                )
        return decision
