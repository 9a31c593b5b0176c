"""What the exchanges' documents say that an answer means for the requests to come."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from exchange.resilience.answers import Answer, Reading, read

NOW = 1_750_000_000_000
TEN_MINUTES = 600.0


def reading(status: int, headers: dict[str, str] | None = None, body: str = "", **more: object) -> Reading:
    answer = Answer(status, headers or {}, body)
    return read(answer, **{"forbidden_ban": TEN_MINUTES, "now_ms": NOW, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        # Binance: "a Retry-After header is sent with a 418 or 429".
        (418, {"Retry-After": "120"}, "", 120),
        (429, {"Retry-After": "7"}, "", 7),
        (429, {"retry-after": "7"}, "", 7),
        # … "IP banned until 1620286253180" in the body.
        (418, {}, '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1750000090000."}', 90),
        (418, {}, "", 120),
        # Bybit: "403, access too frequent … wait for at least 10 minutes".
        (403, {}, "403, access too frequent", TEN_MINUTES),
        (403, {"Retry-After": "30"}, "", 30),
        # RFC 9110: a date will do as well.
        (429, {"Retry-After": formatdate((NOW + 45_000) / 1000, usegmt=True)}, "", 45),
    ],
)
def test_bans(status: int, headers: dict[str, str], body: str, seconds: float) -> None:
    assert reading(status, headers, body).ban == pytest.approx(seconds)


@pytest.mark.parametrize(
    "body",
    [
        "The Amazon CloudFront distribution is configured to block access from your country.",
        "Service unavailable from a restricted location according to 'b. Eligibility'.",
    ],
)
def test_a_country_that_is_kept_out_is_not_a_ban_that_ends(body: str) -> None:
    assert reading(403, {}, body).ban is None


def test_where_403_means_something_else_it_is_no_ban() -> None:
    assert reading(403, {}, "forbidden", forbidden_ban=None).ban is None


@pytest.mark.parametrize(("code", "seconds"), [("10009", 600), ("10018", 5)])
def test_bybits_codes_for_a_banned_address(code: str, seconds: float) -> None:
    assert reading(200, code=code, too_many=True).ban == seconds


def test_a_limit_of_one_account_closes_until_it_resets() -> None:
    found = reading(200, {"X-Bapi-Limit-Reset-Timestamp": str(NOW + 350)}, code="10006", too_many=True)

    assert (found.ban, found.closed) == (None, 0.35)


def test_without_a_time_it_closes_for_a_second() -> None:
    assert reading(429).closed == 1.0
    # Bybit sends the present time where there is nothing to wait for.
    assert reading(200, {"X-Bapi-Limit-Reset-Timestamp": str(NOW)}, too_many=True).closed == 1.0


def test_nobody_waits_for_ever() -> None:
    assert reading(418, {"Retry-After": "99999999"}).ban == 3 * 24 * 3600
    assert reading(200, {"X-Bapi-Limit-Reset-Timestamp": str(NOW + 10**9)}, too_many=True).closed == 60


def test_the_exchanges_counts_are_read() -> None:
    bybit = reading(200, {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "3"})
    binance = reading(200, {"x-mbx-used-weight-1m": "512"})

    assert (bybit.account_limit, bybit.account_left, binance.host_used) == (10, 3, 512)
    assert (bybit.ban, bybit.closed) == (binance.ban, binance.closed) == (None, None)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1e3"])
def test_headers_that_are_no_numbers_are_passed_over(value: str) -> None:
    found = reading(200, {"X-Bapi-Limit": value, "X-Bapi-Limit-Status": value, "X-MBX-USED-WEIGHT-1M": value})

    assert found == Reading()
