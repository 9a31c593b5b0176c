"""The simulator's faults as the platform's own gateway to Bybit meets them: every one has the name that asks for the
right reaction. ETH's points are 100, 103, 90, 95, 95, 94, 110 …"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal

import pytest

from exchange.ccxt_gateway import CcxtGateway
from exchange.errors import DuplicateClientOrderId, OrderNotFound, OutcomeUnknown, TemporaryError
from exchange.gateway_config import GatewayConfig
from exchange.gateways import build_ccxt_gateway
from exchange.port import OrderReport, OrderRequest, ReportedStatus
from exchange.venues import Venue
from strategies.contract import MarketKind, OrderType, Side
from tests.exchange.simulator.process import SimulatorProcess
from tests.exchange.test_gateway_on_simulator import config_of

SPOT = "ETH/USDT"
_NUMBERS = itertools.count()


@pytest.fixture
def gateway(simulator: SimulatorProcess) -> CcxtGateway:
    key = f"gateway-{next(_NUMBERS)}"
    simulator.add_account(key, "secret", {"USDT": "10000", "ETH": "10"})
    config: GatewayConfig = config_of(simulator, api_key=key, api_secret="secret")
    built = build_ccxt_gateway(config, Venue(config))
    built.markets()
    return built


@pytest.fixture
def place(gateway: CcxtGateway) -> Callable[[str], OrderReport]:
    """``place("id")`` sends a limit buy of 2 at 96, which rests."""

    def send(client_order_id: str) -> OrderReport:
        return gateway.place(OrderRequest(SPOT, client_order_id, Side.BUY, OrderType.LIMIT, Decimal(2), Decimal(96)))

    return send


@pytest.mark.parametrize(
    "fault",
    [
        "drop-after-accept",
        "error 504 after-accept",
        "truncate",
        "truncate announced",
        "lose-response 1s",
    ],
)
def test_an_order_that_got_no_answer_is_unknown_and_is_found_by_its_id(
    simulator: SimulatorProcess, gateway: CcxtGateway, place: Callable[[str], OrderReport], fault: str
) -> None:
    simulator.inject(f"{fault} on order/create ×1")
    with pytest.raises(OutcomeUnknown):
        place("mine")
    assert gateway.order(SPOT, "mine").status is ReportedStatus.OPEN
    with pytest.raises(DuplicateClientOrderId):
        place("mine")
    assert [order.client_order_id for order in gateway.open_orders(SPOT)] == ["mine"]


@pytest.mark.parametrize("fault", ["drop-before-accept", "error 502", "maintenance"])
def test_an_order_that_did_not_arrive_is_unknown_too_and_is_not_there(
    simulator: SimulatorProcess, gateway: CcxtGateway, place: Callable[[str], OrderReport], fault: str
) -> None:
    simulator.inject(f"{fault} on order/create ×1")
    with pytest.raises(OutcomeUnknown):
        place("mine")
    assert gateway.open_orders(SPOT) == []
    place("mine")
    assert [order.client_order_id for order in gateway.open_orders(SPOT)] == ["mine"]


@pytest.mark.parametrize("fault", ["rate-limit 1s", "too-many-requests 1s"])
def test_a_refused_order_may_be_sent_again_later(
    simulator: SimulatorProcess, gateway: CcxtGateway, place: Callable[[str], OrderReport], fault: str
) -> None:
    simulator.inject(f"{fault} on order/create ×1")
    with pytest.raises(TemporaryError):
        place("mine")
    assert gateway.open_orders(SPOT) == []


def test_a_cancel_that_got_no_answer_has_happened(
    simulator: SimulatorProcess, gateway: CcxtGateway, place: Callable[[str], OrderReport]
) -> None:
    place("mine")
    simulator.inject("drop-after-accept on order/cancel ×1")
    # The gateway cancels once more by itself, and then there is nothing left to cancel.
    with pytest.raises((OutcomeUnknown, OrderNotFound)):
        gateway.cancel(SPOT, "mine")
    assert gateway.order(SPOT, "mine").status is ReportedStatus.CANCELED


def test_a_cancelled_part_is_cancelled_and_its_fill_is_told_once(
    simulator: SimulatorProcess, gateway: CcxtGateway, place: Callable[[str], OrderReport]
) -> None:
    simulator.inject("partial-fills 50%", "duplicate-executions", "out-of-order-executions")
    since = gateway.ticker(SPOT).timestamp
    place("mine")
    simulator.step(2)  # 90
    part = gateway.order(SPOT, "mine")
    assert (part.status, part.filled) == (ReportedStatus.PARTIALLY_FILLED, 1)
    gateway.cancel(SPOT, "mine")
    gone = gateway.order(SPOT, "mine")
    assert (gone.status, gone.filled) == (ReportedStatus.CANCELED, 1)
    fills = {fill.trade_id: fill for fill in gateway.fills_since(MarketKind.SPOT, since)}
    assert [(fill.amount, fill.price, fill.fee) for fill in fills.values()] == [
        (Decimal(1), Decimal(96), Decimal("0.001"))
    ]
