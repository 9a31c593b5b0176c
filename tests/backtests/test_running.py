"""Results worked out by hand, to the cent; when trading begins; what a result is identified by."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtests.identity import code_version, result_hash, sources
from backtests.outcome import Outcome
from backtests.preset import Preset, with_changes
from backtests.running import back_test
from backtests.simulation import NO_FUNDING
from backtests.warm_up import WarmUpTooShort
from exchange.candles.files import CandleFileError, Candles
from strategies import registry
from tests.backtests.worked import DEALS, DIP, HOLDING, MINUTE, START, SWING, Row, candles_of, preset
from tests.strategies.own_files import write_example

HOUR = 60 * MINUTE
PROJECT = Path(__file__).resolve().parents[2]


def run(chosen: Preset, rows: list[Row] = SWING, **options: Any) -> Outcome:
    return back_test(chosen, candles_of(rows), **options)


def test_buying_and_holding() -> None:
    """5 bought at 100 for a fee of 0.005 of them; 500 and 4.995 × 110 are 1,049.45."""
    outcome = run(preset(**HOLDING), [(100, 100, 100, 100), (100, 110, 100, 110)])
    assert outcome.equity.tolist() == pytest.approx([999.5, 1049.45])
    assert outcome.timestamps.tolist() == [START + MINUTE, START + 2 * MINUTE]
    assert outcome.position.tolist() == pytest.approx([4.995, 4.995])
    assert outcome.exposure.tolist() == pytest.approx([499.5 / 999.5, 549.45 / 1049.45])
    summary = outcome.summary
    assert summary.total_return == pytest.approx(0.04945)
    assert summary.fees == pytest.approx(0.5)
    assert (summary.fills, summary.trades) == (1, 0)
    assert summary.time_in_market == 1.0


def test_a_grid_of_four_intervals() -> None:
    """2 bought at 100 for 0.4; 1 sold at 110, bought back at 100, sold at 110; 1 sold at 120: 340 − 300 − 0.84."""
    outcome = run(preset())
    assert outcome.equity.tolist() == pytest.approx([999.6, 1014.49, 1007.39, 1039.16])
    assert [(each["side"], each["price"], each["amount"], each["fee"]) for each in outcome.to_json()["fills"]] == [
        ("buy", 100.0, 2.0, pytest.approx(0.4)),
        ("sell", 110.0, 1.0, pytest.approx(0.11)),
        ("buy", 100.0, 1.0, pytest.approx(0.1)),
        ("sell", 110.0, 1.0, pytest.approx(0.11)),
        ("sell", 120.0, 1.0, pytest.approx(0.12)),
    ]
    assert {each["trade"]: each["profit"] for each in outcome.to_json()["trades"]} == {
        "grid/2": pytest.approx(9.79),
        "grid/entry": pytest.approx(29.37),
    }
    assert outcome.summary.max_drawdown == pytest.approx(7.10 / 1014.49)
    assert outcome.position.tolist() == [2.0, 1.0, 2.0, 0.0]


def test_a_deal_with_one_safety_order() -> None:
    """1 at 100 and 1.1 at 90, average 94.7619; 2.1 sold at 99.5: 208.95 − 199 − (0.05 + 0.0198 + 0.04179)."""
    outcome = run(preset(**DEALS), DIP)
    assert outcome.equity[-1] == pytest.approx(1009.83841, abs=1e-9)
    assert outcome.equity[1] == pytest.approx(1000 - 199 - 0.0698 + 2.1 * 91)
    (trade,) = outcome.to_json()["trades"]
    assert trade["side"] == "long"
    assert trade["profit"] == pytest.approx(9.83841, abs=1e-9)
    assert trade["exit_price"] == pytest.approx(99.5)


@pytest.mark.parametrize("chosen", [preset(), preset(**HOLDING), preset(**DEALS)], ids=["grid", "holding", "deals"])
def test_machine_code_and_python_come_to_the_same(chosen: Preset) -> None:
    fast, slow = run(chosen), run(chosen, compiled=False)
    assert fast.to_json() == slow.to_json()


def test_without_a_precision_nothing_is_rounded() -> None:
    """100 at 3 are 33.3333333333 coins: the fifteenth digit of a hundred times what the balance buys."""
    chosen = preset(
        **HOLDING | {"config": {"base_order_size": 100, "safety_orders": 0, "take_profit": 900}}, precision={}
    )
    outcome = run(chosen, [(3, 3, 3, 3), (3, 3.3, 3, 3.3)])
    assert outcome.fills.amount[0] == pytest.approx(100 / 3, rel=1e-11)
    assert outcome.equity[-1] == pytest.approx(900 + 100 / 3 * 0.999 * 3.3, rel=1e-11)


def test_what_is_left_after_the_end_of_a_strategy_is_carried_on() -> None:
    """A grid that stops at 112 and keeps its coins is worth what they are at each close after it."""
    config = {"lower": 80, "upper": 111, "grids": 1, "investment": 80, "take_profit_price": 112, "on_stop": "keep"}
    outcome = run(
        preset(config=config), [(80, 80, 80, 80), (80, 112, 80, 112), (112, 130, 112, 130), (130, 130, 90, 90)]
    )
    assert outcome.simulation.finish is not None
    assert outcome.simulation.candles < 4
    assert len(outcome.equity) == len(outcome.timestamps) == 4
    left = outcome.simulation.quote + outcome.simulation.amount * np.array([130.0, 90.0])
    assert outcome.equity[2:].tolist() == left.tolist()
    assert any("finished" in each for each in outcome.assumptions)


def test_a_liquidated_account_stays_at_nothing() -> None:
    """10 bought at 100 with 150: at 85 all is gone."""
    config = {"base_order_size": 1000, "safety_orders": 0, "take_profit": 900}
    chosen = preset(**DEALS | {"config": config}, initial_balance=150, leverage=10)
    outcome = run(chosen, [(100, 100, 100, 100), (100, 100, 80, 90), (90, 120, 90, 120)])
    assert outcome.equity.tolist() == [pytest.approx(149.5), 0.0, 0.0]
    assert outcome.position.tolist() == [10.0, 0.0, 0.0]
    assert outcome.to_json()["summary"]["liquidated"]
    assert any("liquidated at" in each for each in outcome.assumptions)


def test_funding_is_paid_on_what_is_held() -> None:
    """1 at 100, held over 08:00 at 100: 0.01 % of 100."""
    config = {"base_order_size": 100, "safety_orders": 0, "take_profit": 900}
    chosen = preset(**DEALS | {"config": config}, funding="0.0001")
    eight = candles_of([(100, 100, 100, 100)] * 3, start=START + 8 * HOUR - MINUTE)
    outcome = back_test(chosen, eight)
    assert outcome.simulation.funding == pytest.approx(0.01)
    assert outcome.equity[-1] == pytest.approx(1000 - 0.05 - 0.01)


def test_refused_orders_are_told() -> None:
    outcome = run(preset(initial_balance=50))
    assert outcome.to_json()["summary"]["refused"] > 0
    assert any("refused" in each for each in outcome.assumptions)


# --- Warm-up -------------------------------------------------------------------------------------------------------


def hours(count: int) -> Candles:
    """Each candle of an hour is 10 high, so the average true range is 10."""
    return candles_of([(100, 105, 95, 100)] * count, step=HOUR)


ATR_GRID: dict[str, Any] = {
    "timeframe": "1h",
    "config": {"range_atr_multiple": 2, "atr_period": 2, "grids": 4, "investment": 400},
}


def test_a_range_in_atrs_is_taken_from_the_candles_before_the_first_one() -> None:
    outcome = back_test(preset(**ATR_GRID), hours(60))
    need = registry.get_strategy("grid").candles_needed(preset(**ATR_GRID).strategy_config)  # type: ignore[attr-defined]
    assert outcome.period[0] == START + need.count * HOUR
    assert (outcome.simulation.state.lower, outcome.simulation.state.upper) == (80.0, 120.0)


def test_python_starts_from_the_same_range_and_tells_how_far_it_is() -> None:
    told: list[int] = []
    slow = back_test(preset(**ATR_GRID), hours(3000), compiled=False, progress=told.append)
    assert (slow.simulation.state.lower, slow.simulation.state.upper) == (80.0, 120.0)
    assert len(slow.fills) > 0
    assert told[0] == 1000
    assert told == sorted(told)
    assert told[-1] == len(slow.candles)


def test_trading_begins_where_it_is_told_to() -> None:
    history = hours(60)
    later = back_test(preset(**ATR_GRID), history, begin=START + 50 * HOUR)
    assert later.period == (START + 50 * HOUR, START + 60 * HOUR)
    assert len(later.candles) == len(later.equity) == 10
    assert len(later.history) == 60


def test_too_few_candles_for_the_range_are_refused() -> None:
    with pytest.raises(WarmUpTooShort, match=r"closed candles of 1h, and by 2025-05-01 09:00 there are 10"):
        back_test(preset(**ATR_GRID), hours(10))
    with pytest.raises(WarmUpTooShort, match=r"by 2025-05-01 03:00 there are 3.*begin later"):
        back_test(preset(**ATR_GRID), hours(60), begin=START + 3 * HOUR)


def test_features_that_never_get_known_are_refused() -> None:
    chosen = preset(strategy="trend", config={"investment": 100, "timeframe": "1h"}, timeframe="1h")
    with pytest.raises(WarmUpTooShort, match=r"looks back at \d+ candles of 1h"):
        back_test(chosen, hours(20))


def test_a_begin_after_the_last_candle_is_refused() -> None:
    with pytest.raises(CandleFileError, match="no candle opens at 2025-05-01 10:00 or later"):
        run(preset(), begin=START + 10 * HOUR)


# --- Identity ------------------------------------------------------------------------------------------------------


def test_the_hash_is_of_data_parameters_and_begin() -> None:
    candles = candles_of(SWING)
    first = back_test(preset(), candles).hash
    assert len(first) == 64
    assert back_test(preset(), candles_of(SWING)).hash == first
    assert back_test(preset(gaps="skip"), candles).hash == first, "a default that is written out"
    changed = replace(candles, volume=candles.volume + 1)
    others = {
        back_test(preset(), changed).hash,
        back_test(with_changes(preset(), {"config.grids": 5}), candles).hash,
        back_test(with_changes(preset(), {"fees.maker": "0.0011"}), candles).hash,
        back_test(preset(), candles, begin=START + MINUTE).hash,
    }
    assert len(others | {first}) == 5


def test_the_hash_is_of_the_code_of_a_strategy_of_ones_own(tmp_path: Path) -> None:
    path = write_example(tmp_path)
    registry.use_folder(tmp_path)
    try:
        before = code_version("ema_cross")
        path.write_text(path.read_text() + "\n# changed\n")
        assert code_version("ema_cross") != before
        assert code_version("grid") == code_version("dca") != before
    finally:
        registry.use_folder(None)


def test_the_hash_is_of_every_file_that_a_run_imports() -> None:
    """But for those that hand candles in, name the result and hold what exchanges say, and packages without code."""
    code = (
        "import sys; from backtests.running import back_test; from tests.backtests.worked import *\n"
        "back_test(preset(), candles_of(SWING), compiled=False).summary\n"
        "print(*(each.__file__ for name, each in sys.modules.items()"
        " if name.partition('.')[0] in ('backtests', 'exchange', 'strategies')), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    others = {PROJECT / name for name in ("backtests/identity.py", "exchange/candles/store.py", "exchange/port.py")}
    imported = {Path(line) for line in done.stdout.splitlines() if not line.endswith("__init__.py")}
    assert {path for path in imported - others - {PROJECT / "exchange/traits.py"} if path not in sources()} == set()
    assert len(imported) > 60


def test_the_hash_is_of_the_platforms_code(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = candles_of(SWING)
    before = result_hash(preset(), candles, START, NO_FUNDING)
    monkeypatch.setattr("backtests.identity._sources_hash", lambda: "another version")
    assert result_hash(preset(), candles, START, NO_FUNDING) != before
