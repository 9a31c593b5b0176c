"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bots import number_format


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1234567.8900", "1,234,567.89"),
        ("0.00000823", "0.00000823"),
        ("0.270000000000000000", "0.27"),
        ("100", "100"),
        ("1E+3", "1,000"),
        ("-0.5", "−0.5"),
        ("0", "0"),
    ],
)
def test_an_exchange_s_number_keeps_every_digit_that_counts(value: str, shown: str) -> None:
    assert number_format.exact(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1815.912345678", "1,815.91"),
        ("18.123456", "18.1235"),
        ("0.0000082312345", "0.0000082312"),
        ("-2.5", "−2.5"),
        ("0", "0"),
    ],
)
def test_a_computed_price_is_rounded_to_what_can_be_read(value: str, shown: str) -> None:
    assert number_format.rounded(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12.345", "+12.34"),
        ("-1234.5", "−1,234.50"),
        ("0.12345", "+0.1234"),
        ("0", "0.00"),
        ("-0.00001", "0.00"),
        ("0.00001", "0.00"),
    ],
)
def test_profit_has_a_sign_unless_it_is_nothing(value: str, shown: str) -> None:
    assert number_format.signed_money(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (97_200, "1 d 3 h"),
    ],
)
def test_an_age_is_told_in_its_two_biggest_units(seconds: float, shown: str) -> None:
    now = datetime(2025, 5, 4, 12, 0, tzinfo=UTC)
    assert number_format.age(now - timedelta(seconds=seconds), now) == shown


def test_a_share_is_shown_in_percent() -> None:
    assert number_format.signed_percent(Decimal("0.01234")) == "+1.23 %"
    assert number_format.signed_percent(Decimal("-0.00001")) == "0.00 %"
