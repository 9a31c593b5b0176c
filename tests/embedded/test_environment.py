"""``manage.py`` in another shell finds the stack that runs, and only that one."""

from __future__ import annotations

from pathlib import Path

import pytest

from traderagent.embedded.environment import load_environment, read_environment, write_environment
from traderagent.embedded.home import Home, StackError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    write_environment(home.environment, {"DATABASE_URL": "postgresql://a@/b?host=/c", "SECRET_KEY": "x=y"})
    return home


def test_values_are_read_back_as_they_were_written(home: Home) -> None:
    assert read_environment(home.environment) == {"DATABASE_URL": "postgresql://a@/b?host=/c", "SECRET_KEY": "x=y"}


def test_a_running_stack_is_found(home: Home) -> None:
    environ = {"TRADERAGENT_HOME": str(home.root)}
    with home.lock():
        assert load_environment(environ)
    assert environ["DATABASE_URL"] == "postgresql://a@/b?host=/c"
    assert environ["SECRET_KEY"] == "x=y"


def test_what_the_shell_has_set_wins(home: Home) -> None:
    environ = {"TRADERAGENT_HOME": str(home.root), "SECRET_KEY": "mine"}
    with home.lock():
        load_environment(environ)
    assert environ["SECRET_KEY"] == "mine"


def test_addresses_of_a_stack_that_was_killed_are_not_used(home: Home) -> None:
    environ = {"TRADERAGENT_HOME": str(home.root)}
    assert not load_environment(environ)
    assert "DATABASE_URL" not in environ


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_a_named_database_is_left_alone(home: Home, name: str) -> None:
    environ = {"TRADERAGENT_HOME": str(home.root), name: "elsewhere"}
    with home.lock():
        assert not load_environment(environ)
    assert environ == {"TRADERAGENT_HOME": str(home.root), name: "elsewhere"}


def test_a_value_of_two_lines_is_refused_by_name(home: Home) -> None:
    with pytest.raises(StackError, match=r"DEMO_PASSWORD holds a line break.*DEMO_PASSWORD_FILE"):
        write_environment(home.environment, {"DEMO_PASSWORD": "a\nSECRET_KEY=b"})
