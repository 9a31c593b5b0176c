"""What a back-test's row asks to be run, its candles loaded: one bot, or a portfolio of several."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, Protocol

from django.conf import settings

from backtests import outcome_json
from backtests.data import DataReport
from backtests.identity import code_version, data_hash, parameters_hash
from backtests.jobs.loading import load
from backtests.models import BackTest
from backtests.portfolio import outcome_json as portfolio_json
from backtests.portfolio import report as portfolio_report
from backtests.portfolio.loading import load_all, sources_of
from backtests.portfolio.outcome import sources_hash
from backtests.portfolio.preset import PortfolioPreset, portfolio_of
from backtests.portfolio.running import portfolio_back_test
from backtests.preset import Preset, preset_of
from backtests.reports import html
from backtests.running import back_test
from exchange.candles.files import Candles

# Told the share of the run that is done, 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a run, as it is kept: ``summary`` for lists, the documented JSON, the report as a page."""

    hash: str
    summary: dict[str, Any]
    write_json: Callable[[BinaryIO], None]
    page: Callable[[], str]


class Run(Protocol):
    @property
    def identity(self) -> str:
        """Known before the run: of the code, the candles, the parameters and the begin that was asked for."""

    def made(self, progress: Progress) -> Made: ...


def run_of(job: BackTest) -> Run:
    """Raises ``ValueError``: ``PresetInvalid``, ``CandleFileError``."""
    return PortfolioRun.of(job) if job.is_portfolio else BotRun.of(job)


@dataclass(frozen=True)
class BotRun:
    preset: Preset
    candles: Candles
    report: DataReport
    begin: int | None

    @classmethod
    def of(cls, job: BackTest) -> BotRun:
        preset = preset_of(job.preset)
        return cls(preset, *load(preset, job.source, job.since, job.until), job.since)

    @cached_property
    def identity(self) -> str:
        return _hash(*_of_bot(self.preset, data_hash(self.candles)), str(self.begin))

    def made(self, progress: Progress) -> Made:
        count = max(1, len(self.candles))
        outcome = back_test(
            self.preset,
            self.candles,
            begin=self.begin,
            data_report=self.report,
            progress=lambda done: progress(done / count),
        )
        return Made(
            outcome.hash,
            outcome_json.summary(outcome),
            lambda out: outcome_json.write_json(outcome, out),
            lambda: html.render(outcome),
        )


@dataclass(frozen=True)
class PortfolioRun:
    """``candles`` and ``reports`` of each bot; bots that need the same candles share them."""

    portfolio: PortfolioPreset
    candles: Sequence[Candles]
    reports: Sequence[DataReport]
    begin: int | None

    @classmethod
    def of(cls, job: BackTest) -> PortfolioRun:
        portfolio = portfolio_of(job.preset)
        sources = sources_of(portfolio, job.source.split())
        found = load_all(portfolio, sources, since=job.since, until=job.until, store=settings.CANDLE_STORE)
        return cls(portfolio, *found, job.since)

    @cached_property
    def identity(self) -> str:
        of_data = {key: data_hash(each) for key, each in {id(each): each for each in self.candles}.items()}
        bots = [
            "\n".join((bot.name, *_of_bot(bot.preset, of_data[id(each)])))
            for bot, each in zip(self.portfolio.bots, self.candles, strict=True)
        ]
        return _hash(sources_hash(), *bots, str(self.begin))

    def made(self, progress: Progress) -> Made:
        first = min(int(each.timestamp[0]) for each in self.candles)
        length = max(1, max(int(each.timestamp[-1]) for each in self.candles) - first)
        outcome = portfolio_back_test(
            self.portfolio,
            self.candles,
            begin=self.begin,
            data_reports=self.reports,
            progress=lambda time: progress(min(1.0, (time - first) / length)),
        )
        return Made(
            outcome.hash,
            portfolio_json.summary(outcome),
            lambda out: portfolio_json.write_json(outcome, out),
            lambda: portfolio_report.render(outcome),
        )


def _of_bot(preset: Preset, data: str) -> tuple[str, ...]:
    return code_version(preset.strategy), data, parameters_hash(preset)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
