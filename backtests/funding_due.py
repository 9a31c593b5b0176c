"""What positions of a linear market pay each other: a series of rates from a file, or one rate every eight hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from backtests.loop.records import Funding
from backtests.preset import Preset
from backtests.simulation import NO_FUNDING
from exchange.candles.files import CandleFileError
from exchange.candles.series import HOUR_MS, utc

EVERY_MS: Final = 8 * HOUR_MS
_RATES: Final = ("funding_rate", "fundingRate", "rate")
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
    times, rates = _columns(path)
    if not len(times) or times[0] >= begin + EVERY_MS or times[-1] < end - EVERY_MS:
        reach = f"reaches from {utc(int(times[0]))} to {utc(int(times[-1]))}" if len(times) else "is empty"
        raise CandleFileError(
            f"funding: {path} {reach}, and the run goes from {utc(begin)} to {utc(end)}: give rates for all of it"
        )
    if np.any(np.diff(times) <= 0) or not np.all(np.abs(rates) <= LARGEST):
        raise CandleFileError(f"funding: the times of {path} must rise, and its rates be fractions such as 0.0001")
    due = slice(*np.searchsorted(times, [begin, end]).tolist())
    return Funding(times[due], rates[due])


def _columns(path: Path) -> tuple[Any, Any]:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    from exchange.candles.csv_files import milliseconds

    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else pa.csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise CandleFileError(
            f"funding: {path} cannot be read: {error}. A file is looked for in the working directory, then beside the preset"
        ) from error
    rate = next((name for name in _RATES if name in table.column_names), None)
    if rate is None or "timestamp" not in table.column_names:
        raise CandleFileError(f"funding: {path} needs the columns timestamp (ms UTC) and funding_rate")
    times = milliseconds(table["timestamp"].cast(pa.int64()).to_numpy())
    return times, table[rate].cast(pa.float64()).to_numpy()
