"""The back-test's side: the compiled run, and the same run as Python that tells every order it wanted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from backtests.preset import Preset, engine_options
from backtests.simulation import Simulation, simulate
from exchange.candles.files import Candles
from strategies.contract import (
    Decision,
    FillSeen,
    MarketSpec,
    Point,
    PositionView,
    Side,
    Strategy,
)
from strategies.feature_rows import FeatureTable
from strategies.registry import get_strategy
from traderagent.parity.errors import ParityError
from traderagent.parity.records import Key, Opinion, Run, Traded, Wanted

# Floats come as near to the exact fee as this; a fee is no number that anything is decided on.
FEE_DIGITS = Decimal("1e-9")


def back_tested(preset: Preset, market: MarketSpec, candles: Candles, features: FeatureTable | None) -> Run:
    """Raises :class:`ParityError` when machine code and Python do not trade the same, which is a fault of the engine."""
    strategy, config = get_strategy(preset.strategy), preset.strategy_config
    telling = Telling(strategy, market)
    quote = float(preset.initial_balance)
    options = engine_options(preset)
    runs = [
        simulate(
            each,
            config,
            market,
            candles,
            preset.timeframe,
            quote=quote,
            options=options,
            features=features,
            compiled=fast,
        )
        for each, fast in ((strategy, True), (telling, False))
    ]
    fast, plain = (fills_of(run, market) for run in runs)
    if fast != plain:
        place = next(
            (n for n, (one, two) in enumerate(zip(fast, plain, strict=False)) if one != two), min(len(fast), len(plain))
        )
        raise ParityError(f"The back-test in machine code and in Python differ from fill {place} on: report this.")
    last = runs[1]
    return Run(
        fills=fast,
        wanted=telling.wanted,
        opinions=[
            Opinion(each.timestamp, each.direction.value, each.entry, each.stop_loss, each.take_profit)
            for each in last.signals
        ],
        amount=Decimal(repr(last.amount)),
        state=strategy.dump(last.state),
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
            is_maker=bool(fill.is_maker),
        )
        for fill in run.fills
    ]


class Telling:
    """A strategy that keeps what each wish was first and last; to be run as Python."""

    def __init__(self, strategy: Strategy[Any, Any], market: MarketSpec) -> None:
        self.strategy, self._market = strategy, market
        self.name, self.version = strategy.name, strategy.version
        self.title, self.description = strategy.title, strategy.description
        self.Config = strategy.Config
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
