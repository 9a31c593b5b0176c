"""A portfolio's result as one page that needs nothing else: the account, what each bot added, how alike they earn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.utils.html import format_html, format_html_join

from backtests.portfolio.outcome import PortfolioOutcome
from backtests.portfolio.outcome_json import correlation
from backtests.reports import charts, figures, studies, wording
from backtests.reports.axes import scale_of
from backtests.reports.drawing import Chart, grid, level, line
from backtests.reports.html import page, write_whole
from exchange.candles.series import utc

# So many have a colour of their own (static/css/backtests.css).
COLOURS: Final = 6


def write_html(outcome: PortfolioOutcome, path: Path) -> None:
    write_whole(path, render(outcome).encode())


def render(outcome: PortfolioOutcome) -> str:
    return page("portfolio_report", context(outcome))


def context(outcome: PortfolioOutcome) -> dict[str, Any]:
    preset, summary, initial = outcome.preset, outcome.summary, outcome.balance
    first, last = outcome.period
    told = (outcome.timestamps, outcome.equity, initial)
    return {
        "title": f"{len(outcome.bots)} bots on {', '.join(preset.symbols)}",
        "period": f"{utc(first)} to {utc(last)} UTC",
        "headline": figures.headline(summary, preset.quote),
        "charts": [
            charts.balance_chart(*told, initial * outcome.held, preset.quote, "Holding all in equal parts"),
            charts.drawdown_chart(*told),
            bots_chart(outcome),
        ],
        "bots": [_row(outcome, number) for number in range(len(outcome.bots))],
        "facts": list(_facts(outcome)),
        "correlation": studies.correlation({"correlation": correlation(outcome)}),
        "groups": figures.groups(summary, preset.quote),
        "months": figures.months(summary),
        "month_names": figures.MONTHS,
        "assumptions": outcome.assumptions,
        "hash": outcome.hash,
    }


def bots_chart(outcome: PortfolioOutcome) -> Chart:
    """What each bot has added to the balance; those with the most in the end, where they are too many for a picture."""
    ranked = sorted(outcome.bots, key=lambda bot: -abs(float(bot.outcome.equity[-1]) - outcome.balance))
    shown = [bot for bot in outcome.bots if bot in ranked[:COLOURS]]
    profits = [outcome.profit_of(bot) for bot in shown]
    times, quote = outcome.timestamps, outcome.preset.quote
    scale = scale_of(min(float(each.min()) for each in profits), max(float(each.max()) for each in profits))
    lines = [(line(times, each, scale, f"bot-{number}"),) for number, each in enumerate(profits)]
    drawing = format_html("{}{}{}", grid(scale), level(scale, 0.0), format_html_join("", "{}", lines))

    def text(row: int) -> str:
        parts = (f"{bot.name} {wording.money(each[row])}" for bot, each in zip(shown, profits, strict=True))
        return f"{', '.join(parts)} {quote}"

    return charts.chart_over_time(
        f"What each bot added, {quote}",
        times,
        scale,
        drawing,
        wording.number,
        charts.read_outs(times, text),
        note=f"The {COLOURS} of {len(outcome.bots)} that moved the most." if len(shown) < len(outcome.bots) else "",
        legend=[(f"bot-{number}", bot.name) for number, bot in enumerate(shown)],
    )


def _facts(outcome: PortfolioOutcome) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What was run: the account, each bot's data, each bot's configuration."""
    preset = outcome.preset
    first, last = outcome.period
    yield (
        "Account",
        [
            ("Market", preset.market.value),
            ("Initial balance", f"{wording.money(outcome.balance)} {preset.quote}"),
            ("From", wording.moment(first)),
            ("To", wording.moment(last)),
            ("Bots", f"{len(outcome.bots):,}"),
        ],
    )
    yield from ((f"Data: {bot.name}", figures.data_facts(bot.outcome)) for bot in outcome.bots)
    yield from ((f"Configuration: {bot.name}", figures.parameters(bot.outcome)) for bot in outcome.bots)


def _row(outcome: PortfolioOutcome, number: int) -> dict[str, Any]:
    bot = outcome.bots[number]
    own, summary = bot.outcome, bot.outcome.summary
    profit = float(own.equity[-1]) - outcome.balance
    return {
        "name": bot.name,
        "runs": f"{own.preset.strategy} on {own.preset.symbol}, {own.preset.timeframe}",
        "profit": wording.signed_money(profit),
        "tone": figures.tone_of(profit),
        "share": wording.signed_percent(profit / outcome.balance),
        "drawdown": wording.percent(summary.max_drawdown),
        "sharpe": wording.ratio(summary.sharpe),
        "trades": f"{summary.trades:,}",
        "fills": f"{summary.fills:,}",
        "fees": wording.money(summary.fees),
        "refused": f"{own.simulation.refusals:,}",
        "problems": [each.message for each in bot.problems],
    }
