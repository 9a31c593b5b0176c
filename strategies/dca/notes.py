"""What a DCA bot tells: the numbers of its notes, and the reasons that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from strategies.contract import Reason
from strategies.dca.config import DcaConfig
from strategies.dca.state import ENDS

OPENED: Final = 1
AVERAGED: Final = 2
STOPPED: Final = 3
TOOK_PROFIT: Final = 4
TOO_LITTLE: Final = 5
LEFT_OVER: Final = 6
OVER: Final = 7
TOO_OLD: Final = 8
RECOVERED: Final = 9
STOP_WAITS: Final = 10
TRAILING: Final = 11
TRAILED: Final = 12
STARTED: Final = 13
MET_RSI: Final = 14
MET_CROSS: Final = 15
MET_BOLLINGER: Final = 16
MET_PRICE: Final = 17
MET_SIGNAL: Final = 18
# One for each hindrance of ``state``, in their order.
WAITS: Final = 20

# Code, then what its numbers are: those that count something are whole.
_Number = Callable[[float], float | int | str]


def _end(number: float) -> str:
    """Why a deal ended, as a word."""
    return ENDS[int(number)].removeprefix("dca.")


_TOLD: Final[Mapping[int, tuple[str, tuple[tuple[str, _Number], ...]]]] = {
    OPENED: ("dca.opened", (("deal", int), ("price", float), ("safety_orders", int))),
    AVERAGED: ("dca.averaged", (("number", int), ("average", float), ("price", float))),
    STOPPED: ("dca.stop_loss", (("price", float), ("limit", float))),
    TOOK_PROFIT: ("dca.took_profit", (("step", int), ("steps", int), ("price", float), ("held", float))),
    TOO_LITTLE: ("dca.too_little", (("amount", float), ("deal", int))),
    LEFT_OVER: ("dca.left_over", (("amount", float),)),
    OVER: ("dca.over", (("deal", int), ("profit", float), ("cause", _end))),
    TOO_OLD: ("dca.deal_time", (("seconds", int), ("limit", int))),
    RECOVERED: ("dca.stop_loss_recovered", (("price", float), ("limit", float))),
    STOP_WAITS: ("dca.stop_loss_waits", (("price", float), ("limit", float), ("seconds", int))),
    TRAILING: ("dca.trailing", (("price", float), ("back", float))),
    TRAILED: ("dca.trailed", (("price", float), ("limit", float), ("best", float))),
    STARTED: ("dca.started", (("deal", int), ("price", float), ("conditions", int))),
    MET_RSI: ("dca.met_rsi", (("rsi", float), ("limit", float))),
    MET_CROSS: ("dca.met_ema_cross", (("fast", float), ("slow", float))),
    MET_BOLLINGER: ("dca.met_bollinger", (("percent", float),)),
    MET_PRICE: ("dca.met_price", (("price", float), ("limit", float))),
    MET_SIGNAL: ("dca.met_signal", ()),
    WAITS + 1: ("dca.waits_cool_down", (("seconds", int),)),
    WAITS + 2: ("dca.waits_daily_loss", (("loss", float), ("limit", float))),
    WAITS + 3: ("dca.waits_min_price", (("price", float), ("limit", float))),
    WAITS + 4: ("dca.waits_max_price", (("price", float), ("limit", float))),
    WAITS + 5: ("dca.waits_condition", (("met", int), ("needed", int))),
    WAITS + 6: ("dca.waits_size", (("amount", float), ("limit", float))),
}


def reason_of(config: DcaConfig, number: int, values: Sequence[float]) -> Reason:
    code, names = _TOLD[number]
    numbers = {name: kind(value) for (name, kind), value in zip(names, values, strict=False)}
    if number == MET_RSI:
        numbers["side"] = config.rsi_is.value
    elif number == MET_PRICE:
        numbers["side"] = config.start_price_is.value
    elif number == MET_SIGNAL:
        numbers["direction"] = config.direction.value
    return Reason(code, numbers)
