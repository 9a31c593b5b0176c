"""Opening and changing paper accounts, by every interface's one set of rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bots.configuration import apply_configuration, export_configuration
from exchange.accounts import AccountInUse, AccountRefused, create_account, update_account
from exchange.models import ExchangeAccount, PaperBook
from tests.bots import cast

pytestmark = pytest.mark.django_db


def opened(**fields: Any) -> ExchangeAccount:
    return create_account(owner=cast.alice(), name="paper", exchange_id="bybit", environment="paper", **fields)


def test_it_begins_with_ten_thousand_unless_told_otherwise() -> None:
    assert opened().paper_balances == {"USDT": "10000"}


def test_its_prices_are_those_of_the_real_market_and_shared_with_live_accounts() -> None:
    paper = opened()
    live = cast.account("real", environment="live", base_url="")
    assert paper.venue == live.venue == "bybit-live"
    config = paper.gateway_config()
    assert (config.environment, config.api_key) == ("live", "")
    assert config.paper is not None
    assert config.paper.account_id == paper.pk


def test_or_a_simulators() -> None:
    paper = opened(base_url="http://127.0.0.1:9000")
    assert paper.venue == "bybit-simulator-127.0.0.1-9000"
    assert paper.gateway_config().is_replayed


@pytest.mark.parametrize(
    ("fields", "field", "complaint"),
    [
        ({"paper_balances": {"USDT": "-1"}}, "paper_balances", "is not an amount of a coin"),
        ({"paper_balances": {"USDT": "lots"}}, "paper_balances", "is not an amount of a coin"),
        ({"paper_balances": {"US DT": "1"}}, "paper_balances", "is not an amount of a coin"),
        ({"paper_slippage": Decimal("0.5")}, "paper_slippage", "is a fraction between 0 and 0.1"),
        ({"api_key": "k"}, "api_key", "takes no keys"),
        ({"base_url": "somewhere"}, "base_url", "where the simulator listens"),
    ],
)
def test_what_cannot_work_is_refused(fields: dict[str, Any], field: str, complaint: str) -> None:
    with pytest.raises(AccountRefused, match=complaint) as refusal:
        opened(**fields)
    assert [problem.field for problem in refusal.value.problems] == [field]


def test_other_accounts_have_no_paper_balances() -> None:
    with pytest.raises(AccountRefused, match="paper_balances is for paper accounts only"):
        create_account(
            owner=cast.alice(), name="x", exchange_id="bybit", environment="live", paper_balances={"USDT": "1"}
        )


def test_what_it_began_with_does_not_change_afterwards() -> None:
    paper = opened()
    assert update_account(account=paper, paper_balances={"USDT": "500"}).paper_balances == {"USDT": "500"}
    PaperBook.objects.create(account=paper)
    with pytest.raises(AccountInUse, match="has begun with its balances already"):
        update_account(account=paper, paper_balances={"USDT": "1000000"})
    assert update_account(account=paper, paper_balances={}, name="renamed").name == "renamed"


def test_an_account_with_records_does_not_become_another_one() -> None:
    paper = opened()
    cast.order(cast.bot(account=paper, status="stopped"), "buy", "1", "1", mode="paper")
    with pytest.raises(AccountInUse, match="orders were placed on it"):
        update_account(account=paper, environment="live")


def test_an_unused_one_may_become_another_and_back() -> None:
    paper = update_account(account=opened(), environment="live")
    assert paper.paper_balances == {}
    assert update_account(account=paper, environment="paper").paper_balances == {"USDT": "10000"}


def test_yaml_and_back() -> None:
    text = """
accounts:
  play:
    environment: paper
    paper_balances: {USDT: 2500.50, BTC: 0.1}
    paper_slippage: 0.0005
bots:
  learner:
    account: play
    symbol: ETH/USDT
    strategy: grid
    mode: paper
    config: {lower: 1800, upper: 2200, grids: 4, investment: 1000}
"""

    def apply(document: str) -> Any:
        return apply_configuration(document, owner=cast.alice(), requested_by="alice", accounts_only=True)

    assert apply(text).created_accounts == ["play"]
    account = ExchangeAccount.objects.get(name="play")
    assert account.paper_balances == {"USDT": "2500.50", "BTC": "0.1"}
    assert account.paper_slippage == Decimal("0.0005")
    assert apply(text).unchanged == ["play"]
    assert apply(export_configuration()).unchanged == ["play"]
