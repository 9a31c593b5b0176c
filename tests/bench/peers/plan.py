"""Who does which work. The goals are those of the table that the comparison was asked for by."""

from __future__ import annotations

from dataclasses import dataclass

MINUTES = 525_600  # a year
SEED = 7


@dataclass(frozen=True, slots=True)
class Contender:
    """``environment`` is a name of ``environments.NAMES``, or ``""`` for ours; ``row`` a name in its script's table;
    ``cores`` how many it uses."""

    who: str
    row: str
    environment: str = ""
    script: str = ""
    note: str = ""
    cores: int = 1


@dataclass(frozen=True, slots=True)
class Work:
    """``candles`` are so many of the year; ``unit`` is what is counted by the second. ``cores`` that may be used."""

    title: str
    goal: str
    contenders: tuple[Contender, ...]
    candles: int = MINUTES
    unit: str = "candles"
    cores: int = 1


def backtesting(row: str, note: str = "") -> Contender:
    return Contender("backtesting.py", row, "backtesting", "backtesting_py.py", note)


def vectorbt(row: str, note: str = "") -> Contender:
    return Contender("vectorbt" + (", with statistics" if row.endswith("statistics") else ""), row, "vectorbt",
                     "vectorbt_.py", note)  # fmt: skip


def nautilus(row: str, note: str = "") -> Contender:
    return Contender("nautilus_trader", row, "nautilus", "nautilus.py", note)


def jesse(row: str, note: str = "") -> Contender:
    return Contender("jesse", row, "jesse", "jesse_.py", note)


def freqtrade(row: str, note: str = "") -> Contender:
    return Contender("freqtrade", row, "freqtrade", "freqtrade_.py", note)


def hftbacktest(row: str, note: str = "") -> Contender:
    return Contender("hftbacktest", row, "hftbacktest", "hftbacktest_.py", note)


def library(who: str, row: str, note: str = "") -> Contender:
    return Contender(who, row, "indicators", "indicator_libraries.py", note)


PLAN: dict[str, Work] = {
    "cross": Work(
        "EMA 20/50 cross, market orders, 0.1 % fee",
        "≥ 20 million candles/s",
        (
            Contender("ours", "cross"),
            vectorbt("cross"),
            vectorbt("cross-statistics"),
            backtesting("cross", "whole units; its statistics included"),
            nautilus("cross", "decides and trades at the close"),
            jesse("cross", "100,000 candles; decides and trades at the close"),
            freqtrade("cross"),
        ),
    ),
    "grid": Work(
        "grid of 20 intervals, limit orders, 0.02 % fee",
        "≥ 20 million candles/s",
        (
            Contender("ours", "grid"),
            vectorbt("grid", "an order function of ours: each interval once a candle"),
            backtesting("grid", "hedged trades with a take profit; ordered again in the next candle"),
            nautilus("grid"),
            hftbacktest("grid", "each candle four trades, made before"),
        ),
    ),
    "dca": Work(
        "DCA, base + 5 safety orders, 0.1 % fee",
        "≥ 20 million candles/s",
        (
            Contender("ours", "dca"),
            backtesting("dca", "a deal begins a candle after the last"),
            nautilus("dca"),
            freqtrade("dca", "50,000 candles; safety orders at the open"),
        ),
    ),
    "plain": Work(
        "a user's own strategy in plain Python, EMA cross",
        "≥ 400,000 candles/s",
        (Contender("ours", "plain", note="a fixed amount"), backtesting("cross")),
    ),
    "indicators": Work(
        "ADX with ±DI, ATR, EMA × 2, RSI, Bollinger",
        "≥ 15 million rows/s",
        (Contender("ours", "indicators"), library("TA-Lib", "talib"), library("ta", "ta", "50,000 rows")),
        unit="rows",
    ),
    "smc": Work(
        "SMC features on 15m candles",
        "≥ 1 million rows/s",
        (
            Contender("ours", "smc", note="four timeframes, both directions"),
            library(
                "smartmoneyconcepts", "smc", "10,000 rows; swings, gaps, structure, blocks, liquidity of one timeframe"
            ),
        ),
        candles=35_040,
        unit="rows",
    ),
    "smc-long": Work(
        "the same, fifteen times as long",
        "as fast by the row",
        (Contender("ours", "smc"),),
        unit="rows",
    ),
    "sweep": Work(
        "200 combinations of the EMA cross over 35,040 candles",
        "≥ 1,000 combinations/s on both cores, < 500 MB",
        (
            Contender("ours", "sweep", note="two workers that run already", cores=2),
            vectorbt("sweep", "one core: all combinations in one array"),
            backtesting("sweep", "8 of them, on one core"),
        ),
        candles=35_040,
        unit="combinations",
        cores=2,
    ),
}
# Of these the whole command is timed too, from the shell to the result.
WHOLE = ("cross", "grid")
