"""The table of differences: what it promises can be done, and users see the same table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bots.models.order import client_order_id
from exchange import client_ids
from exchange.traits import DuplicateIds
from exchange.venue_table import CAREFUL, VENUES, rendered, traits_of
from tests.exchange.dialects.conftest import Open
from traderagent.embedded.home import PROJECT

OURS = client_order_id(tag="1a2b3c", run=1, slot="grid:7:buy", sequence=3, attempt=0)


def test_users_read_the_table_that_gateways_act_by() -> None:
    page = (Path(PROJECT) / "docs/exchanges.md").read_text()
    begin, end = "<!-- venue table -->\n", "<!-- end of the venue table -->"
    shown = page[page.index(begin) + len(begin) : page.index(end)].strip()

    assert shown == rendered(), f"Put this between the two marks in docs/exchanges.md:\n{rendered()}"


@pytest.mark.parametrize("exchange_id", VENUES)
def test_our_client_order_ids_pass_everywhere(exchange_id: str) -> None:
    form = VENUES[exchange_id].client_id
    sent = client_ids.to_uuid(OURS) if exchange_id == "kraken" else OURS

    assert form.takes(sent)
    assert not form.takes("")


@pytest.mark.parametrize("exchange_id", VENUES)
def test_every_exchange_of_the_table_has_its_gateway(open_gateway: Open, exchange_id: str) -> None:
    from exchange.ccxt_gateway import CcxtGateway

    gateway = open_gateway(exchange_id)

    assert type(gateway) is not CcxtGateway
    assert gateway.traits is VENUES[exchange_id].traits
    assert {spec.kind for spec in gateway.markets().values()} <= VENUES[exchange_id].kinds


@pytest.mark.parametrize("exchange_id", VENUES)
def test_no_capability_on_a_kind_of_market_that_is_not_traded(exchange_id: str) -> None:
    facts = VENUES[exchange_id]

    assert facts.traits.amends <= facts.kinds
    assert facts.traits.stop_orders <= facts.kinds
    assert facts.traits.amends_stops <= facts.traits.stop_orders
    assert all(address.startswith("https://") for address in facts.documents)


def test_an_exchange_that_nobody_has_looked_at_is_trusted_with_nothing() -> None:
    traits = traits_of("somewhere")

    assert traits is CAREFUL
    assert [traits.client_order_ids, traits.finds_by_client_id] == [False, False]
    assert traits.amends | traits.amends_stops | traits.stop_orders == frozenset()
    assert traits.duplicate_ids is DuplicateIds.ACCEPTED
