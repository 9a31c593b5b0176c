"""A portfolio's result as a page of plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from backtests.outcome_text import DAY_MS, figure_rows, number, percent
from backtests.portfolio.outcome import PortfolioOutcome
from exchange.candles.series import utc


def lines(outcome: PortfolioOutcome) -> Iterator[str]:
    preset, figures = outcome.preset, outcome.summary
    first, last = outcome.period
    quote = preset.quote
    yield f"{len(outcome.bots)} bots on {', '.join(preset.symbols)} ({preset.market})"
    yield f"{utc(first)} – {utc(last)}, {len(outcome.timestamps):,} candles, {(last - first) / DAY_MS:,.1f} days"
    yield ""
    rows = [
        *figure_rows(figures, quote, holding="held in equal parts"),
        ("highest exposure", percent(figures.highest_exposure)),
        ("hash", outcome.hash),
    ]
    for name, value in rows:
        yield f"{name:<17}{value}"
    yield ""
    yield from _bots(outcome)
    yield ""
    yield from (f"* {each}" for each in outcome.assumptions)


def _bots(outcome: PortfolioOutcome) -> Iterator[str]:
    width = max(len("bot"), *(len(bot.name) for bot in outcome.bots))
    yield f"{'bot':<{width}}  {'profit':>12}  {'drawdown':>9}  {'Sharpe':>7}  {'trades':>7}  {'refused':>7}  market"
    for bot in outcome.bots:
        own, figures = bot.outcome, bot.outcome.summary
        profit = f"{float(own.equity[-1]) - outcome.balance:,.2f}" if not bot.problems else "not started"
        yield (
            f"{bot.name:<{width}}  {profit:>12}  {percent(figures.max_drawdown):>9}  {number(figures.sharpe):>7}  "
            f"{figures.trades:>7,}  {own.simulation.refusals:>7,}  {own.preset.strategy} on {own.preset.symbol}"
        )
