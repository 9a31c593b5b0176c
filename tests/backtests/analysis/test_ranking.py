"""One strategy over coins whose results are known: order, distribution, correlation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtests.analysis.ranking import Ranked, correlations, rank
from backtests.analysis.runs import OwnRuns
from backtests.analysis.sources import named_sources
from backtests.preset import Preset
from backtests.synthetic import Layout, random_walk, trend
from exchange.candles.files import COLUMNS, Candles

HOUR = 3_600_000


def written(candles: Candles, path: Path) -> str:
    pd.DataFrame({name: getattr(candles, name) for name in COLUMNS}).to_parquet(path)
    return str(path)


def test_coins_are_ranked_and_one_that_cannot_be_run_is_told(preset: Preset, tmp_path: Path) -> None:
    layout = Layout(24 * 20, timeframe=HOUR)
    for symbol, drift in (("AAAUSDT", 0.0005), ("BBBUSDT", 0.002), ("CCCUSDT", -0.001)):
        written(trend(layout, 0, drift=drift), tmp_path / f"made_{symbol}_spot_1h.parquet")
    (tmp_path / "made_DDDUSDT_spot_1h.parquet").write_bytes(b"no candles")
    (tmp_path / "notes_of_mine.parquet").write_bytes(b"no candles either")
    sources = named_sources([str(tmp_path / "*.parquet")])
    with OwnRuns(tmp_path, 1) as runs:
        found = rank(preset, sources, runs, by="roi")
    assert [each.symbol for each in found.entries] == ["BBB/USDT", "AAA/USDT", "CCC/USDT", "DDDUSDT"]
    assert "DDDUSDT" in found.entries[-1].error
    assert found.profitable == pytest.approx(2 / 3)
    # The hill at its middle holds 0.92 of 900 of 1,000: growth times that.
    growth = float(np.exp(0.002 * 24 * 20)) - 1.0
    best = found.entries[0].measures
    assert best is not None
    assert best["roi"] == pytest.approx(0.9 * 0.92 * growth, rel=1e-3)
    assert found.entries[0].held == pytest.approx(growth, rel=1e-3)
    rois = [each.measures["roi"] for each in found.run if each.measures]
    assert found.distribution()["roi"]["50"] == pytest.approx(float(np.median(rois)))
    assert found.to_json()["ranking"][3]["rank"] is None


def test_returns_are_correlated_over_the_days_that_two_coins_have_in_common() -> None:
    random = np.random.default_rng(0)
    market, own = random.normal(0.0, 0.01, 100), random.normal(0.0, 0.01, 100)
    days = np.arange(100, dtype=np.int64)

    def coin(name: str, first: int, end: int, returns: np.ndarray) -> Ranked:
        return Ranked(name, name, name, {}, days=days[first:end], returns=returns[first:end])

    found = correlations(
        [coin("a", 0, 80, market), coin("b", 20, 100, market + own), coin("c", 95, 100, own), coin("d", 0, 99, 0 * own)]
    )
    assert found[0, 1] == found[1, 0] == pytest.approx(np.corrcoef(market[20:80], (market + own)[20:80])[0, 1])
    assert found[0, 0] == pytest.approx(1.0)
    assert np.isnan(found[0, 2])  # no day in common
    assert np.isnan(found[0, 3])  # it never moves


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["mine.parquet"], "the name does not say which market it is; call the file"),
        (["none_*_here.parquet"], "no file matches this pattern"),
    ],
)
def test_candles_that_name_no_market_are_refused(said: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        named_sources(said)


def test_series_of_the_store_are_named_by_their_parts() -> None:
    first, second = named_sources(["bybit/linear/ETHUSDT", "bybit/spot/BTCUSDT/5m"])
    assert (first.symbol, first.kind, first.timeframe) == ("ETHUSDT", "linear", None)
    assert (second.symbol, second.kind, second.timeframe) == ("BTCUSDT", "spot", "5m")


def test_a_figure_that_is_none_is_refused(preset: Preset) -> None:
    with OwnRuns(Path(), 1) as runs, pytest.raises(ValueError, match="--by beauty: coins are ranked by"):
        rank(preset, [], runs, by="beauty")


def test_a_ranking_of_nothing_says_why(preset: Preset, tmp_path: Path) -> None:
    layout = Layout(30, timeframe=24 * HOUR)
    source = written(random_walk(layout, 1), tmp_path / "made_AAAUSDT_spot_1d.parquet")
    with OwnRuns(tmp_path, 1) as runs, pytest.raises(ValueError, match="not one of 1 coins could be run"):
        rank(preset, named_sources([source]), runs)
