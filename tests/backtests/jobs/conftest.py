from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def results_folder(settings: Any, tmp_path: Path) -> Path:
    settings.BACKTESTS_DIR = tmp_path / "backtests"
    return tmp_path / "backtests"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What would have gone to the workers, in their order."""
    from backtests import tasks

    found: list[tuple[str, int]] = []

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def delay(self, key: int) -> None:
            found.append((self.name, key))

        def si(self, key: int) -> tuple[str, int]:
            return (self.name, key)

    class Group:
        def __init__(self, messages: object) -> None:
            assert hasattr(messages, "__iter__")
            self.messages = list(messages)

        def apply_async(self) -> None:
            found.extend(self.messages)

    from backtests import services

    monkeypatch.setattr(tasks, "run_back_test", Noted("back test"))
    monkeypatch.setattr(tasks, "run_chunk", Noted("chunk"))
    monkeypatch.setattr(services, "group", Group)
    return found
