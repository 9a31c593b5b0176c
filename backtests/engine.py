"""A back-test of one strategy on one market: candles to points, points to fills, fills to the strategy's next step.

The timing is that of a live bot that ticks at every point. On the way from point *k-1* to point *k* standing orders are
filled; at point *k* the strategy steps once, seeing these fills and those of the market orders it sent at *k-1*; what
it wants then is cancelled and placed. A market order fills at once at the point's price (its fill is seen at *k+1*), a
limit order that crosses does too or is refused when post-only, and everything else can fill from the next segment on.

A strategy that looks at closed candles sees at point *k* the newest row of its features whose candle had closed by that
point's time (``strategies/feature_rows.py``): of candle *i*, all four points see row *i − 1*.

Everything is ``Decimal`` and uncompiled: this loop is the measure that the fast one (``backtests/loop``) is held
against. With latency a decision reaches the exchange at the first point at or after its time plus the latency, before
that point's tick. Not modelled here: funding, liquidation, fills in parts by volume.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence, Set
from decimal import Decimal
from typing import Generic, TypeVar

from backtests.exact_means import Means, is_passed, plain
from backtests.exact_records import ZERO, Book, Denials, Execution, Options, Refused, Result, Standing
from backtests.points import POINTS_PER_CANDLE, PricePoint
from exchange.matching import RestingOrders, crosses, slipped
from strategies.contract import (
    FillSeen,
    MarketKind,
    MarketSpec,
    OrderType,
    Point,
    Side,
    Strategy,
    StrategyConfig,
    UsesFeatures,
    WantedOrder,
)
from strategies.feature_rows import NO_FEATURES, FeatureRow, FeatureTable

S = TypeVar("S")
C = TypeVar("C", bound=StrategyConfig)
Wish = tuple[str, int]


def run(
    strategy: Strategy[C, S],
    config: C,
    market: MarketSpec,
    points: Iterable[PricePoint],
    *,
    quote: Decimal,
    options: Options | None = None,
    features: FeatureTable | None = None,
) -> Result[S]:
    """Runs until the points end or the strategy has finished. ``quote`` is the money at the start.

    ``features`` are those of the whole history (``backtests.features``); raises ``ValueError`` when a strategy that
    uses some is given none.
    """
    if features is None and isinstance(strategy, UsesFeatures) and strategy.timeframes(config):
        raise ValueError(f"strategy {strategy.name} looks at closed candles: give the features of the history")
    return _Run(strategy, config, market, quote, options or Options(), features).through(points)


class _Run(Generic[C, S]):
    def __init__(
        self,
        strategy: Strategy[C, S],
        config: C,
        market: MarketSpec,
        quote: Decimal,
        options: Options,
        features: FeatureTable | None,
    ) -> None:
        self.strategy, self.config, self.market, self.options = strategy, config, market, options
        self.margin = market.tick if options.through else ZERO
        self.half_spread = options.spread / 2
        self.features, self.row, self.row_number = features, NO_FEATURES, -2
        self.result: Result[S] = Result(strategy.initial_state(config, market), quote=quote)
        self.book = Book()
        self.resting: RestingOrders[Wish] = RestingOrders()
        self.standing: dict[Wish, Standing] = {}
        self.done: set[Wish] = set()
        self.parts: dict[Wish, tuple[Decimal, Decimal]] = {}  # what was filled of a wish, and its worth
        self.seen: list[FillSeen] = []
        self.wanted: tuple[WantedOrder, ...] = ()
        self.sent: deque[tuple[int, tuple[WantedOrder, ...]]] = deque()
        self.refusals: set[Wish] = set()
        self.denials: dict[Wish, Denials] = {}
        self.pending_refusal = False
        self.means = Means(market, self.options.leverage, self.result, self.book, self.standing)
        self.arrival = 0

    def through(self, points: Iterable[PricePoint]) -> Result[S]:
        result = self.result
        start: Decimal | None = None
        for index, (timestamp, price) in enumerate(points):
            result.points = index + 1
            if start is not None:
                self._move(index, timestamp, start, price)
            start = price
            self._deliver(index, timestamp, price)
            self._tick(index, timestamp, price)
            over = result.finish is not None and not self.standing and not self.sent
            if over or index % POINTS_PER_CANDLE == POINTS_PER_CANDLE - 1:
                result.equity.append((timestamp, result.quote + result.base * price))
            if over:
                break
        return result

    def _move(self, index: int, timestamp: int, start: Decimal, end: Decimal) -> None:
        if not len(self.resting):
            return
        for met in self.resting.take(start, end, self.margin):
            order = self.standing.get(met.order_id)
            if order is None:
                continue  # an earlier fill of this segment ended the position that it was to reduce
            if not met.triggered:
                limit = met.price if order.price is None else order.price
                self._fill(index, timestamp, order, limit, is_maker=True)
                continue
            price = self._taker_price(order.wanted, met.price)
            if self.means.affords(order, price, met.price):
                self._fill(index, timestamp, order, price, is_maker=False)
            else:
                self._cancel(met.order_id)
                self._note_denial(met.order_id, timestamp)

    def _taker_price(self, want: WantedOrder, price: Decimal) -> Decimal:
        """Half the spread away, slipped unless it is a limit order, and rounded against the taker."""
        is_buy, is_limit = want.side is Side.BUY, want.type is OrderType.LIMIT
        moved = self.half_spread + (ZERO if is_limit else self.options.slippage)
        if not moved:
            return price
        taken = self.market.against_taker(slipped(is_buy, price, moved), is_buy=is_buy)
        if want.price is None or not is_limit:
            return taken
        limit = self.market.quantise_price(want.price)
        return min(taken, limit) if is_buy else max(taken, limit)

    def _tick(self, index: int, timestamp: int, price: Decimal) -> None:
        result = self.result
        fills, self.seen = self.seen, []
        row = self._newest_row(timestamp)
        point = Point(timestamp, float(price), row.values, row.candle_close)
        decision = self.strategy.step(self.config, self.market, result.state, point, self.book.view(price), fills)
        result.state = decision.state
        result.notes.extend((timestamp, note) for note in decision.notes)
        if decision.finish is not None:
            result.finish = decision.finish
        if decision.wanted is self.wanted and not fills and not self.pending_refusal:
            return
        self.wanted = decision.wanted
        if not self.options.latency:
            self._reconcile(self.wanted, index, timestamp, price)
            return
        self.sent.append((timestamp + self.options.latency, self.wanted))
        self.pending_refusal = False

    def _deliver(self, index: int, timestamp: int, price: Decimal) -> None:
        while self.sent and self.sent[0][0] <= timestamp:
            self._reconcile(self.sent.popleft()[1], index, timestamp, price)

    def _newest_row(self, timestamp: int) -> FeatureRow:
        if self.features is not None:
            number = self.features.row_at(timestamp)
            if number != self.row_number:
                self.row, self.row_number = self.features.row(number), number
        return self.row

    def _reconcile(self, orders: Sequence[WantedOrder], index: int, timestamp: int, price: Decimal) -> None:
        wanted = {(order.slot, order.sequence): order for order in orders}
        leaving = {
            order.wanted.side for wish, order in self.standing.items() if order.wanted.protective and wish not in wanted
        }
        for wish, order in list(self.standing.items()):
            want = wanted.get(wish)
            if want is None or self._terms(want) != (order.wished, order.price, order.trigger):
                self._cancel(wish)
        self.pending_refusal = False
        for wish, want in wanted.items():
            if wish not in self.standing and wish not in self.done:
                self._place(index, timestamp, price, want, leaving)

    def _terms(self, want: WantedOrder) -> tuple[Decimal, Decimal | None, Decimal | None]:
        return (
            self.market.quantise_amount(want.amount),
            None if want.price is None else self.market.quantise_price(want.price),
            None if want.trigger_price is None else self.market.quantise_price(want.trigger_price),
        )

    def _note_denial(self, wish: Wish, timestamp: int) -> None:
        known = self.denials.get(wish)
        self.denials[wish] = Denials(1 if known is None else known.count + 1, timestamp)
        self.pending_refusal = True

    def _place(self, index: int, timestamp: int, price: Decimal, want: WantedOrder, leaving: Set[Side]) -> None:
        """``leaving`` are the sides of protective stops that are being withdrawn at this point."""
        wish = (want.slot, want.sequence)
        denials = self.denials.get(wish)
        if denials is not None and denials.keep_back(timestamp, protective=want.protective):
            self.pending_refusal = True
            return
        order = Standing(want, *self._terms(want))
        part, _ = self.parts.get(wish, (ZERO, ZERO))
        order.amount = max(ZERO, order.wished - part)
        is_buy = want.side is Side.BUY
        taken_at = self._taker_price(want, price)
        if want.protective and order.trigger is not None and is_passed(is_buy, order.trigger, price):
            order.trigger = None  # what a bot's watchdog does: it closes at market
        at_market = want.type is not OrderType.LIMIT and order.trigger is None
        if at_market and want.side in leaving:
            self.pending_refusal = True  # that stop may be filling: a bot waits for the proof that it is not
            return
        at_once = at_market or (
            order.price is not None and crosses(is_buy, order.price, slipped(is_buy, price, self.half_spread))
        )
        if part and self.means.too_little(order, taken_at):
            self._give_up_rest(timestamp, want)
            return
        why = self.means.misfit(order, taken_at)  # what a bot does not even send
        if not why:
            why = self._refusal(order, taken_at, at_once, price)
            if why:
                self._note_denial(wish, timestamp)
        if why:
            self.pending_refusal = True
            if wish not in self.refusals:
                self.refusals.add(wish)
                self.result.refused.append(Refused(index, want.slot, want.sequence, why))
            return
        self.denials.pop(wish, None)
        self.standing[wish] = order
        self.means.lock(order, 1)
        self.arrival += 1
        if at_once:
            self._fill(index, timestamp, order, taken_at, is_maker=False)
        elif order.trigger is not None:
            self.resting.add_trigger(wish, rising=is_buy, price=order.trigger, arrival=self.arrival)
        elif order.price is not None:
            met_at = order.price
            if self.half_spread:
                met_at /= 1 + self.half_spread if is_buy else 1 - self.half_spread
            self.resting.add_limit(wish, is_buy=is_buy, price=met_at, arrival=self.arrival)

    def _give_up_rest(self, timestamp: int, want: WantedOrder) -> None:
        """What is left of a wish that was filled in part is too little for the market: it is done, as a bot tells it."""
        wish = (want.slot, want.sequence)
        amount, worth = self.parts[wish]
        self.done.add(wish)
        self.seen.append(FillSeen(*wish, want.side, float(worth / amount), 0.0, 0.0, timestamp, True))

    def _refusal(self, order: Standing, taken_at: Decimal, at_once: bool, price: Decimal) -> str:
        if order.wanted.post_only and at_once:
            return "post-only, and it would fill at once"
        worth = order.amount * (order.price or order.trigger or taken_at)
        is_buy = order.wanted.side is Side.BUY
        if order.trigger is not None:
            passed = is_passed(is_buy, order.trigger, price)
            return f"the trigger {plain(order.trigger)} is passed at {plain(price)}" if passed else ""
        if self.means.reduces(order) and (not self.book.amount or (self.book.amount > 0) == is_buy):
            return "there is no position that it could reduce"
        return (
            "" if self.means.affords(order, order.price or taken_at, price) else self.means.what_is_free(order, worth)
        )

    def _cancel(self, wish: Wish) -> None:
        order = self.standing.pop(wish)
        self.resting.remove(wish)
        self.means.lock(order, -1)

    def _fill(self, index: int, timestamp: int, order: Standing, price: Decimal, *, is_maker: bool) -> None:
        """A reduce-only order is filled for no more than the position; what is left of it is cancelled."""
        want, market, result = order.wanted, self.market, self.result
        wish = (want.slot, want.sequence)
        self._cancel(wish)
        is_buy, held, amount = want.side is Side.BUY, self.book.amount, order.amount
        if self.means.reduces(order):
            amount = min(amount, max(ZERO, -held if is_buy else held))
        if not amount:
            self._note_denial(wish, timestamp)
            return
        done = amount == order.amount
        if done:
            self.done.add(wish)
        else:
            filled, worth = self.parts.get(wish, (ZERO, ZERO))
            self.parts[wish] = (filled + amount, worth + amount * price)
        rate = market.maker_fee if is_maker else market.taker_fee
        in_base = is_buy and market.buy_fee_in_base
        fee = amount * rate if in_base else amount * price * rate
        signed = amount if is_buy else -amount
        change = signed - fee if in_base else signed
        result.base += change
        result.quote -= signed * price if in_base else signed * price + fee
        self.book.apply(change, signed * price, ZERO if in_base else fee)
        result.fills.append(
            Execution(
                index,
                timestamp,
                want.slot,
                want.sequence,
                want.side,
                price,
                amount,
                fee,
                in_base,
                is_maker,
                want.trade,
            )
        )
        self.seen.append(
            FillSeen(
                want.slot,
                want.sequence,
                want.side,
                float(price),
                float(amount),
                float(fee) if in_base else 0.0,
                timestamp,
                done,
            )
        )
        is_closed = not self.book.amount or (held > 0) != (self.book.amount > 0)
        if held and is_closed and market.kind is MarketKind.LINEAR:
            self._drop_reduce_only()

    def _drop_reduce_only(self) -> None:
        """What was to reduce a position that is gone, or has turned, is cancelled with it; stops stay."""
        held = self.book.amount
        for wish, order in list(self.standing.items()):
            is_buy = order.wanted.side is Side.BUY
            if self.means.reduces(order) and order.trigger is None and (not held or (held > 0) == is_buy):
                self._cancel(wish)
