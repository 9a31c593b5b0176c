from __future__ import annotations

import os
from pathlib import Path

import pytest

from traderagent.embedded.clean import clean
from traderagent.embedded.home import AlreadyRunning, ChildRecord, Home, StackError, StackRecord


def test_a_home_is_locked_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.lock():
        home.write_record(StackRecord(pid=4711, url="http://127.0.0.1:8000"))
        with pytest.raises(AlreadyRunning, match=r"pid 4711, http://127\.0\.0\.1:8000.*`kill 4711`"):
            home.lock()
    with home.lock():
        pass


def test_asking_whether_it_runs_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert not home.is_running()
    with home.lock():
        assert home.is_running()
        assert home.is_running()
    assert not home.is_running()


def test_the_record_is_read_back(tmp_path: Path) -> None:
    record = StackRecord(pid=1, url="u", ready=True, children={"web": ChildRecord(2, 3.5)})
    Home(tmp_path).write_record(record)
    assert Home(tmp_path).read_record() == record


def test_clean_removes_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.lock().close()
    assert clean(home)
    assert not home.root.exists()
    assert not clean(home)


def test_clean_refuses_while_the_stack_runs(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.lock():
        home.write_record(StackRecord(pid=os.getpid()))
        with pytest.raises(StackError, match="is running already"):
            clean(home)
    assert home.root.exists()


def test_clean_refuses_a_folder_that_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StackError, match="is not a home"):
        clean(Home(tmp_path))
    assert (tmp_path / "thesis.txt").exists()
