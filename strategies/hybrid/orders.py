"""The orders of all families as those of one bot: named apart, cut to what may still be opened, closed where they leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from strategies.contract import MarketKind, MarketSpec, OrderType, Reason, Side, WantedOrder
from strategies.hybrid.purse import Purse, closable
from strategies.hybrid.state import CLOSING, RUN_OFF, Standing

# Beside the families' own slots, which hold no such word.
CLOSE_SLOT: Final = "hybrid:close"
GUARD_SLOT: Final = "hybrid:guard"
REST: Final = "rest"
_TAKERS: Final = (OrderType.MARKET, OrderType.STOP)


@dataclass(frozen=True, slots=True)
class Part:
    """What one generation wants, in its own names; ``stop`` guards what runs off, 0 for none."""

    key: str
    mode: str
    purse: Purse
    stop: float
    wanted: tuple[WantedOrder, ...]

    def is_as(self, other: Part) -> bool:
        """Whether the same orders follow from it, told without looking at each of them."""
        same = self.purse is other.purse and self.wanted is other.wanted
        return same and (self.key, self.mode, self.stop) == (other.key, other.mode, other.stop)


def wish_of(slot: str, sequence: int) -> str:
    return f"{slot}#{sequence}"


def reduces(purse: Purse, order: WantedOrder) -> bool:
    """Whether the order makes what is held less."""
    return purse.amount > 0.0 if order.side is Side.SELL else purse.amount < 0.0


def orders_of(part: Part, market: MarketSpec, price: float) -> Iterator[tuple[WantedOrder, bool]]:
    """In the bot's names, each with whether it opens."""
    if part.mode == CLOSING:
        if part.purse.closing:
            yield _close(part, market), False
        return
    protected = part.mode == RUN_OFF and part.stop > 0.0 and market.kind is MarketKind.LINEAR
    stops = [part.stop]
    for order in part.wanted:
        closes = reduces(part.purse, order)
        if part.mode == RUN_OFF and not closes:
            continue
        if protected and order.protective:
            stops.append(order.trigger_price or 0.0)
            continue
        trade = f"{part.key}/{order.trade.rpartition('/')[2]}" if order.trade else ""
        yield replace(order, slot=f"{part.key}/{order.slot}", trade=trade), order.side is Side.BUY and not closes
    if protected:
        amount = float(closable(max(0.0, part.purse.amount), market, price))
        if amount:
            yield _guard(part, amount, max(stops)), False


def admitted(
    orders: Sequence[tuple[WantedOrder, bool]],
    standing: Mapping[str, Standing],
    room: float,
    price: float,
) -> tuple[tuple[WantedOrder, ...], dict[str, Standing], float]:
    """Those that may stand, what is known of each, and what the ones that were left out are worth (quote).

    An opening order that stands already stays; the others come in while ``room`` (quote, what may still be bought) is left.
    """
    for order, opens in orders:
        known = standing.get(wish_of(order.slot, order.sequence))
        if opens and known is not None:
            room -= _worth(order, known.filled, price)
    kept: list[WantedOrder] = []
    following: dict[str, Standing] = {}
    left_out = 0.0
    for order, opens in orders:
        wish = wish_of(order.slot, order.sequence)
        known = standing.get(wish)
        if known is None:
            known = Standing(0.0, order.type in _TAKERS)
            worth = _worth(order, 0.0, price)
            if opens and worth > room * (1.0 + 1e-9):
                left_out += worth
                continue
            room -= worth if opens else 0.0
        kept.append(order)
        following[wish] = known
    return tuple(kept), following, left_out


def _worth(order: WantedOrder, filled: float, price: float) -> float:
    return (order.amount - filled) * (order.price or order.trigger_price or price)


def _close(part: Part, market: MarketSpec) -> WantedOrder:
    amount = part.purse.closing
    code = "hybrid.tidy" if part.key == REST else "hybrid.close"
    return WantedOrder(
        f"{part.key}/{CLOSE_SLOT}",
        part.purse.closings,
        Side.BUY if amount > 0.0 else Side.SELL,
        OrderType.MARKET,
        abs(amount),
        Reason(code, {"amount": abs(amount), "family": part.key}),
        # What is bought back is no smaller position of the bot's: the other families hold theirs.
        reduce_only=market.kind is MarketKind.LINEAR and amount < 0.0,
        trade=f"{part.key}/close",
    )


def _guard(part: Part, amount: float, stop: float) -> WantedOrder:
    return WantedOrder(
        f"{part.key}/{GUARD_SLOT}",
        1,
        Side.SELL,
        OrderType.STOP,
        amount,
        Reason("hybrid.guard", {"amount": amount, "price": stop, "family": part.key}),
        trigger_price=stop,
        reduce_only=True,
        trade=f"{part.key}/close",
        protective=True,
    )
