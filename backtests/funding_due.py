"""The funding that falls due in a run: of a file of rates, or of one rate every eight hours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from backtests.funding import read_funding
from backtests.loop.records import Funding
from backtests.preset import Preset
from backtests.simulation import NO_FUNDING
from exchange.candles.files import CandleFileError
from exchange.candles.series import HOUR_MS, utc

EVERY_MS: Final = 8 * HOUR_MS
# A rate above it is one that was written in percent; exchanges cap theirs at a few percent.
LARGEST: Final = 0.1


def funding_of(preset: Preset, begin: int, end: int) -> Funding:
    """The rates due in ``[begin, end)`` (ms UTC): at 00:00, 08:00 and 16:00 where the preset gives one rate.

    Raises ``CandleFileError`` for a file that cannot be used, or does not reach over the period.
    """
    if preset.funding is None:
        return NO_FUNDING
    if isinstance(preset.funding, str):
        return _of_file(Path(preset.funding), begin, end)
    times = np.arange(-(-begin // EVERY_MS) * EVERY_MS, end, EVERY_MS, dtype=np.int64)
    return Funding(times, np.full(len(times), float(preset.funding)))


def _of_file(path: Path, begin: int, end: int) -> Funding:
    try:
        found = read_funding(path)
    except (OSError, ValueError) as error:
        raise CandleFileError(
            f"funding: {path} cannot be read: {error}. A file is looked for in the working directory, then beside the preset"
        ) from error
    times, rates = found
    if not len(times) or times[0] >= begin + EVERY_MS or times[-1] < end - EVERY_MS:
        reach = f"reaches from {utc(int(times[0]))} to {utc(int(times[-1]))}" if len(times) else "is empty"
        raise CandleFileError(
            f"funding: {path} {reach}, and the run goes from {utc(begin)} to {utc(end)}: give rates for all of it"
        )
    if not np.all(np.abs(rates) <= LARGEST):
        raise CandleFileError(f"funding: the rates of {path} must be fractions such as 0.0001")
    due = slice(*np.searchsorted(times, [begin, end]).tolist())
    return Funding(times[due], rates[due])
