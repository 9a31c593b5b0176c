"""The services that every test relies on are real, and private to the session."""

from __future__ import annotations

import os

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis


@pytest.mark.django_db
def test_the_database_is_postgresql_with_the_migrations_applied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from django_migrations where app = 'bots'")
        assert cursor.fetchone()[0] > 0
    assert connection.vendor == "postgresql"
    assert connection.settings_dict["NAME"].startswith("test_")


def test_redis_answers_and_belongs_to_this_worker_alone() -> None:
    redis = Redis.from_url(settings.REDIS_URL)
    redis.set("whose", os.environ.get("PYTEST_XDIST_WORKER", "main"))
    assert redis.get("whose") == os.environ.get("PYTEST_XDIST_WORKER", "main").encode()


def test_two_workers_do_not_share_a_redis_database() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(settings.REDIS_URL.rpartition("/")[2])
    assert number == (int(worker.removeprefix("gw")) + 1 if worker else 0)


@pytest.mark.xdist_group("together")
def test_groups_of_tests_are_kept_together(request: pytest.FixtureRequest) -> None:
    """Else each worker would start stacks of its own: versions of pytest and pytest-xdist that do not fit drop the groups
    without a word."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@together")
