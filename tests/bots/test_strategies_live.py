"""Each strategy through the whole stack on real candles: strategy, tick, database, ccxt over HTTP, the simulator's matching.

What it trades is what the back-test trades at the same points; what Smart Money Concepts signals is what its steps say over
the whole history. The pages and the journal tell what was seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from bots import services
from bots.lifecycle import OrderStatus
from bots.models import Bot, Fill, JournalEntry, Order, Signal, Snapshot
from bots.reconciliation import reconcile
from exchange.candles.files import Candles, read_file
from exchange.candles.source import from_directory
from strategies.contract import Point, PositionView
from strategies.feature_rows import FeatureTable
from strategies.registry import get_strategy
from tests.bots import cast
from tests.bots.candle_files import MINUTE_MS
from tests.bots.market import SteppedMarket
from tests.exchange.simulator.process import SimulatorProcess
from tests.parity import presets

pytestmark = pytest.mark.django_db(transaction=True)

FILE = presets.BTC
SYMBOL = "BTC/USDT:USDT"
MONEY = Decimal(100_000)
HYBRID, SMC, TREND = (presets.PRESETS[name]["config"] for name in ("hybrid", "smc", "trend"))
DCA = presets.DCA["config"] | {"active_safety_orders": 2}


@contextmanager
def started(
    tmp_path: Path, strategy: str, config: dict[str, Any], symbol: str = SYMBOL, mode: str = "demo", **flags: Any
) -> Iterator[Any]:
    with SimulatorProcess(tmp_path / "state", balances=f"USDT={MONEY}", **flags) as simulator:
        market = SteppedMarket(simulator)
        bot = cast.bot(
            strategy, account=market.account, symbol=symbol, strategy=strategy, config=config, mode=mode, run=0
        )
        yield market, services.start_bot(bot=bot, requested_by="alice")


def features_of(strategy: str, config: dict[str, Any], candles: Candles) -> FeatureTable:
    chosen = get_strategy(strategy)
    table = history_features(chosen, chosen.Config(**config), candles, "1m")
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("strategy", "config", "symbol", "start", "length"),
    [
        pytest.param("dca", DCA, SYMBOL, 4460, 16, id="dca"),
        pytest.param("hybrid", HYBRID, "BTC/USDT", 1932, 20, id="hybrid"),
        pytest.param("trend", TREND, SYMBOL, 1700, 20, id="trend"),
    ],
)
def test_a_strategy_trades_live_what_it_trades_in_the_back_test(
    strategy: str,
    config: dict[str, Any],
    symbol: str,
    start: int,
    length: int,
    candles_dir: Path,
    tmp_path: Path,
    client: Client,
) -> None:
    candles = read_file(candles_dir / FILE)
    candles = candles.between(int(candles.timestamp[0]), int(candles.timestamp[start + length]))
    table = features_of(strategy, config, candles)
    with started(tmp_path, strategy, config, symbol, file=candles_dir / FILE, offset=start) as (market, bot):
        market.tick(bot)
        market.run(bot, 4 * length - 1)
        market.tick(bot)
        spec = market.gateway.markets()[symbol]
        lines = reconcile(market.account, now=cast.NOW)
        listed, kept = market.listed(symbol), market.kept(bot)
    path = list(points_of(candles_of(candles), MINUTE_MS))[4 * start :]
    chosen = get_strategy(strategy)
    expected = run(chosen, chosen.Config(**config), spec, path, quote=MONEY, features=table).fills
    fills = Fill.objects.filter(bot=bot).select_related("order").order_by("id")
    assert [
        (fill.order.slot, fill.side, fill.price, fill.amount, round(fill.executed_at.timestamp() * 1000))
        for fill in fills
    ] == [(fill.slot, fill.side, fill.price, fill.amount, fill.timestamp) for fill in expected]
    assert len(expected) >= 3  # or there would be little to compare
    assert [line for line in lines if not line.equal] == []
    assert listed == kept
    assert_state_is_kept(bot, table)
    assert_every_order_is_explained(bot, client)


def test_smart_money_concepts_signals_live_what_it_sees_in_the_history(
    candles_dir: Path, tmp_path: Path, client: Client
) -> None:
    """Once for every quarter of an hour, at the point where its row is new."""
    source = from_directory(candles_dir, ["BTCUSDT"], history=90)
    candles, start, ticks = source.candles["BTCUSDT"], 2380, 14
    table = features_of("smc", SMC, candles)
    flags: dict[str, Any] = {"candles": candles_dir, "symbols": "BTCUSDT", "history": 90, "offset": start}
    with started(tmp_path, "smc", SMC, mode="signals", **flags) as (market, bot):
        times = [market.simulator.status()["time"]]
        market.tick(bot)
        for _ in range(ticks):
            times.append(market.step(4 * 15)["time"])
            market.tick(bot)
        spec = market.gateway.markets()[SYMBOL]
        assert market.listed(SYMBOL) == {}
    expected = signals_of(candles, table, times, spec)
    given = list(Signal.objects.filter(bot=bot).order_by("id"))
    assert [signal.direction for signal in given] == [direction for direction, *_ in expected]
    for signal, (_, *prices) in zip(given, expected, strict=True):
        assert [signal.entry, signal.stop_loss, signal.take_profit] == [
            pytest.approx(Decimal(repr(price)), rel=Decimal("1e-9")) for price in prices
        ]
    assert len(expected) >= 3
    assert set(Order.objects.filter(bot=bot).values_list("status", flat=True)) <= {
        OrderStatus.WITHHELD,
        OrderStatus.CANCELED,
    }
    assert_state_is_kept(bot, table)
    assert_every_order_is_explained(bot, client)
    page = client.get(f"/bots/{bot.name}/").text
    assert "Dealing ranges" in page
    assert page.count('data-key="signal-') == len(expected)


def signals_of(candles: Candles, table: FeatureTable, times: list[int], spec: Any) -> list[tuple[Any, ...]]:
    """The steps by themselves, over the features of the whole history."""
    chosen = get_strategy("smc")
    config = chosen.Config(**SMC)
    state, found = chosen.initial_state(config, spec), []
    for time in times:
        row = table.row(table.row_at(time))
        price = float(candles.open[int(candles.timestamp.searchsorted(time))])
        decision = chosen.step(
            config, spec, state, Point(time, price, row.values, row.candle_close), PositionView(), ()
        )
        state = decision.state
        if decision.signal is not None:
            signal = decision.signal
            found.append((signal.direction.value, signal.entry, signal.stop_loss, signal.take_profit))
    return found


def assert_state_is_kept(bot: Bot, table: FeatureTable) -> None:
    """Each snapshot is a state, and has the row of the whole history that had closed by then."""
    strategy = get_strategy(bot.strategy)
    snapshots = list(Snapshot.objects.filter(bot=bot))
    assert len({snapshot.candle_close for snapshot in snapshots}) >= 10  # candles
    for snapshot in snapshots:
        assert snapshot.candle_close is not None
        assert strategy.dump(strategy.load(snapshot.state)) == snapshot.state
        row = table.row(table.row_at(snapshot.candle_close))
        assert row.candle_close == snapshot.candle_close
        shown = {name: math.nan if value is None else value for name, value in snapshot.features.items()}
        assert shown == pytest.approx(dict(row.values), rel=1e-9, abs=1e-9, nan_ok=True)


def assert_every_order_is_explained(bot: Bot, client: Client) -> None:
    """By a sentence, what was seen, and the checks it passed; and its page says so."""
    client.force_login(cast.alice())
    orders = Order.objects.filter(bot=bot)
    assert orders
    for order in orders:
        entry = JournalEntry.objects.get(order=order, action="place")
        assert entry.code.split(".")[0] in {
            bot.strategy,
            *(("dca", "grid", "trend") if bot.strategy == "hybrid" else ()),
        }
        assert entry.code not in entry.sentence
        assert entry.features
        assert entry.checks
        assert all(check["passed"] for check in entry.checks)
    page = client.get(f"/orders/{order.pk}/").text
    assert "What it saw" in page
    assert "Checks before it was placed" in page
