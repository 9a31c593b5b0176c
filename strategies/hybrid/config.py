"""The hybrid's configuration: its own settings, the families' and the regime's, in one flat model.

Whether the settings of a family make sense together is asked of that family's own model; what it objects to is told of
the hybrid's field.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from strategies.fields import Number, refusal, timeframe
from strategies.hybrid.family_settings import FamilySettings
from strategies.regimes.config import RegimeConfig


def _regime(name: str) -> Any:
    """The classifier's own field, under a heading of the hybrid."""
    known = RegimeConfig.model_fields[name]
    extra: Any = known.json_schema_extra
    return Field(
        known.default,
        title=known.title,
        description=known.description,
        json_schema_extra=extra | {"group": "Regime"},
        **{bound: type(known.default)(value) for bound, value in extra["bounds"].items()},
    )


class HybridConfig(FamilySettings):
    """Money in quote, percentages as 5 for 5 %. What belongs to one family begins with its name."""

    # Regime
    regime_timeframe: str = timeframe(
        "1h", "Candles", "Length of the candles that the regime is told from.", group="Regime", advanced=True
    )
    regime_adx_period: int = _regime("adx_period")
    regime_ema_fast: int = _regime("ema_fast")
    regime_ema_slow: int = _regime("ema_slow")
    regime_atr_period: int = _regime("atr_period")
    regime_volume_period: int = _regime("volume_period")
    regime_range_below: Number = _regime("range_below")
    regime_transition_from: Number = _regime("transition_from")
    regime_trend_above: Number = _regime("trend_above")
    regime_tight_below: Number = _regime("tight_below")
    regime_quiet_below: Number = _regime("quiet_below")
    regime_confirmation: int = _regime("confirmation")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        from strategies.hybrid.families import faults_of  # it builds the families' configurations from this one

        faults = faults_of(self)
        if faults:
            raise refusal(self, faults)
        return self
