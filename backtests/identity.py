"""What a result is of: one hash over the code that made it, the candles and the parameters."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from backtests.loop.records import Funding
from backtests.preset import Preset
from exchange.candles.files import COLUMNS, Candles
from strategies import registry

_PROJECT: Final = Path(__file__).resolve().parent.parent
# What a figure of a result can come from. Reports and commands show results and are left out.
_FOLDERS: Final = ("strategies", "backtests/loop", "backtests/metrics")
_FILES: Final = (
    "backtests/engine_terms.py",
    "backtests/features.py",
    "backtests/fill_names.py",
    "backtests/funding.py",
    "backtests/funding_due.py",
    "backtests/outcome.py",
    "backtests/plain_run.py",
    "backtests/preset.py",
    "backtests/rows.py",
    "backtests/running.py",
    "backtests/simulation.py",
    "backtests/symbols.py",
    "backtests/terms.py",
    "backtests/warm_up.py",
    "exchange/matching.py",
    "exchange/candles/files.py",
    "exchange/candles/merging.py",
    "exchange/candles/resampling.py",
    "exchange/candles/series.py",
)


def result_hash(preset: Preset, candles: Candles, begin: int, funding: Funding) -> str:
    """SHA-256 in hex: equal for equal code, candles, begin of trading and parameters, whatever the computer and the day."""
    digest = hashlib.sha256()
    data = (data_hash(candles), arrays_hash(funding.timestamp, funding.rate))
    for part in (code_version(preset.strategy), *data, parameters_hash(preset), str(begin)):
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()


def code_version(strategy: str) -> str:
    """Of the sources that results come from, with the strategy's own file when it is one of the user's."""
    own = registry.source_of(strategy)
    return _sources_hash() if own is None else f"{_sources_hash()} {_hash(own.read_bytes())}"


def parameters_hash(preset: Preset) -> str:
    """Equal for a default that is written out and one that is left out."""
    values = preset.model_dump(mode="json") | {"config": preset.strategy_config.model_dump(mode="json")}
    if isinstance(preset.funding, str):
        del values["funding"]  # what the file holds is data
    return _hash(orjson.dumps(values, option=orjson.OPT_SORT_KEYS))


def data_hash(candles: Candles) -> str:
    return arrays_hash(*(getattr(candles, name) for name in COLUMNS))


def arrays_hash(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for each in arrays:
        digest.update(np.ascontiguousarray(each).data)
    return digest.hexdigest()


def sources() -> list[Path]:
    """The files whose contents make the code's version."""
    paths = [path for folder in _FOLDERS for path in (_PROJECT / folder).rglob("*.py")]
    return sorted({*paths, *(_PROJECT / name for name in _FILES)})


@cache
def _sources_hash() -> str:
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path.relative_to(_PROJECT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _hash(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()
