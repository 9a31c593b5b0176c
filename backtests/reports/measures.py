"""The figures of a trial (``backtests.search.measures``) as people read them: their names, and values with their unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from backtests.reports import wording

_PERCENT: Final = ("cagr", "volatility", "max_drawdown", "ulcer_index", "win_rate")
_SIGNED: Final = ("roi", "cagr")
_COUNTED: Final = ("trades", "fills")
_MONEY: Final = ("final_equity", "fees", "expectancy")
_NAMES: Final = {"roi": "Return", "cagr": "Growth a year", "sqn": "SQN", "trades": "Round trips"}


def name_of(metric: str) -> str:
    return _NAMES.get(metric) or metric.replace("_", " ").capitalize()


def text_of(metric: str, value: float | None) -> str:
    return writer_of(metric)(value)


def texts_of(measures: Mapping[str, float | None] | None, names: tuple[str, ...] | list[str]) -> list[str]:
    return [wording.NOTHING if measures is None else text_of(name, measures.get(name)) for name in names]


def writer_of(metric: str) -> Callable[[float | None], str]:
    if metric in _SIGNED:
        return wording.signed_percent
    if metric in _PERCENT:
        return wording.percent
    if metric in _COUNTED:
        return _count
    return wording.money if metric in _MONEY else wording.ratio


def path_of(path: str) -> str:
    """A parameter's path without what all of them begin with."""
    return path.removeprefix("config.")


def _count(value: float | None) -> str:
    return wording.NOTHING if value is None else f"{value:,.0f}"
