"""What a study is of: its preset, its search and its candles, as the examinations take them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from django.conf import settings

from backtests.analysis.examinations import Coins
from backtests.analysis.grid_system.coins import preset_for
from backtests.analysis.kinds import KINDS, Kind
from backtests.analysis.options import read_options
from backtests.analysis.sources import NamedSource, named_sources
from backtests.analysis.subject import Subject
from backtests.data import load_candles
from backtests.identity import code_version, data_hash, parameters_hash
from backtests.jobs import files
from backtests.models import Study
from backtests.preset import Preset, preset_of
from backtests.search.definition import SearchDefinition, search_of
from exchange.candles.files import CandleFileError, Candles

_FOLDER: Final = Path(__file__).resolve().parent.parent
# What the figures of a study come from, beside what a back-test's do (``backtests.identity``).
_SOURCES: Final = ("analysis", "search", "statistics")


def kind_of(study: Study) -> Kind:
    return KINDS[study.kind]


def options_of(study: Study) -> dict[str, Any]:
    """With defaults; they were checked when the study was asked for."""
    return read_options(kind_of(study).options, study.options)[0]


def definition_of(study: Study) -> SearchDefinition | None:
    if not study.search:
        return None
    # In the order in which they were said: it decides about a grid's numbers, a map's axes and a sampler's chance.
    parameters = {path: study.search["parameters"][path] for path in study.paths}
    return search_of({**study.search, "parameters": parameters, "preset": study.preset})


def subject_of(study: Study) -> Subject | Coins:
    """Its candles mapped into memory. Raises ``CandleFileError``."""
    preset = preset_of(study.preset) if study.preset else None
    if kind_of(study).many:
        return Coins(
            preset,
            sources_of(study),
            lambda source, of_coin: candles_of(study, source.source, of_coin),
            study.since,
            study.until,
            settings.CANDLE_STORE,
        )
    assert preset is not None
    return Subject(str(study), preset, study.source, candles_of(study, study.source, preset), definition_of(study))


def sources_of(study: Study) -> tuple[NamedSource, ...]:
    return tuple(named_sources(study.source.split()))


def expected_runs(study: Study) -> int:
    coins = len(study.source.split())
    return kind_of(study).estimate(definition_of(study), options_of(study), coins)


def data_of(study: Study) -> dict[str, str]:
    """The hash of each source's candles, one loaded at a time; they are written where workers map them.

    Raises ``CandleFileError``; with many sources one that cannot be loaded has an empty hash, for its coin to tell why.
    """
    kind, preset = kind_of(study), preset_of(study.preset) if study.preset else None
    if not kind.many:
        assert preset is not None
        return {study.source: files.keep_candles(load(study, study.source, preset))}
    found = {}
    for source in sources_of(study):
        try:
            candles = load(study, source.source, preset_for(preset, source))
        except ValueError:
            found[source.source] = ""
        else:
            found[source.source] = files.keep_candles(candles) if kind.mapped else data_hash(candles)
    return found


def load(study: Study, source: str, preset: Preset) -> Candles:
    """As the commands load them: from the study's period and nothing before it."""
    candles, _ = load_candles(
        source,
        timeframe=preset.timeframe,
        since=study.since,
        until=study.until,
        gaps=preset.gaps,
        store=settings.CANDLE_STORE,
    )
    return candles


def candles_of(study: Study, source: str, preset: Preset) -> Candles:
    """Mapped where they were written; on a machine that does not share the folder loaded again, and kept there.

    Raises ``CandleFileError`` when they are not the same any more.
    """
    name = study.data[source]
    found = files.mapped_candles(name) if name else None
    if found is not None:
        return found
    loaded = load(study, source, preset)
    require_same(study, source, data_hash(loaded))
    files.keep_candles(loaded)
    return files.mapped_candles(name) or loaded


def require_same(study: Study, source: str, found: str) -> None:
    """Raises ``CandleFileError`` when the candles that were found are not those that the study began with."""
    if found != study.data[source]:
        raise CandleFileError(f"{source} holds other candles than when the study began: begin it again")


def identity_of(study: Study, data: dict[str, str]) -> str:
    """SHA-256 over code, candles and everything asked: equal for equal results."""
    definition, preset = definition_of(study), preset_of(study.preset) if study.preset else None
    parts = {
        "kind": study.kind,
        "options": options_of(study),
        "search": None if definition is None else definition.to_json() | {"trials": definition.trials},
        "preset": None if preset is None else parameters_hash(preset),
        "code": [code_version("grid" if preset is None else preset.strategy), _analysis_hash()],
        "data": data,
        "period": [study.since, study.until],
    }
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


@cache
def _analysis_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for folder in _SOURCES for path in (_FOLDER / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(_FOLDER)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
