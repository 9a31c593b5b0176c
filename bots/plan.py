"""From what is wanted and what stands to what must be done. Pure: no database, no exchange, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bots.lifecycle import OrderStatus
from strategies.contract import MarketSpec, OrderType, Reason, Side, WantedOrder
from strategies.retrying import wait_ms

Wish = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be changed of a standing order. ``amount`` is the whole order's, what is filled of it included."""

    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One order of a wish, as the database has it."""

    order_id: int
    slot: str
    sequence: int
    attempt: int
    status: OrderStatus
    settled: bool
    refused: bool
    cancel_requested: bool
    amount: Decimal
    filled: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    closed_at: datetime | None
    side: Side = Side.BUY
    type: OrderType = OrderType.LIMIT
    post_only: bool = False
    reduce_only: bool = False
    protective: bool = False
    amend: Terms | None = None  # what it is being changed to
    amend_refused: bool = False
    missing: bool = False  # the exchange does not list it just now
    rest_dropped: bool = False
    triggered_at: datetime | None = None

    @property
    def wish(self) -> Wish:
        return self.slot, self.sequence

    @property
    def terms(self) -> Terms:
        """What it is, or is on its way to become."""
        return self.amend or Terms(self.amount, self.price, self.trigger_price)

    def is_the_same_order_as(self, wanted: WantedOrder) -> bool:
        """But for its terms."""
        return (self.side, self.type, self.post_only, self.reduce_only) == (
            wanted.side, wanted.type, wanted.post_only, wanted.reduce_only,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One limit that an order was held against, for its page: what was looked at, its value and the limit."""

    name: str
    value: str
    limit: str
    passed: bool
    sentence: str = ""

    def as_json(self) -> dict[str, str | bool]:
        told: dict[str, str | bool] = {
            "check": self.name, "value": self.value, "limit": self.limit, "passed": self.passed,
        }  # fmt: skip
        return told | ({"sentence": self.sentence} if self.sentence else {})


@dataclass(frozen=True, slots=True)
class Placement:
    wanted: WantedOrder
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    attempt: int
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Amendment:
    """A standing order that becomes another one in place."""

    order_id: int
    wanted: WantedOrder
    terms: Terms


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wish that cannot be an order on this market."""

    wanted: WantedOrder
    amount: Decimal
    reason: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    place: tuple[Placement, ...]
    cancel: tuple[tuple[int, Reason], ...]
    refuse: tuple[Refusal, ...]
    amend: tuple[Amendment, ...] = ()
    # Last attempts of wishes of which what is left is too little for the market.
    drop_rest: tuple[int, ...] = ()


# The order types that this market's exchange changes in place.
Amendable = frozenset[OrderType]
NONE_AMENDABLE: Amendable = frozenset()

NOT_WANTED = Reason("plan.not_wanted")
REPLACED = Reason("plan.replaced")


def wishes_without_order(wanted: Sequence[WantedOrder], live: Sequence[Standing]) -> list[Wish]:
    """Those whose earlier attempts have to be looked up before anything is placed."""
    standing = {order.wish for order in live}
    return [(order.slot, order.sequence) for order in wanted if (order.slot, order.sequence) not in standing]


def make_plan(
    wanted: Sequence[WantedOrder],
    live: Sequence[Standing],
    earlier: Mapping[Wish, Sequence[Standing]],
    market: MarketSpec,
    price: Decimal,
    now: datetime,
    amendable: Amendable = NONE_AMENDABLE,
) -> Plan:
    """``live`` is every order that stands or may stand; ``earlier`` the finished attempts of the wanted wishes.

    A wish whose order differs in price or amount has it changed in place where the exchange can, else it is cancelled
    now and placed anew when the cancel is certain: two orders never stand for one wish.
    """
    place: list[Placement] = []
    cancel: list[tuple[int, Reason]] = []
    refuse: list[Refusal] = []
    amend: list[Amendment] = []
    drop_rest: list[int] = []
    by_wish = {order.wish: order for order in live}
    wishes = {(order.slot, order.sequence) for order in wanted}
    leaving_stops: set[Side] = set()
    for standing_order in live:
        if standing_order.wish not in wishes:
            if standing_order.protective:
                leaving_stops.add(standing_order.side)
            if not standing_order.cancel_requested:
                cancel.append((standing_order.order_id, NOT_WANTED))
    for order in wanted:
        wish = (order.slot, order.sequence)
        attempts = earlier.get(wish, ())
        amount = market.quantise_amount(order.amount)
        limit = market.quantise_price(order.price) if order.price is not None else None
        trigger = market.quantise_price(order.trigger_price) if order.trigger_price is not None else None
        filled = sum((attempt.filled for attempt in attempts), Decimal(0))
        left = amount - filled
        standing = by_wish.get(wish)
        complaint = _impossible(market, left, limit or trigger or price, order)
        if standing is not None:
            terms = Terms(left, limit, trigger)
            if standing.cancel_requested or (standing.terms == terms and standing.is_the_same_order_as(order)):
                continue
            if not complaint and _can_amend(standing, order, terms, amendable):
                amend.append(Amendment(standing.order_id, order, terms))
            else:
                cancel.append((standing.order_id, REPLACED))
            continue
        if any(not attempt.settled for attempt in attempts) or _must_wait(attempts, order, now):
            continue
        if attempts and (
            left < market.step
            or (filled and too_little(market, left, limit or trigger or price, reduce_only=order.reduce_only))
        ):
            last = max(attempts, key=lambda item: item.attempt)
            told = any(attempt.rest_dropped or attempt.status is OrderStatus.FILLED for attempt in attempts)
            if filled and not told:
                drop_rest.append(last.order_id)
            continue
        if complaint:
            refuse.append(Refusal(order, left, complaint))
            continue
        if order.side in leaving_stops and order.type is OrderType.MARKET:
            # The stop that is being withdrawn may be filling: both would close the position twice.
            continue
        place.append(Placement(order, order.side, order.type, left, limit, trigger, len(attempts)))
    return Plan(tuple(place), tuple(cancel), tuple(refuse), tuple(amend), tuple(drop_rest))


def _can_amend(standing: Standing, wanted: WantedOrder, terms: Terms, amendable: Amendable) -> bool:
    return (
        wanted.type in amendable
        and standing.is_the_same_order_as(wanted)
        and standing.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
        and not standing.amend_refused
        and not standing.missing
        and terms.amount > standing.filled
    )


def _must_wait(attempts: Sequence[Standing], wanted: WantedOrder, now: datetime) -> bool:
    refusals = 0
    last: datetime | None = None
    for attempt in sorted(attempts, key=lambda item: item.attempt, reverse=True):
        if not attempt.refused:
            break
        refusals += 1
        last = last or attempt.closed_at
    if last is None:
        return False
    return now - last < timedelta(milliseconds=wait_ms.plain(refusals, wanted.protective))


def too_little(market: MarketSpec, amount: Decimal, price: Decimal, *, reduce_only: bool) -> str:
    """Why the market takes no order as small as this, or an empty string."""
    if amount < market.min_amount or amount <= 0:
        return f"amount {amount} is below the market's minimum of {market.min_amount} {market.base}"
    notional = amount * price
    if market.min_notional is not None and notional < market.min_notional and not reduce_only:
        return f"its value of {notional:f} {market.quote} is below the market's minimum of {market.min_notional}"
    return ""


def _impossible(market: MarketSpec, amount: Decimal, price: Decimal, wanted: WantedOrder) -> str:
    """What the exchange would refuse, said before it is sent."""
    if market.max_amount is not None and amount > market.max_amount:
        return f"amount {amount} is above the market's maximum of {market.max_amount} {market.base}"
    return too_little(market, amount, price, reduce_only=wanted.reduce_only)
