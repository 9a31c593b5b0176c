"""Every test session has its own PostgreSQL and Redis, real ones, started once and stopped at the end.

Each worker of pytest-xdist has its own database (pytest-django sees to it) and its own Redis database.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

from deploy.install import find_browser
from tests import properties
from tests.stack import Services
from traderagent.embedded.home import PROJECT

_SERVICES = pytest.StashKey[Services]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before anything imports the settings, which read the environment."""
    properties.load_profile()
    if not hasattr(config, "workerinput"):
        services = Services(environ={"TRADERAGENT_EMBEDDED": "1"})
        config.stash[_SERVICES] = services
        compilers = _compilers() if config.getoption("numprocesses", None) else []
        services.start()
        os.environ.update(services.own_environ)
        for compiler in compilers:
            assert compiler.wait() == 0, "a strategy could not be compiled: manage.py strategies compile"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker.startswith("gw"):
        server, _, _ = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{server}/{int(worker.removeprefix('gw')) + 1}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "traderagent.settings"
    from django.conf import settings

    # The real hasher takes a third of a second for each login, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # The workers inherit the environment, and pytest-django would import the settings before this hook runs there.
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    services = config.stash.get(_SERVICES, None)
    if services is not None:
        services.stop()
        services.remove()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")


def _compilers() -> list[subprocess.Popen[bytes]]:
    """Make the machine code of back-tests once for all workers, which else would each make it at the same time."""
    command = [sys.executable, "manage.py", "strategies", "compile"]
    return [
        subprocess.Popen([*command, *names], cwd=PROJECT, stdout=subprocess.DEVNULL)
        for names in (("grid", "dca"), ("smc", "trend"))
    ]


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: it names the folder with {what}")
    folder = Path(value).resolve()
    assert folder.is_dir(), f"{variable}={value} is no folder"
    return folder


@pytest.fixture(scope="session")
def candles_dir() -> Path:
    """Real candles, as Parquet and CSV files; the test is skipped without them."""
    return _folder("TRADERAGENT_CANDLES", "real candles")


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Payloads recorded from exchanges, and reference values; the test is skipped without them."""
    return _folder("TRADERAGENT_FIXTURES", "recorded payloads and reference values")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of the browser to drive; the test is skipped where none is installed."""
    found = find_browser()
    if found is None:
        pytest.skip("no Chromium or Chrome is installed, and CHROMIUM names none")
    return found
