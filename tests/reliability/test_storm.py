"""A small storm: what ``make storm`` does for a day with twenty bots, for a minute and a half with six."""

from __future__ import annotations

import pytest

from tests.reliability.storm import storm

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("storm")]


def test_bots_in_a_storm_lose_nothing_and_double_nothing() -> None:
    report = storm(bots=6, minutes=1.5, kills=2, share=0.05, seed=7)
    assert len(report.safe_after) == 2 * 6
    assert sum(report.failed.values()) > 0.02 * report.requests
    assert report.fills >= 6
