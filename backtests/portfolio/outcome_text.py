"""A portfolio's result as a page of plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from backtests.outcome_text import DAY_MS, number, percent
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
        ("balance", f"{figures.initial_equity:,.2f} → {figures.final_equity:,.2f} {quote}"),
        ("return", f"{percent(figures.total_return)} (held in equal parts {percent(figures.buy_and_hold_return)})"),
        ("a year", percent(figures.cagr)),
        ("largest drawdown", percent(figures.max_drawdown)),
        ("Sharpe, Sortino", f"{number(figures.sharpe)}, {number(figures.sortino)}"),
        (
            "trades",
            f"{figures.trades:,}, {percent(figures.win_rate)} won, profit factor {number(figures.profit_factor)}",
        ),
        ("fills", f"{figures.fills:,}, {percent(figures.maker_share)} of their worth as maker"),
        ("fees", f"{figures.fees:,.2f} {quote}"),
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
