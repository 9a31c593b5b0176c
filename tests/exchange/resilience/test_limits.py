"""Which budgets a request is charged to: the exchanges' documents, in requests."""

from __future__ import annotations

import json

import pytest

from exchange.errors import NeedsOperator
from exchange.gateway_config import GatewayConfig
from exchange.resilience.limits import Charge, Limits


def charges(
    exchange: str, url: str, *, method: str = "GET", body: str | None = None, keys: bool = True
) -> list[Charge]:
    config = GatewayConfig(exchange, "live", f"{exchange}-live", api_key="key", api_secret="secret")
    return Limits(config, with_keys=keys).charges(method, url, body)


def figures(found: list[Charge]) -> list[tuple[str, int, float, int]]:
    """(kind of budget, limit, seconds, cost)"""
    return [(c.bucket.rsplit(":", 1)[-1], c.limit.weight, c.limit.seconds, c.cost) for c in found]


BYBIT, BINANCE, OKX = "https://api.bybit.com", "https://api.binance.com", "https://www.okx.com"
SPOT, LINEAR = '{"category": "spot"}', '{"category":"linear"}'


# A tenth below what is published: 600 in 5 s by address, 10 (spot 20) orders and 50 questions a second by account.
@pytest.mark.parametrize(
    ("path", "body", "limit"),
    [
        ("/v5/order/create", LINEAR, 9),
        ("/v5/order/create", SPOT, 18),
        ("/v5/order/amend", SPOT, 9),
        ("/v5/order/cancel", LINEAR, 9),
        ("/v5/order/cancel-all", SPOT, 18),
        ("/v5/order/realtime?category=spot", None, 45),
        ("/v5/execution/list?category=linear", None, 45),
        ("/v5/position/list?category=linear", None, 45),
        ("/v5/account/wallet-balance", None, 45),
        ("/v5/account/fee-rate?category=spot", None, 4),
        ("/v5/account/fee-rate?category=linear", None, 9),
        ("/v5/user/query-api", None, 9),
    ],
)
def test_bybits_limits(path: str, body: str | None, limit: int) -> None:
    host, account = charges("bybit", BYBIT + path, body=body)

    assert (host.bucket, host.limit.weight, host.limit.seconds) == ("host:api.bybit.com", 540, 5)
    assert (account.limit.weight, account.limit.seconds) == (limit, 1)


def test_spot_and_linear_have_budgets_of_their_own() -> None:
    spot, linear = (charges("bybit", f"{BYBIT}/v5/order/create", body=body)[1] for body in (SPOT, LINEAR))

    assert spot.bucket != linear.bucket


def test_public_questions_are_the_hosts_alone() -> None:
    assert len(charges("bybit", f"{BYBIT}/v5/market/tickers?category=linear")) == 1


def test_without_a_key_there_is_no_account() -> None:
    assert len(charges("bybit", f"{BYBIT}/v5/order/realtime", keys=False)) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{BINANCE}/api/v3/time", [("api.binance.com", 5400, 60, 1)]),
        (f"{BINANCE}/api/v3/account?timestamp=1", [("api.binance.com", 5400, 60, 20)]),
        (f"{BINANCE}/api/v3/order", [("api.binance.com", 5400, 60, 1), ("orders", 90, 10, 1)]),
        ("https://fapi.binance.com/fapi/v1/order", [("fapi.binance.com", 2160, 60, 1), ("linear", 270, 10, 1)]),
    ],
)
def test_binance_weighs(url: str, expected: list[tuple[str, int, float, int]]) -> None:
    assert figures(charges("binance", url)) == expected


def test_krakens_private_calls_count_by_key_and_its_public_ones_by_address() -> None:
    assert figures(charges("kraken", "https://api.kraken.com/0/private/Balance")) == [("private", 13, 45, 1)]
    assert figures(charges("kraken", "https://api.kraken.com/0/public/Time")) == [("api.kraken.com", 13, 15, 1)]


def test_two_keys_have_two_budgets_and_none_shows_the_key() -> None:
    buckets = set()
    for key in ("first-key", "second-key"):
        config = GatewayConfig("bybit", "live", "v", api_key=key, api_secret="s")
        buckets.add(Limits(config, with_keys=True).charges("GET", f"{BYBIT}/v5/order/realtime")[1].bucket)

    assert len(buckets) == 2
    assert "key" not in "".join(buckets)


def test_demo_and_live_are_two_accounts() -> None:
    live, demo = (
        Limits(GatewayConfig("bybit", environment, "v", api_key="k"), with_keys=True).charges(
            "GET", f"{BYBIT}/v5/order/realtime"
        )[1]
        for environment in ("live", "demo")
    )
    assert live.bucket != demo.bucket


def simulator(options: object) -> Limits:
    config = GatewayConfig(
        "bybit", "simulator", "v", base_url="http://127.0.0.1:1", api_key="k", options=json.dumps(options)
    )
    return Limits(config, with_keys=True)


def test_a_simulator_is_guarded_generously() -> None:
    (host,) = simulator({}).charges("POST", "http://127.0.0.1:1/v5/order/create", LINEAR)

    assert host.limit.weight / host.limit.seconds > 1_000


def test_a_simulator_may_be_treated_as_the_exchange_itself() -> None:
    found = simulator({"rate_limits": "published"}).charges("POST", "http://127.0.0.1:1/v5/order/create", LINEAR)

    assert figures(found) == [("1", 540, 5, 1), ("create", 9, 1, 1)]


def test_an_accounts_options_have_the_last_word() -> None:
    limits = simulator({"rate_limits": {"host": [100, 2], "account": [20, 1]}})

    assert figures(limits.charges("GET", "http://127.0.0.1:1/v5/order/realtime")) == [
        ("1", 90, 2, 1),
        ("account", 18, 1, 1),
    ]
    assert figures(limits.charges("GET", "http://127.0.0.1:1/v5/market/tickers")) == [("1", 90, 2, 1)]


@pytest.mark.parametrize(
    "said", ["generous", {"host": 5}, {"host": [0, 5]}, {"host": [5, 0]}, {"hots": [5, 5]}, {}, [1]]
)
def test_what_cannot_be_a_limit_is_refused(said: object) -> None:
    with pytest.raises(NeedsOperator, match="rate_limits"):
        simulator({"rate_limits": said})


def test_an_account_that_is_granted_less_gets_less() -> None:
    config = GatewayConfig("bybit", "live", "v", api_key="k")
    limits = Limits(config, with_keys=True)
    _, account = limits.charges("GET", f"{BYBIT}/v5/order/realtime")
    limits.learn(account, 10)
    assert limits.charges("GET", f"{BYBIT}/v5/order/realtime")[1].limit.weight == 9

    limits.learn(account, 600)
    assert limits.charges("GET", f"{BYBIT}/v5/order/realtime")[1].limit.weight == 9
