"""The words for what the compiled step tells in numbers: reasons, signals, and why an order stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from strategies.contract import Direction, MarketSpec, Reason, Signal
from strategies.kernel import OrderRow
from strategies.lattice import rules_of
from strategies.smc import codes
from strategies.smc.book import closable
from strategies.smc.config import SmcConfig
from strategies.smc.patterns import WORDS
from strategies.smc.slots import CLOSE, ENTRY, NAMES, STOP, TIDY, TIDY_NAME
from strategies.smc.state import MOST_POSITIONS, SmcState

Numbers = dict[str, float | int | str]

# By the kind of the slot.
_ORDERS: Final = ("smc.entry", "smc.stop", "smc.partial", "smc.target", "smc.close")

# A filter that dropped a setup: the reason, the name of the number that it looked at, and the limit's field.
_FILTERS: Final[Mapping[int, tuple[str, str, str]]] = {
    codes.WEAK_ZONE: ("smc.weak_zone", "score", "smallest_score"),
    codes.TOO_FAR: ("smc.too_far", "distance", "largest_distance"),
    codes.THIN_VOLUME: ("smc.thin_volume", "ratio", "volume_factor"),
    codes.STOP_PASSED: ("smc.stop_passed", "stop", ""),
    codes.SMALL_REWARD: ("smc.small_reward", "stop", "minimum_reward"),
    codes.UNSURE: ("smc.unsure", "confidence", "minimum_confidence"),
}


def told(config: SmcConfig, code: int, numbers: Sequence[float]) -> Reason | Signal:
    if code in (codes.SIGNAL, codes.SIGNAL_WITH_TREND):
        return _signal(numbers, with_trend=code == codes.SIGNAL_WITH_TREND)
    if code in _FILTERS:
        return _dropped(config, code, numbers)
    first, second, third = numbers[:3]
    if code == codes.CLOSED:
        return Reason("smc.closed", {"number": int(first), "profit": second, "entry": third})
    if code == codes.TRAILED:
        return Reason("smc.trailed", {"number": int(first), "stop": second, "best": third})
    if code == codes.WITHDRAWN:
        return Reason("smc.withdrawn", {"number": int(first), "pattern": WORDS[int(second)]})
    pattern = WORDS[int(first)]
    if code == codes.OTHER_SIDE:
        return Reason("smc.other_side", {"pattern": pattern, "price": second})
    if code == codes.NO_SLOT:
        return Reason("smc.no_slot", {"pattern": pattern, "positions": config.positions})
    if code == codes.NO_SIZE:
        return Reason("smc.no_size", {"pattern": pattern, "price": second, "stop": third})
    raise ValueError(f"Smart Money Concepts tells nothing of the number {code}.")


def _signal(numbers: Sequence[float], *, with_trend: bool) -> Signal:
    signed_pattern, entry, stop, target, confidence, bottom, top, score, timestamp = numbers
    return Signal(
        direction=Direction.LONG if signed_pattern > 0 else Direction.SHORT,
        entry=entry,
        confidence=confidence,
        timestamp=int(timestamp),
        strategy_type="smc",
        stop_loss=stop,
        take_profit=target,
        metadata={
            "pattern": WORDS[int(abs(signed_pattern))],
            "reward": round((target - entry) / (entry - stop), 3),
            "zone_bottom": bottom,
            "zone_top": top,
            "zone_score": round(score, 3),
            "with_trend": with_trend,
        },
    )


def _dropped(config: SmcConfig, code: int, numbers: Sequence[float]) -> Reason:
    side, pattern, price, value = numbers[:4]
    reason, name, limit = _FILTERS[code]
    said: Numbers = {
        "side": "long" if side > 0 else "short",
        "pattern": WORDS[int(pattern)],
        "price": price,
        name: value,
    }
    if limit:
        said["limit"] = float(getattr(config, limit))
    return Reason(reason, said)


def names(slot: int, trade: int) -> tuple[str, str]:
    return NAMES[slot], TIDY_NAME if slot == TIDY else f"smc:{trade}"


def why(market: MarketSpec, state: SmcState, row: OrderRow) -> Reason:
    if row.slot == TIDY:
        return Reason("smc.tidy", {"amount": row.amount})
    kind, slot = divmod(row.slot, MOST_POSITIONS)
    numbers: Numbers
    if kind == ENTRY:
        numbers = {
            "side": "buy" if row.side > 0 else "sell",
            "amount": row.amount,
            "pattern": WORDS[state.pattern[slot]],
            "confidence": state.confidence[slot] * 100.0,
            "stop": state.stop[slot],
            "target": state.target[slot],
        }
    elif kind == STOP:
        held = closable.plain(rules_of(market), state.held[slot], state.stop[slot])
        numbers = {"amount": held, "price": row.trigger, "entry": state.entry[slot]}
    elif kind == CLOSE:
        numbers = {"amount": row.amount, "price": state.stop[slot]}
    else:
        numbers = {"amount": row.amount, "price": row.price, "entry": state.entry[slot]}
    return Reason(_ORDERS[kind], numbers)
