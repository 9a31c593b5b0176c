"""Temporary folders that are cleared away even when their process was killed.

Whoever uses one holds a lock on a file in it, which the system lets go with the process, however it ends. A folder whose
lock nobody holds is nobody's.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PREFIX: Final = "traderagent-"
_LOCK: Final = ".in-use"
# A folder this young may be on its way to its lock.
YOUNG_SECONDS: Final = 60.0


class Scratch:
    """A folder in the system's place for temporary files, named by its ``purpose``, until :meth:`drop`."""

    def __init__(self, purpose: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
        self._lock = (self.path / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    def drop(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def sweep(purposes: tuple[str, ...] = ("candles", "study")) -> list[Path]:
    """Removes what killed processes left, and tells it."""
    swept = []
    for purpose in purposes:
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}{purpose}-*"):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
                swept.append(folder)
    return swept


def _is_abandoned(folder: Path) -> bool:
    try:
        if time.time() - folder.stat().st_mtime < YOUNG_SECONDS:
            return False
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return folder.is_dir()  # killed between the folder and its lock
    except OSError:
        return False  # another user's
    return True
