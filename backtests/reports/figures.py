"""The figures of a result in the order in which they are read, each with its unit and a word of what it means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from backtests.reports import wording

if TYPE_CHECKING:
    from backtests.metrics.summary import Summary
    from backtests.outcome import Outcome

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Figure:
    """``tone`` colours the value: up, down or nothing."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Month:
    """``strength`` is how deep the cell is coloured, 0 to 100."""

    text: str
    tone: str = ""
    strength: int = 0


def tone_of(value: float) -> str:
    return "up" if value > 0 else "down" if value < 0 else ""


def headline(summary: Summary, quote: str) -> list[Figure]:
    """What is looked at first."""
    return [
        Figure(
            "Return",
            wording.signed_percent(summary.total_return),
            f"{wording.money(summary.initial_equity)} → {wording.money(summary.final_equity)} {quote}",
            tone_of(summary.total_return),
        ),
        Figure(
            "Against holding",
            wording.signed_percent(summary.excess_return),
            f"holding made {wording.signed_percent(summary.buy_and_hold_return)}",
            tone_of(summary.excess_return),
        ),
        Figure("Max drawdown", wording.percent(summary.max_drawdown), _drawdown_note(summary)),
        Figure("Sharpe", wording.ratio(summary.sharpe), f"Sortino {wording.ratio(summary.sortino)}"),
        Figure("Round trips", f"{summary.trades:,}", f"{wording.percent(summary.win_rate)} of them won"),
        Figure("Fees", wording.money(summary.fees), f"{summary.fills:,} fills"),
    ]


def _drawdown_note(summary: Summary) -> str:
    if summary.max_drawdown_recovered_at is None and summary.max_drawdown > 0:
        return "not made good at the end"
    return f"made good after {wording.duration(summary.max_drawdown_length)}" if summary.max_drawdown else "none"


def groups(summary: Summary, quote: str) -> list[tuple[str, list[Figure]]]:
    """Every figure. Definitions: docs/backtesting/metrics.md."""
    percent, ratio, duration, signed = wording.percent, wording.ratio, wording.duration, wording.signed_percent
    sum_of = partial(wording.sum_of, coin=quote)
    return [
        (
            "Equity",
            [
                Figure("Total return", signed(summary.total_return), tone=tone_of(summary.total_return)),
                Figure("Holding instead", signed(summary.buy_and_hold_return), "bought at the first price, with a fee"),
                Figure("Growth a year (CAGR)", signed(summary.cagr)),
                Figure("Volatility a year", percent(summary.volatility)),
                Figure("Sharpe", ratio(summary.sharpe)),
                Figure("Sortino", ratio(summary.sortino)),
                Figure("Calmar", ratio(summary.calmar)),
                Figure("Alpha a year", signed(summary.alpha)),
                Figure("Beta to the coin", ratio(summary.beta)),
            ],
        ),
        (
            "Drawdown",
            [
                Figure("Deepest", percent(summary.max_drawdown)),
                Figure("From its peak on", wording.moment(summary.max_drawdown_peak_at)),
                Figure("Lowest", wording.moment(summary.max_drawdown_trough_at)),
                Figure("Made good", wording.moment(summary.max_drawdown_recovered_at)),
                Figure("Longest", duration(summary.longest_drawdown)),
                Figure("Average", percent(summary.average_drawdown)),
                Figure("Ulcer index", percent(summary.ulcer_index)),
            ],
        ),
        (
            "Round trips",
            [
                Figure("Number", f"{summary.trades:,}"),
                Figure("Won", percent(summary.win_rate)),
                Figure("Profit factor", ratio(summary.profit_factor)),
                Figure("Expectancy", sum_of(summary.expectancy)),
                Figure("Average win", sum_of(summary.average_win)),
                Figure("Average loss", sum_of(summary.average_loss)),
                Figure("Best", sum_of(summary.best_trade)),
                Figure("Worst", sum_of(summary.worst_trade)),
                Figure("System quality (SQN)", ratio(summary.sqn)),
                Figure("Average length", duration(summary.average_trade_duration)),
                Figure("Won in a row", f"{summary.longest_winning_streak:,}"),
                Figure("Lost in a row", f"{summary.longest_losing_streak:,}"),
                Figure("Worst while open", sum_of(summary.worst_mae), "before fees"),
                Figure("Best while open", sum_of(summary.best_mfe), "before fees"),
            ],
        ),
        (
            "Activity",
            [
                Figure("Fills", f"{summary.fills:,}"),
                Figure("As maker", percent(summary.maker_share)),
                Figure("Fees", sum_of(summary.fees)),
                Figure("Traded", sum_of(summary.traded_value)),
                Figure("Turnover", ratio(summary.turnover), "times the average equity"),
                Figure("Time in the market", percent(summary.time_in_market)),
                Figure("Average exposure", percent(summary.average_exposure)),
                Figure("Highest exposure", percent(summary.highest_exposure)),
            ],
        ),
    ]


def months(summary: Summary) -> list[tuple[int, list[Month]]]:
    """Each year with its twelve months."""
    values = {(month.year, month.month): month.value for month in summary.monthly_returns}
    known = [abs(value) for value in values.values() if math.isfinite(value)]
    most = max(known, default=0.0) or 1.0
    return [
        (year, [_month(values.get((year, number)), most) for number in range(1, 13)])
        for year in sorted({year for year, _ in values})
    ]


def _month(value: float | None, most: float) -> Month:
    if value is None or not math.isfinite(value):
        return Month("")
    return Month(wording.signed_percent(value).removesuffix(" %"), tone_of(value), round(12 + abs(value) / most * 48))


def parameters(outcome: Outcome) -> list[tuple[str, str]]:
    """The strategy's configuration with its defaults, as the strategy read it."""
    values = outcome.preset.strategy_config.model_dump(mode="json")
    return [(name, _plain(value)) for name, value in values.items() if value is not None]


def terms(outcome: Outcome) -> list[tuple[str, str]]:
    """The market and the costs."""
    preset = outcome.preset
    found = [
        ("Symbol", preset.symbol),
        ("Market", preset.market.value),
        ("Timeframe", preset.timeframe),
        ("Initial balance", f"{wording.money(float(preset.initial_balance))} {preset.quote}"),
        ("Maker fee", wording.percent(float(preset.fees.maker))),
        ("Taker fee", wording.percent(float(preset.fees.taker))),
        ("Slippage", wording.percent(float(preset.slippage))),
        ("Fill", preset.fill.value),
    ]
    if preset.market.value != "spot":
        found.append(("Leverage", f"{preset.account_leverage():g}"))
    return found


def data_facts(outcome: Outcome) -> list[tuple[str, str]]:
    first, last = outcome.period
    found = [
        ("From", wording.moment(first)),
        ("To", wording.moment(last)),
        ("Candles", f"{len(outcome.candles):,} candles of {outcome.preset.timeframe}"),
    ]
    report = outcome.data_report
    if report is not None:
        found += [("Source", report.source), ("Its own timeframe", report.found_timeframe)]
        gaps = f"{report.gap_count:,} with {report.missing:,} candles missing" if report.gap_count else "none"
        found.append(("Gaps", f"{gaps} (policy: {report.gap_policy})"))
        if report.longest_gap is not None:
            found.append(("Longest gap", str(report.longest_gap)))
    return found


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value)) or wording.NOTHING
    return str(value) if value != "" else wording.NOTHING
