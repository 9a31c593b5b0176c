from __future__ import annotations

import pytest
from django.conf import settings
from redis import Redis


@pytest.fixture(autouse=True)
def _nothing_known_of_earlier_exchanges() -> None:
    """Markets and breakers are kept by an exchange's address, and a port may be an earlier one's."""
    Redis.from_url(settings.REDIS_URL).flushdb()
