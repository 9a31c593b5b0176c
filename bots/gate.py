"""The gate that every order passes before it becomes an intent: an ordered list of checks, each a pure function.

A check answers with what it looked at, or ``None`` where it does not apply. The first one that fails keeps the order
from being placed; all answers stand in the journal with the order, or with its refusal. Whatever else is to be looked
at before an order (risk limits above all) is one more function in ``CHECKS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from bots.lifecycle import BotStatus
from bots.models import Bot, Order
from bots.plan import Check, Placement, Plan, Refusal
from strategies.contract import MarketSpec, OrderType, Side


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the same for all orders of one plan."""

    bot: Bot
    market: MarketSpec
    price: Decimal
    now: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order that is about to become an intent. ``recent`` orders of the bot went before it within a minute.

    ``winding_down`` bots place nothing but what closes their position.
    """

    placement: Placement
    market: MarketSpec
    price: Decimal
    recent: int
    orders_per_minute: int
    price_deviation_percent: Decimal
    winding_down: bool = False

    @property
    def guards(self) -> bool:
        """Whether it makes the position smaller, and nothing else: no limit on new risk may stand in its way."""
        return self.placement.wanted.reduce_only or self.placement.wanted.protective or self.winding_down


CheckRule = Callable[[Proposal], Check | None]


def minimum_amount(proposal: Proposal) -> Check:
    amount, least = proposal.placement.amount, proposal.market.min_amount
    return Check("minimum amount", f"{amount:f}", f"{least:f}", amount >= least)


def minimum_value(proposal: Proposal) -> Check | None:
    placement, least = proposal.placement, proposal.market.min_notional
    if least is None:
        return None
    value = placement.amount * (placement.price or placement.trigger_price or proposal.price)
    return Check("minimum value", f"{value:f}", f"{least:f}", value >= least or placement.wanted.reduce_only)


def price_sanity(proposal: Proposal) -> Check | None:
    """A limit order that would trade at once far from the last price is a mistake; one that rests far away is not."""
    placement, last = proposal.placement, proposal.price
    if placement.type is not OrderType.LIMIT or placement.price is None or proposal.guards:
        return None
    beyond = placement.price - last if placement.side is Side.BUY else last - placement.price
    percent = max(beyond / last * 100, Decimal(0))
    limit = proposal.price_deviation_percent
    where = "above" if placement.side is Side.BUY else "below"
    return Check(
        "price deviation",
        f"{percent:.2f} %",
        f"{limit:f} %",
        percent <= limit,
        f"a {placement.side} at {placement.price.normalize():f} is {percent:.1f} % {where} the last price of "
        f"{last.normalize():f}; at most {limit.normalize():f} % are allowed",
    )


def order_rate(proposal: Proposal) -> Check | None:
    if proposal.guards:
        return None
    limit = proposal.orders_per_minute
    return Check(
        "orders per minute",
        str(proposal.recent + 1),
        str(limit),
        proposal.recent < limit,
        f"the bot has placed {proposal.recent} orders within a minute; at most {limit} are allowed",
    )


CHECKS: tuple[CheckRule, ...] = (minimum_amount, minimum_value, price_sanity, order_rate)


def examine(proposal: Proposal) -> tuple[Check, ...]:
    """The answers of all checks up to the first that fails."""
    answers: list[Check] = []
    for rule in CHECKS:
        answer = rule(proposal)
        if answer is None:
            continue
        answers.append(answer)
        if not answer.passed:
            break
    return tuple(answers)


def examine_all(plan: Plan, situation: Situation) -> Plan:
    """The plan with the answers at its placements; what did not pass is refused."""
    if not plan.place:
        return plan
    bot = situation.bot
    recent = Order.objects.filter(bot=bot, created_at__gt=situation.now - timedelta(minutes=1)).count()
    place: list[Placement] = []
    refuse = list(plan.refuse)
    for placement in plan.place:
        checks = examine(
            Proposal(
                placement,
                situation.market,
                situation.price,
                recent + len(place),
                settings.BOT_ORDERS_PER_MINUTE,
                settings.ORDER_PRICE_DEVIATION_PERCENT,
                winding_down=bot.status in (BotStatus.STOPPING, BotStatus.EMERGENCY),
            )
        )
        failed = next((check for check in checks if not check.passed), None)
        if failed is None:
            place.append(replace(placement, checks=checks))
        else:
            why = failed.sentence or f"its {failed.name} is {failed.value}, the limit {failed.limit}"
            refuse.append(Refusal(placement.wanted, placement.amount, why, checks))
    return replace(plan, place=tuple(place), refuse=tuple(refuse))
