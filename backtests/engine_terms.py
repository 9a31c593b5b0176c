"""What the engine is told of a preset: the market's rules and the options of the simulation."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from backtests.loop.records import Funding
from backtests.preset import Preset
from backtests.simulation import NO_FUNDING, Options
from backtests.terms import Fill, Intrabar, PaysIn
from strategies.contract import MarketSpec

# A float holds this many decimal digits, whatever they are.
DIGITS: Final = 15
LONGEST_FRACTION: Final = 18  # a numerator of 64 bits has room for this many


def market_spec(preset: Preset, *, price: float | None = None) -> MarketSpec:
    """The market's rules. Where a precision is absent the increment is the last digit that a float holds of the largest
    number to be expected, which rounds nothing; without a ``price`` to expect numbers from it is 0.00000001."""
    limits, fees = preset.limits, preset.fees
    most = float(preset.initial_balance * preset.account_leverage())
    return MarketSpec(
        symbol=preset.symbol,
        kind=preset.market,
        base=preset.base,
        quote=preset.quote,
        tick=preset.precision.price or _finest(price and price * 10),
        step=preset.precision.amount or _finest(price and most / price * 100),
        min_amount=limits.amount.min or Decimal(0),
        max_amount=limits.amount.max,
        min_notional=limits.notional.min,
        maker_fee=fees.maker,
        taker_fee=fees.taker,
        max_leverage=None,
        buyer_pays_in_quote=fees.buyer_pays_in is PaysIn.QUOTE,
    )


def engine_options(preset: Preset, funding: Funding = NO_FUNDING) -> Options:
    """``funding`` as ``backtests.funding_due.funding_of`` gives it."""
    return Options(
        slippage=float(preset.slippage),
        spread=float(preset.spread),
        impact=float(preset.impact),
        volume_share=float(preset.volume_share or 0),
        through=preset.fill is Fill.THROUGH,
        latency=preset.latency,
        pessimistic=preset.intrabar is Intrabar.PESSIMISTIC,
        leverage=float(preset.account_leverage()),
        maintenance=float(preset.account_maintenance()),
        funding=funding,
    )


def _finest(largest: float | None) -> Decimal:
    if not largest:
        return Decimal("1e-8")
    digits = min(DIGITS - math.ceil(math.log10(largest)), LONGEST_FRACTION)
    return Decimal(1).scaleb(-max(digits, 0))
