"""Results and candles on disk, below ``BACKTESTS_DIR``. Named by what they hold, so that nothing is ever overwritten.

Workers on several machines share this folder (a network volume): a result is written by one and read by the web server.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from backtests.identity import data_hash
from backtests.search.memory_map import map_columns, write_columns
from exchange.candles.files import Candles


def folder() -> Path:
    return Path(settings.BACKTESTS_DIR)


def path_of(name: str) -> Path:
    return folder() / name


def result_name(identity: str, kind: str) -> str:
    """``results/ab/abcd….json.gz``"""
    return f"results/{identity[:2]}/{identity}.{kind}"


def keep_bytes(name: str, contents: bytes) -> None:
    """Compressed, so ``name`` ends in ``.gz``."""
    keep(name, gzip.compress(contents, compresslevel=4, mtime=0))


def read_bytes(name: str) -> bytes:
    """Raises ``FileNotFoundError``."""
    return gzip.decompress(path_of(name).read_bytes())


def keep(name: str, contents: bytes) -> None:
    """Whole or not at all. What is there already stays as it is: its name says that it is the same."""
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            with suppress(FileExistsError):
                path.hardlink_to(temporary)
        finally:
            temporary.unlink()


def keep_candles(candles: Candles) -> str:
    """As columns that workers map into their memory; tells the name to map them by."""
    name = data_hash(candles)
    path = _candles(name)
    if path.is_dir():
        return name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix="."))
    try:
        write_columns(candles, temporary)
        temporary.chmod(0o755)
        with suppress(OSError):  # another worker was first
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return name


def mapped_candles(name: str) -> Candles | None:
    """``None`` when they are not here: this machine does not share the folder, or they were tidied away."""
    try:
        return map_columns(_candles(name))
    except FileNotFoundError:
        return None


def drop_candles(name: str) -> None:
    shutil.rmtree(_candles(name), ignore_errors=True)


def candles_older_than(moment: float) -> list[str]:
    """Names of mapped candles, half-written ones among them, that were written before ``moment`` (seconds, epoch)."""
    found = []
    for path in _candles("").glob("*"):
        with suppress(FileNotFoundError):  # removed meanwhile
            if path.stat().st_mtime < moment:
                found.append(path.name)
    return found


def _candles(name: str) -> Path:
    return folder() / "candles" / name
