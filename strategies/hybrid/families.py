"""The families: the strategies themselves, and what the hybrid's settings mean to each of them.

Everything here goes through the contract that any strategy keeps. A family's figures are the hybrid's fields of the
same meaning; its money is what the hybrid gives it when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from strategies.contract import Strategy, StrategyConfig
from strategies.dca.logic import DcaStrategy
from strategies.fields import Fault
from strategies.grid.logic import GridStrategy
from strategies.hybrid.family_settings import RangeIn
from strategies.regimes.config import RegimeConfig
from strategies.trend.logic import TrendStrategy

if TYPE_CHECKING:
    from strategies.hybrid.config import HybridConfig

GRID: Final = "grid"
DCA: Final = "dca"
TREND: Final = "trend"
NONE: Final = ""  # no family: nothing runs

STRATEGIES: Final[Mapping[str, Strategy[Any, Any]]] = {
    GRID: GridStrategy(),
    DCA: DcaStrategy(),
    TREND: TrendStrategy(),
}

# A family's field -> the hybrid's.
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    GRID: {
        "grids": "grid_intervals",
        "spacing": "grid_spacing",
        "stop_loss_percent": "grid_stop_loss",
        "on_range_left": "grid_range_left",
    },
    DCA: {
        "base_order_size": "dca_base_order",
        "safety_order_size": "dca_safety_order",
        "safety_orders": "dca_safety_orders",
        "active_safety_orders": "dca_active_safety_orders",
        "price_deviation": "dca_price_deviation",
        "step_scale": "dca_step_scale",
        "volume_scale": "dca_volume_scale",
        "take_profit": "dca_take_profit",
        "stop_loss": "dca_stop_loss",
        "cool_down": "dca_cool_down",
        "start_on_rsi": "dca_start_on_rsi",
        "rsi_limit": "dca_rsi_limit",
        "start_timeframe": "dca_timeframe",
    },
    TREND: {
        "timeframe": "trend_timeframe",
        "ema_fast": "trend_ema_fast",
        "ema_slow": "trend_ema_slow",
        "pullback_entry": "trend_pullback_entry",
        "breakout_entry": "trend_breakout_entry",
        "breakout_candles": "trend_breakout_candles",
        "stop_atr": "trend_stop_atr",
        "targets": "trend_targets",
        "break_even": "trend_break_even",
        "trail_from": "trend_trail_from",
        "trail_atr": "trend_trail_atr",
        "risk_percent": "trend_risk_percent",
        "max_losses": "trend_max_losses",
    },
}
# Fields of the hybrid that can be switched off and are not so from the outset: 0 is the families' None. An empty field of
# a form is one that was not given, and would get its default back.
_OFF_AT_ZERO: Final = frozenset({"grid_stop_loss", "trend_break_even", "trend_trail_from"})
# Fields that are made from one of the hybrid's, and not its value.
_MADE_FROM: Final[Mapping[str, Mapping[str, str]]] = {
    GRID: dict.fromkeys(("lower", "upper", "range_percent", "range_atr_multiple"), "grid_range")
    | {"investment": "grid_share"},
    DCA: {"allocation": "dca_safety_order"},
    TREND: {"investment": "trend_share"},
}
_REGIME: Final = {name: f"regime_{name}" for name in RegimeConfig.model_fields}


def share_of(config: HybridConfig, family: str) -> Decimal:
    """What the family may use at most, in quote."""
    share: Decimal = getattr(config, f"{family}_share")
    return config.investment * share / 100


@lru_cache(maxsize=256)
def family_config(
    config: HybridConfig, family: str, money: Decimal, range_percent: Decimal | None = None
) -> StrategyConfig:
    """A family's own configuration. ``range_percent`` is the grid's reach where it is known already; a reach in ATRs is
    otherwise left for the grid to resolve. Raises ``pydantic.ValidationError``."""
    given = {own: _value(config, name) for own, name in FIELDS[family].items()}
    made: StrategyConfig = STRATEGIES[family].Config.model_validate(given | _MADE[family](config, money, range_percent))
    return made


def _value(config: HybridConfig, name: str) -> Any:
    value = getattr(config, name)
    return None if name in _OFF_AT_ZERO and not value else value


def _grid(config: HybridConfig, money: Decimal, range_percent: Decimal | None) -> dict[str, Any]:
    made: dict[str, Any] = {"investment": money}
    if range_percent is not None:
        return made | {"range_percent": range_percent}
    if config.grid_range_in is RangeIn.PERCENT:
        return made | {"range_percent": config.grid_range}
    return made | {
        "range_atr_multiple": config.grid_range,
        "atr_timeframe": config.regime_timeframe,
        "atr_period": config.regime_atr_period,
    }


def _dca(config: HybridConfig, money: Decimal, range_percent: Decimal | None) -> dict[str, Any]:
    # After a stop loss the family is over, and the hybrid decides what follows.
    return {"allocation": money, "size_in": "percent", "after_stop_loss": "stop"}


def _trend(config: HybridConfig, money: Decimal, range_percent: Decimal | None) -> dict[str, Any]:
    return {"investment": money, "direction": "long"}


_Making = Callable[["HybridConfig", Decimal, Decimal | None], dict[str, Any]]
_MADE: Final[Mapping[str, _Making]] = {GRID: _grid, DCA: _dca, TREND: _trend}


@lru_cache(maxsize=64)
def regime_config(config: HybridConfig) -> RegimeConfig:
    """Raises ``pydantic.ValidationError``."""
    return RegimeConfig.model_validate({own: getattr(config, name) for own, name in _REGIME.items()})


def faults_of(config: HybridConfig) -> list[Fault]:
    """What the families' and the classifier's own models object to, by the hybrid's fields."""
    faults: list[Fault] = []
    for family in STRATEGIES:
        try:
            family_config(config, family, share_of(config, family))
        except ValidationError as error:
            faults += _translated(error, _names_of(family), f"{family}_share")
    try:
        regime_config(config)
    except ValidationError as error:
        faults += _translated(error, _REGIME, "regime_timeframe")
    return faults


def own_field(family: str, field: str) -> str:
    """The hybrid's field for one of a family's; its share for what the hybrid does not offer."""
    return _names_of(family).get(field, f"{family}_share")


def in_own_words(family: str, message: str) -> str:
    """A family's message with the hybrid's names of its fields."""
    return _renamed(message, _names_of(family))


def _names_of(family: str) -> dict[str, str]:
    return {**FIELDS[family], **_MADE_FROM[family]}


def _translated(error: ValidationError, names: Mapping[str, str], otherwise: str) -> Iterable[Fault]:
    for each in error.errors(include_url=False):
        field = str(each["loc"][0]) if each["loc"] else ""
        yield names.get(field, otherwise), _renamed(str(each["msg"]).removeprefix("Value error, "), names)


def _renamed(message: str, names: Mapping[str, str]) -> str:
    """Names that are made of one word are words of the language too, and stay as they are."""
    return " ".join(_name_in(word, names) for word in message.split(" "))


def _name_in(word: str, names: Mapping[str, str]) -> str:
    bare = word.strip("():,.;")
    return word.replace(bare, names[bare]) if "_" in bare and bare in names else word
