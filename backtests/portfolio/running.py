"""One back-test of a portfolio over its bots' candles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from backtests.portfolio.outcome import BotOutcome, PortfolioOutcome
from backtests.portfolio.preset import PortfolioBot, PortfolioPreset
from backtests.portfolio.simulation import outcome_of, simulate_portfolio
from backtests.portfolio.start import StartRefused
from backtests.running import prepared
from backtests.warm_up import first_begin
from exchange.candles.files import CandleFileError, Candles
from exchange.candles.series import utc
from strategies.candles import timeframe_ms
from strategies.registry import get_strategy

if TYPE_CHECKING:
    from backtests.data import DataReport


def portfolio_back_test(
    portfolio: PortfolioPreset,
    candles: Sequence[Candles],
    *,
    begin: int | None = None,
    compiled: bool = True,
    data_reports: Sequence[DataReport | None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> PortfolioOutcome:
    """``candles`` are those of each bot, of its own timeframe. The run covers the time that all bots have candles of, from
    ``begin`` (ms UTC) on; without it, from where every bot's configuration can be resolved. What lies before is warm-up.

    ``progress`` is told the time (ms UTC) that the run has come to. Raises ``PresetInvalid`` and ``ValueError`` as
    ``backtests.running.back_test`` does, and ``StartRefused`` where no bot may start.
    """
    lengths = [timeframe_ms(bot.preset.timeframe) for bot in portfolio.bots]
    end = min(int(each.timestamp[-1]) + length for each, length in zip(candles, lengths, strict=True))
    begin = max(_first(bot, each, begin) for bot, each in zip(portfolio.bots, candles, strict=True))
    if begin >= end:
        raise CandleFileError(
            f"the bots' candles have no time in common: some begin at {utc(begin)}, others end at {utc(end)}"
        )
    ready = []
    for bot, each, length in zip(portfolio.bots, candles, lengths, strict=True):
        known = each.between(int(each.timestamp[0]), end - length + 1)
        if not len(known):
            raise CandleFileError(f"{bot.name} has no candle that is over by {utc(end)}, where the run ends")
        ready.append(prepared(bot.preset, known, begin=begin))
    run = simulate_portfolio(ready, balance=float(portfolio.initial_balance), compiled=compiled, progress=progress)
    refused = {bot.name: member.problems for bot, member in zip(portfolio.bots, run.members, strict=True)}
    if all(refused.values()):
        raise StartRefused({name: tuple(problems) for name, problems in refused.items()})
    reports = data_reports or [None] * len(ready)
    return PortfolioOutcome(
        portfolio,
        tuple(
            BotOutcome(bot.name, each.outcome(outcome_of(member), report), tuple(member.problems))
            for bot, each, member, report in zip(portfolio.bots, ready, run.members, reports, strict=True)
        ),
        run.liquidated_at,
    )


def _first(bot: PortfolioBot, candles: Candles, begin: int | None) -> int:
    """Where the bot could begin at the earliest."""
    preset = bot.preset
    if begin is None:
        return first_begin(get_strategy(preset.strategy), preset.strategy_config, candles, preset.timeframe)
    row = int(candles.timestamp.searchsorted(begin))
    return int(candles.timestamp[row]) if row < len(candles) else begin
