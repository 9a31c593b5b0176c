"""Every execution since a moment, whatever Bybit's pages and seven-day windows are."""

from __future__ import annotations

from typing import Any

import pytest

from exchange import bybit_gateway
from exchange.bybit_gateway import DAY_MS, WINDOW_MS, BybitGateway
from exchange.gateway_config import GatewayConfig
from exchange.venues import Venue
from strategies.contract import MarketKind
from tests.exchange.wire import Answer, Sent, Wire, listed

EXECUTIONS = "/v5/execution/list"


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bybit_gateway, "_empty_history", {})


def execution(number: int, time: int, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "side": "Buy", "orderId": f"order-{number}", "orderLinkId": f"link-{number}",
        "execId": f"exec-{number}", "execPrice": "50000", "execQty": "0.001", "execFee": "0.01", "feeCurrency": "USDT",
        "execType": "Trade", "execTime": str(time), "isMaker": True, **changes,
    }  # fmt: skip


class History:
    """The end point as documented: newest first, pages by cursor, at most seven days between start and end."""

    def __init__(self, executions: list[dict[str, Any]]) -> None:
        self.executions = sorted(executions, key=lambda entry: int(entry["execTime"]), reverse=True)

    def __call__(self, sent: Sent) -> Answer:
        start = int(sent.query["startTime"])
        end = int(sent.query.get("endTime", start + WINDOW_MS))
        assert end - start <= WINDOW_MS
        within = [entry for entry in self.executions if start <= int(entry["execTime"]) <= end]
        offset, limit = int(sent.query.get("cursor", 0)), int(sent.query["limit"])
        assert limit <= 100
        page = within[offset : offset + limit]
        return listed(*page, cursor=str(offset + limit) if page else "")


def ids(gateway: BybitGateway, since: int) -> list[str]:
    return [fill.trade_id for fill in gateway.fills_since(MarketKind.LINEAR, since)]


def test_more_than_two_pages_come_oldest_first(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    bybit_wire[EXECUTIONS] = History([execution(number, now - 10_000 + number) for number in range(250)])

    assert ids(bybit, now - 60_000) == [f"exec-{number}" for number in range(250)]
    assert len(bybit_wire.to(EXECUTIONS)) == 3


def test_a_page_that_is_just_full_is_not_the_end(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    bybit_wire[EXECUTIONS] = History([execution(number, now - 10_000 + number) for number in range(100)])

    assert len(ids(bybit, now - 60_000)) == 100


def test_recent_fills_cost_one_request_for_the_whole_account(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    eth = execution(2, now - 4_000, symbol="ETHUSDT")
    bybit_wire[EXECUTIONS] = History([execution(1, now - 5_000), eth])

    fills = bybit.fills_since(MarketKind.LINEAR, now - 10_000)

    assert [fill.symbol for fill in fills] == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    assert [sent.query for sent in bybit_wire.to(EXECUTIONS)] == [
        {"category": "linear", "limit": "100", "startTime": str(now - 10_000)}
    ]


def test_the_kind_decides_what_btcusdt_is(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    bybit_wire[EXECUTIONS] = History([execution(1, now - 5_000)])

    (fill,) = bybit.fills_since(MarketKind.SPOT, now - 10_000)

    assert fill.symbol == "BTC/USDT"
    assert bybit_wire.last(EXECUTIONS).query["category"] == "spot"


def test_a_month_is_read_week_by_week(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    days = [29, 22, 15, 14, 7, 1, 0]
    bybit_wire[EXECUTIONS] = History([execution(day, now - day * DAY_MS) for day in days])

    assert ids(bybit, now - 30 * DAY_MS) == [f"exec-{day}" for day in days]
    assert len(bybit_wire.to(EXECUTIONS)) == 5


def test_weeks_known_to_be_empty_are_not_read_again(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    bybit_wire[EXECUTIONS] = History([execution(1, now - 5 * DAY_MS)])
    bybit.fills_since(MarketKind.LINEAR, 0)
    many = len(bybit_wire.to(EXECUTIONS))

    assert ids(bybit, 0) == ["exec-1"]
    assert (many, len(bybit_wire.to(EXECUTIONS)) - many) == (105, 1)


def test_a_fill_that_was_seen_is_told_again_until_the_caller_moves_on(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    history = History([execution(1, now - 20 * DAY_MS), execution(2, now - 3 * DAY_MS)])
    bybit_wire[EXECUTIONS] = history

    assert [ids(bybit, now - 40 * DAY_MS) for _ in range(3)] == [["exec-1", "exec-2"]] * 3


def test_the_simulators_replayed_time_is_asked_for_at_once(bybit_wire: Wire) -> None:
    config = GatewayConfig("bybit", "simulator", "sim", "http://127.0.0.1:1", "k", "s")
    gateway = BybitGateway(config, Venue(config))
    bybit_wire[EXECUTIONS] = listed(execution(1, 1_746_000_000_000))

    assert ids(gateway, 1_700_000_000_000) == ["exec-1"]
    assert [sent.query.get("endTime") for sent in bybit_wire.to(EXECUTIONS)] == [None]


def test_executions_of_one_millisecond_keep_the_exchanges_order(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    bybit_wire[EXECUTIONS] = listed(*(execution(number, now - 1_000) for number in (3, 2, 1)))

    assert ids(bybit, now - 10_000) == ["exec-1", "exec-2", "exec-3"]


def test_an_execution_on_two_pages_is_told_once(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    page = [execution(number, now - number) for number in range(100)]
    bybit_wire[EXECUTIONS] = [listed(*page, cursor="2"), listed(page[-1])]

    assert len(ids(bybit, now - 10_000)) == 100


def test_liquidations_count_and_funding_does_not(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    kinds = ["Trade", "BustTrade", "AdlTrade", "Funding", "Settle"]
    bybit_wire[EXECUTIONS] = History(
        [execution(number, now - 9_000 + number, execType=kind) for number, kind in enumerate(kinds)]
    )

    assert ids(bybit, now - 10_000) == ["exec-0", "exec-1", "exec-2"]


def test_what_is_not_traded_here_is_left_out(bybit: BybitGateway, bybit_wire: Wire) -> None:
    now = bybit.server_time()
    bybit_wire[EXECUTIONS] = History([execution(1, now - 5_000, symbol="GONEUSDT"), execution(2, now - 4_000)])

    assert ids(bybit, now - 10_000) == ["exec-2"]
