"""The least that a strategy of one's own has to write: parameters, a state, a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, ClassVar, Generic

from strategies.contract import (
    C,
    Decision,
    FillSeen,
    Level,
    MarketSpec,
    Point,
    PositionView,
    Problem,
    S,
)


class PlainStrategy(Generic[C, S]):
    """Fulfils :class:`~strategies.contract.Strategy` but for ``step``.

    ``State`` is a dataclass of numbers, texts, lists and dictionaries with a default for each field. Without checks of
    its own before the start, an order that the market refuses is told in the journal when it is wanted.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    regimes: ClassVar[tuple[str, ...]] = ()
    # True says: without fills, ``step`` would change nothing until the next feature row. A back-test then asks once a row.
    rests_between_candles: ClassVar[bool] = False
    Config: type[C]
    State: type[S]

    def step(
        self,
        config: C,
        market: MarketSpec,
        state: S,
        point: Point,
        position: PositionView,
        fills: Sequence[FillSeen],
    ) -> Decision[S]:
        raise NotImplementedError(f"{type(self).__name__} has no method step")

    def initial_state(self, config: C, market: MarketSpec) -> S:
        return self.State()

    def dump(self, state: S) -> dict[str, Any]:
        return asdict(state)  # type: ignore[call-overload, no-any-return]

    def load(self, data: Mapping[str, Any]) -> S:
        return self.State(**data)

    def preflight(
        self, config: C, market: MarketSpec, price: Decimal, quote_available: Decimal, base_available: Decimal
    ) -> list[Problem]:
        return []

    def levels(self, config: C, market: MarketSpec, price: Decimal) -> list[Level]:
        return []
