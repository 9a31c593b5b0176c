"""A bot decides by what its own account pays, as of the start of its run."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bots import services
from bots.lifecycle import BotStatus
from bots.own_fees import as_of_start, market_of
from bots.preflight import preview
from exchange.errors import AuthenticationFailed, ExchangeError, RateLimited
from strategies.contract import MarketSpec
from tests.bots import cast
from tests.bots.candle_files import path_of
from tests.bots.cast import ETH_LINEAR
from tests.bots.market import stepped_market

pytestmark = pytest.mark.django_db(transaction=True)

OWN = replace(ETH_LINEAR, maker_fee=Decimal("0.00018"), taker_fee=Decimal("0.0004"))


class Telling:
    """An exchange that states the account's fees, or answers with an error."""

    def __init__(self, answer: MarketSpec | ExchangeError) -> None:
        self.answer = answer

    def market(self, symbol: str) -> MarketSpec:
        if isinstance(self.answer, ExchangeError):
            raise self.answer
        return self.answer


def test_a_start_keeps_the_accounts_fees_for_the_run(tmp_path: Path) -> None:
    """The simulator's account is told to pay other fees than the published 0.0002 and 0.00055."""
    flags = {"linear_maker": "0.00018", "linear_taker": "0.0004"}
    with stepped_market(tmp_path, path_of("2000", "2000", "2000"), **flags) as market:
        bot = services.start_bot(bot=cast.bot(account=market.account, run=0), requested_by="alice")
        market.tick(bot)
        assert bot.status == BotStatus.RUNNING
        assert bot.fee_rates == {"maker": "0.00018", "taker": "0.0004"}
        published = market.gateway.markets()[bot.symbol]
        assert (published.maker_fee, published.taker_fee) == (Decimal("0.0002"), Decimal("0.00055"))
        kept = as_of_start(bot, published)
        assert (kept.maker_fee, kept.taker_fee) == (Decimal("0.00018"), Decimal("0.0004"))
        shown = preview(account=bot.account, symbol=bot.symbol, strategy=bot.strategy, config=bot.config).market
        assert shown == kept


def test_a_running_bot_does_not_ask_again() -> None:
    bot = cast.bot(status=BotStatus.RUNNING, fee_rates={"maker": "0.00018", "taker": "0.0004"})
    assert market_of(bot, ETH_LINEAR, Telling(AuthenticationFailed("nobody should ask"))) == OWN  # type: ignore[arg-type]


def test_a_new_run_forgets_what_the_last_one_paid() -> None:
    bot = cast.bot(status=BotStatus.STARTING, fee_rates={"maker": "0.001", "taker": "0.001"})
    assert market_of(bot, ETH_LINEAR, Telling(OWN)) == OWN  # type: ignore[arg-type]
    assert bot.fee_rates == {"maker": "0.00018", "taker": "0.0004"}


def test_an_exchange_that_does_not_tell_leaves_the_published_ones() -> None:
    bot = cast.bot(status=BotStatus.STARTING)
    refused = AuthenticationFailed("the key may not read the account's fees")
    assert market_of(bot, ETH_LINEAR, Telling(refused)) == ETH_LINEAR  # type: ignore[arg-type]


def test_an_exchange_that_does_not_answer_now_is_asked_again_by_the_next_tick() -> None:
    bot = cast.bot(status=BotStatus.STARTING)
    with pytest.raises(RateLimited):
        market_of(bot, ETH_LINEAR, Telling(RateLimited("too many calls")))  # type: ignore[arg-type]
    assert bot.fee_rates == {}


def test_a_bot_that_gives_signals_only_asks_nobody() -> None:
    bot = cast.bot(status=BotStatus.STARTING, mode="signals")
    nobody = Telling(AuthenticationFailed("nobody should ask"))
    assert market_of(bot, ETH_LINEAR, nobody) == ETH_LINEAR  # type: ignore[arg-type]
