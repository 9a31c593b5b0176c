"""The supervisor with PostgreSQL and Redis alone: what it does for them it does for every process."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from tests.stack import Services, wait_for


@pytest.fixture
def services() -> Iterator[Services]:
    with Services() as services:
        yield services


def _execute(services: Services, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(services.own_environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _redis(services: Services) -> Redis:
    return Redis.from_url(services.own_environ["REDIS_URL"])


def _answers(services: Services) -> bool:
    try:
        return _execute(services, "select 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def test_a_second_start_says_who_runs_and_changes_nothing(services: Services) -> None:
    pids = services.pids
    second = Services(home=services.home.root)
    second.launch()
    assert second.wait() == 1
    assert f"is running already (pid {services.supervisor_pid})" in second.output
    assert services.pids == pids
    assert _answers(services)


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_crashed_service_is_started_again_with_its_data(services: Services, name: str) -> None:
    _execute(services, "create table kept as select 42 as answer")
    _redis(services).set("kept", "42")
    services.wait_restarted(name, services.kill(name))
    wait_for(lambda: _answers(services), timeout=60, what="PostgreSQL answers again")
    assert _execute(services, "select answer from kept") == [(42,)]
    assert _redis(services).get("kept") == b"42"
    assert f"{name} was ended by signal 9; starting it again" in services.output


def test_the_next_start_goes_on_from_there(home: Path) -> None:
    services = Services(home=home)
    with services:
        _execute(services, "create table kept as select 42 as answer")
        _redis(services).set("kept", "42")
        secrets = services.home.secrets.read_text()
    with services:
        assert _execute(services, "select answer from kept") == [(42,)]
        assert _redis(services).get("kept") == b"42"
        assert services.home.secrets.read_text() == secrets


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_no_process(services: Services, number: signal.Signals) -> None:
    os.kill(services.supervisor_pid, number)
    assert services.wait() == 0
    assert services.leftovers() == []
    assert not services.home.environment.exists()
    assert not services.home.record.exists()


def test_a_client_that_stays_connected_does_not_keep_it_from_stopping(services: Services) -> None:
    with psycopg.connect(services.own_environ["DATABASE_URL"]) as connection:
        connection.execute("create table never_committed (id int)")
        assert services.stop(timeout=10) == 0
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_works(services: Services) -> None:
    _execute(services, "create table kept as select 42 as answer")
    services.kill_supervisor()
    wait_for(lambda: services.leftovers() == [], timeout=60, what="PostgreSQL and Redis end with their supervisor")
    services.start()
    assert _execute(services, "select answer from kept") == [(42,)]


def test_two_homes_run_side_by_side(services: Services) -> None:
    with Services() as other:
        _execute(services, "create table mine (id int)")
        assert _execute(other, "select to_regclass('mine')") == [(None,)]
        assert other.own_environ["REDIS_URL"] != services.own_environ["REDIS_URL"]
    assert _answers(services)


def test_a_path_too_long_for_a_socket_is_no_obstacle(home: Path) -> None:
    long = home / ("long" * 20) / ("longer" * 15)
    long.mkdir(parents=True)
    services = Services(home=long)
    with services:
        assert _answers(services)
        socket_folder = Path(str(_execute(services, "show unix_socket_directories")[0][0]))
        assert socket_folder != long / "postgres"
        assert not socket_folder.stat().st_mode & 0o077
    assert not socket_folder.exists()


def test_redis_wants_its_password(services: Services) -> None:
    url = services.own_environ["REDIS_URL"]
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")


def test_what_was_made_by_another_postgresql_is_not_touched(home: Path) -> None:
    services = Services(home=home)
    with services:
        pass
    version = services.home.postgres / "PG_VERSION"
    version.write_text("12\n")
    services.launch()
    assert services.wait() == 1
    assert "was made by PostgreSQL 12" in services.output
    assert services.leftovers() == []
