"""Many candle sources at once: files by name or pattern, series of the store, made-up markets, and what their names say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from backtests.made_up import PREFIX
from exchange.candles.files import describe_file

# What is traded on a made-up market.
MADE_UP_SYMBOL: Final = "MADEUPUSDT"
# exchange/kind/SYMBOL, and perhaps its timeframe.
_MARKET_PARTS, _WITH_TIMEFRAME = 3, 4


@dataclass(frozen=True, slots=True)
class NamedSource:
    """``source`` is what ``load_candles`` takes, ``symbol`` as its name says (``ETHUSDT``), ``timeframe`` where it says."""

    source: str
    exchange: str
    symbol: str
    kind: str
    timeframe: str | None

    @property
    def name(self) -> str:
        if self.source.startswith(PREFIX):
            return self.source.removeprefix(PREFIX)
        return f"{self.exchange} {self.symbol} {self.kind}"


def named_sources(said: Sequence[str]) -> list[NamedSource]:
    """Every source once, in the order given; a pattern's files by name. Raises ``ValueError`` for what names no market."""
    found: dict[str, NamedSource] = {}
    for each in said:
        matches = sorted(glob(each)) if has_magic(each) else [each]  # noqa: PTH207 (it may be absolute)
        if not matches:
            raise ValueError(f"--candles {each}: no file matches this pattern")
        for match in matches:
            one = _named(match)
            if one is not None:
                found.setdefault(match, one)
            elif not has_magic(each):
                raise ValueError(
                    f"--candles {match}: the name does not say which market it is; call the file "
                    "<exchange>_<SYMBOL>_<spot|linear>_<timeframe>.parquet (or .csv.gz), or write bybit/linear/ETHUSDT"
                )
    if not found:
        raise ValueError(f"--candles {' '.join(said)}: no file there is named as a market's candles")
    return list(found.values())


def _named(source: str) -> NamedSource | None:
    if source.startswith(PREFIX):
        return NamedSource(source, "synthetic", MADE_UP_SYMBOL, "spot", None)
    file = describe_file(Path(source))
    if file is not None:
        return NamedSource(source, file.exchange, file.symbol, file.kind, file.timeframe)
    parts = source.split("/")
    if len(parts) in (_MARKET_PARTS, _WITH_TIMEFRAME) and parts[1] in ("spot", "linear"):
        return NamedSource(source, parts[0], parts[2], parts[1], parts[3] if len(parts) == _WITH_TIMEFRAME else None)
    return None
