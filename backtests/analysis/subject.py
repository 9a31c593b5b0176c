"""What an analysis is of: a preset over candles, and perhaps the search that its parameters come from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from backtests.analysis.runs import Market
from backtests.data import load_candles
from backtests.preset import Preset, PresetInvalid, load_preset, preset_of
from backtests.search.definition import SearchDefinition, SearchInvalid, is_search, load_search
from exchange.candles.files import Candles
from strategies.yaml_document import read_yaml


@dataclass(frozen=True, slots=True)
class Subject:
    """``source`` is where the candles come from; ``definition`` is there when a search was named and not a preset alone."""

    name: str
    preset: Preset
    source: str
    candles: Candles
    definition: SearchDefinition | None = None

    @property
    def market(self) -> Market:
        return Market(self.source, self.candles)

    def searched(self) -> SearchDefinition:
        """Raises ``ValueError`` when there is no search."""
        if self.definition is None:
            raise ValueError(f"{self.name} is a preset: name a search file, which says which parameters to try")
        return self.definition


def load_subject(
    path: Path,
    *,
    candles: str | None = None,
    since: int | None = None,
    until: int | None = None,
    store: str | None = None,
) -> Subject:
    """From a search file or a preset. ``store`` is where the candle store lies; ``candles`` go before those that a search names. A search's paths are relative to it.

    Raises ``PresetInvalid``, ``SearchInvalid`` or ``CandleFileError``, all of them ``ValueError`` that name field, value and
    mend.
    """
    definition = None
    if _names_parameters(path):
        definition = load_search(path)
        preset = _preset_of(definition, path)
        if candles is None and definition.candles is not None:
            beside = path.parent / definition.candles
            candles = str(beside) if beside.is_file() else definition.candles
    else:
        preset = load_preset(path)
    if candles is None:
        raise SearchInvalid([f"{path}: no candles: give --candles, or candles in a search file"])
    found, _ = load_candles(
        candles, timeframe=preset.timeframe, since=since, until=until, gaps=preset.gaps, store=store
    )
    return Subject(path.stem, preset, candles, found, definition)


def _names_parameters(path: Path) -> bool:
    try:
        return is_search(read_yaml(path.read_text(encoding="utf-8"), environ=os.environ).data)
    except (OSError, UnicodeDecodeError):
        return False  # the preset's reader tells it


def _preset_of(definition: SearchDefinition, path: Path) -> Preset:
    if isinstance(definition.preset, str):
        return load_preset(path.parent / definition.preset)
    try:
        return preset_of(definition.preset)
    except PresetInvalid as error:
        raise SearchInvalid([f"{path}: preset.{problem}" for problem in str(error).splitlines()]) from error
