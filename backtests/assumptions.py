"""What a result rests on, in plain words: what was modelled and how, what was not, and what the data lacked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from backtests.preset import Preset
from backtests.terms import Fill, Gaps, Intrabar
from exchange.candles.series import utc
from strategies.contract import MarketKind

if TYPE_CHECKING:
    from backtests.data import DataReport
    from backtests.outcome import Outcome


def assumptions_of(outcome: Outcome) -> Iterator[str]:
    preset = outcome.preset
    yield _path(preset)
    yield from _fills(preset)
    yield _fees(preset)
    yield _rounding(preset)
    yield from _account(outcome)
    if outcome.known_from is not None:
        yield f"The strategy knew nothing of its candles before {utc(outcome.known_from)}: until then they were too few."
    if outcome.data_report is not None:
        yield from _data(outcome.data_report)
    yield from _course(outcome)


def _path(preset: Preset) -> str:
    said = (
        "Within a candle the price goes from the open to the nearer extreme, to the other one and to the close, and the "
        "strategy steps at each of these four points; candles are known when they have closed."
    )
    if preset.intrabar is Intrabar.PESSIMISTIC:
        said += " Where a candle spans a position's stop and its target, the stop is met first."
    return said


def _fills(preset: Preset) -> Iterator[str]:
    if preset.fill is Fill.TOUCH:
        yield "A limit order fills when the price touches it: nobody stood before it in the queue."
    else:
        yield "A limit order fills when the price passes it by a tick."
    costs = [
        f"{name} {_percent(value)}"
        for name, value in (("slippage", preset.slippage), ("spread", preset.spread))
        if value
    ]
    yield (
        f"Market and stop orders pay {' and '.join(costs)}."
        if costs
        else "Market and stop orders pay no slippage or spread."
    )
    if preset.impact:
        yield f"Takers move the price by {preset.impact} × (their share of the candle's volume)²."
    yield (
        f"At most {_percent(preset.volume_share)} of a candle's volume fills in it."
        if preset.volume_share
        else "Orders of any size are filled whole, whatever the candle's volume."
    )
    yield (
        f"Orders reach the exchange {preset.latency} ms after they were decided, at the next point."
        if preset.latency
        else "Orders reach the exchange at the moment of the decision."
    )


def _fees(preset: Preset) -> str:
    said = f"Fees are {_percent(preset.fees.maker)} for makers and {_percent(preset.fees.taker)} for takers"
    if preset.market is MarketKind.SPOT:
        said += f"; a buyer pays in {preset.base if preset.fees.buyer_pays_in == 'base' else preset.quote}"
    return f"{said}. They are reported in {preset.quote} at the fill's price."


def _rounding(preset: Preset) -> str:
    absent = [name for name in ("price", "amount") if getattr(preset.precision, name) is None]
    if not absent:
        return f"Prices are multiples of {preset.precision.price}, amounts of {preset.precision.amount}."
    return f"No precision is given for {' and '.join(absent)}: not rounded."


def _account(outcome: Outcome) -> Iterator[str]:
    preset = outcome.preset
    if preset.market is MarketKind.SPOT:
        return
    yield f"The account's leverage is {preset.account_leverage()}; its whole balance is the position's margin (cross)."
    yield liquidation_of(preset)
    if preset.funding is None:
        yield "Funding is not modelled: no rates were given."
    else:
        yield f"Funding was paid {len(outcome.funding.rate)} times, on the position's worth at that moment."


def liquidation_of(preset: Preset) -> str:
    """Of an account that holds one position."""
    if not (maintenance := preset.account_maintenance()):
        return "Liquidation is not modelled: the maintenance margin is set to 0."
    return f"It is liquidated, and everything lost, where its equity falls below {_percent(maintenance)} of the position's worth."


def _data(report: DataReport) -> Iterator[str]:
    if report.found_timeframe != report.timeframe:
        yield f"Candles of {report.timeframe} were made of the source's candles of {report.found_timeframe}."
    if report.gap_count and report.longest_gap is not None:
        treated = "were filled with the close before them" if report.gap_policy == Gaps.FILL else "were passed over"
        yield (
            f"The data lack {report.missing} candles of {report.found_timeframe} in {report.gap_count} places, the longest "
            f"{report.longest_gap}; they {treated}."
        )


def _course(outcome: Outcome) -> Iterator[str]:
    run = outcome.simulation
    if run.refusals:
        yield (
            f"{run.refusals} orders were refused, as an exchange would have: too small, too large, or without the money; "
            "see refused in the summary."
        )
    if run.liquidated:
        yield f"The account was liquidated at {utc(int(run.fills.timestamp[-1]))}; nothing was traded after it."
    elif run.finish is not None and run.candles < len(outcome.candles):
        at = utc(int(outcome.timestamps[run.candles - 1]))
        yield f"The strategy finished by {at} ({run.finish.reason.code}); what it held then was kept to the end."
    if len(outcome.round_trips.open.key):
        yield "What is held at the end is worth the last close, less no fee: closing it would cost one."


def _percent(value: Decimal) -> str:
    return f"{(value * 100).normalize():f} %"
