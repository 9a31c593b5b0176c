"""What the result of a portfolio rests on, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backtests.assumptions import liquidation_of
from exchange.candles.series import utc
from strategies.contract import MarketKind

if TYPE_CHECKING:
    from backtests.portfolio.outcome import PortfolioOutcome


def assumptions_of(outcome: PortfolioOutcome) -> Iterator[str]:
    """Of the account first; then what each bot's own result rests on, said once where it is the same for several."""
    preset = outcome.preset
    yield (
        f"{len(outcome.bots)} bots trade on one balance in {preset.quote}. They are stepped point by point in one order of "
        "time; at the same instant in the order of the portfolio."
    )
    yield from _account(outcome)
    yield "A bot starts at its first candle when its strategy finds nothing in the way with what is free then, as live."
    for bot in outcome.bots:
        for problem in bot.problems:
            yield f"{bot.name} did not start: {problem.message}"
    if len({bot.outcome.preset.timeframe for bot in outcome.bots}) > 1:
        yield "Between the candles of a longer timeframe its bot's position is worth the last of its own points."
    if outcome.liquidated_at is not None:
        yield f"The account was liquidated at {utc(outcome.liquidated_at)}; nothing was traded after it."
    yield from _of_bots(outcome)


def _account(outcome: PortfolioOutcome) -> Iterator[str]:
    preset = outcome.preset
    if preset.market is MarketKind.SPOT:
        yield "An order is refused where the coin it would pay with is not free in the whole account."
        return
    yield (
        "An order is refused where the whole account's equity, less the margin of all positions and open orders, does not "
        "hold its margin and fee. Bots on one symbol have one position at the exchange, the sum of theirs."
    )
    if not preset.account_maintenance():
        yield liquidation_of(preset.bots[0].preset)
        return
    share = f"{(preset.account_maintenance() * 100).normalize():f} %"
    yield (
        f"The account is liquidated, and everything lost, where its equity falls below {share} of the worth of all positions."
    )


def _of_bots(outcome: PortfolioOutcome) -> Iterator[str]:
    said: dict[str, list[str]] = {}
    started = [bot for bot in outcome.bots if not bot.problems]
    for bot in started:
        for sentence in bot.outcome.assumptions:
            if sentence != liquidation_of(bot.outcome.preset):  # what is true of the account was said of it
                said.setdefault(sentence, []).append(bot.name)
    for sentence, names in said.items():
        yield sentence if len(names) == len(started) else f"{', '.join(names)}: {sentence}"
