"""What a running bot sees of closed candles: the rows of the back-test, computed once for each candle."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtests.engine import run
from backtests.features import history_features
from backtests.points import candles_of, points_of
from bots import services
from bots.features import LISTING_MS, newest_features
from bots.lifecycle import BotStatus
from bots.models import Bot, Event, EventKind, Fill, JournalEntry
from bots.scene import NewestFeatures, Waiting
from bots.tick import TickOutcome
from exchange.candles.files import Candles, read_file
from exchange.models import ExchangeAccount
from exchange.port import Candle, Ticker
from strategies import registry
from strategies.contract import Point
from tests.bots import cast
from tests.bots.candle_files import MINUTE_MS, path_of
from tests.bots.market import SteppedMarket, stepped_market
from tests.bots.witness import Witness, WitnessConfig
from tests.exchange.simulator.process import SimulatorProcess
from tests.strategies.own_files import write_example

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "binance_ETHUSDT_linear_1m_202505.parquet"
# The warm-up of 48 candles of five minutes, and some.
WARM = 250
FIVE_MINUTES = 5 * MINUTE_MS


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    found = Witness()
    for module in ("bots.decision", "bots.tick", "bots.preflight", "strategies.parsing"):
        monkeypatch.setattr(f"{module}.get_strategy", lambda name: found)
    return found


def witness_bot(name: str = "witness", **fields: Any) -> Bot:
    return cast.bot(name, **{"strategy": "witness", "config": {}, "run": 0, **fields})


def started(bot: Bot, market: SteppedMarket) -> Bot:
    bot = services.start_bot(bot=bot, requested_by="alice")
    assert market.tick(bot) is TickOutcome.DONE
    return bot


# --- The same rows as the back-test ----------------------------------------------------------------------------------


def test_live_and_back_test_show_the_same_rows_at_the_same_instants(
    witness: Witness, candles_dir: Path, tmp_path: Path
) -> None:
    candles = head(read_file(candles_dir / FILE), WARM + 15)
    with SimulatorProcess(tmp_path / "state", file=candles_dir / FILE, balances="USDT=1000") as simulator:
        market = SteppedMarket(simulator)
        market.step(4 * WARM)
        bot = started(witness_bot(account=market.account), market)
        market.run(bot, 4 * 12)
    live = list(witness.points)
    expected = in_back_test(candles)
    assert len(live) == 49
    assert {point.timestamp % MINUTE_MS for point in live} == {0, 20_000, 40_000, 59_999}
    for point in live:
        same = expected[point.timestamp]
        assert point.price == same.price
        assert point.candle_close == same.candle_close
        assert point.features == pytest.approx(dict(same.features), rel=1e-9, abs=0)
    # Or there would be little to compare.
    assert len({point.candle_close for point in live}) >= 12
    assert len({point.features["slow"] for point in live}) >= 3


def in_back_test(candles: Candles) -> dict[int, Point]:
    witness, config = Witness(), WitnessConfig()
    table = history_features(witness, config, candles, "1m")
    points = points_of(candles_of(candles), MINUTE_MS)
    run(witness, config, cast.ETH_LINEAR, points, quote=Decimal(1000), features=table)
    return {point.timestamp: point for point in witness.points}


def head(candles: Candles, count: int) -> Candles:
    return candles.between(int(candles.timestamp[0]), int(candles.timestamp[count]))


def test_a_file_of_ones_own_trades_live_what_it_trades_in_the_back_test(candles_dir: Path, tmp_path: Path) -> None:
    """The recipe's example, dropped into the folder while everything runs."""
    registry.use_folder(tmp_path)
    write_example(tmp_path)
    start, points = 60, 4 * 40
    config = {"timeframe": "1m", "fast": 2, "slow": 3, "amount": 0.5}
    try:
        with SimulatorProcess(tmp_path / "state", file=candles_dir / FILE, balances="USDT=10000") as simulator:
            market = SteppedMarket(simulator)
            market.step(4 * start)
            bot = cast.bot(account=market.account, strategy="ema_cross", config=config, run=0)
            bot = started(bot, market)
            market.run(bot, points)
            market.tick(bot)
        strategy = registry.get_strategy("ema_cross")
    finally:
        registry.use_folder(None)
    candles = head(read_file(candles_dir / FILE), start + points // 4 + 1)
    table = history_features(strategy, strategy.Config(**config), candles, "1m")
    path = list(points_of(candles_of(candles), MINUTE_MS))[4 * start : 4 * start + points + 1]
    expected = run(
        strategy, strategy.Config(**config), cast.ETH_LINEAR, path, quote=Decimal(10_000), features=table
    ).fills
    fills = Fill.objects.filter(bot=bot).order_by("id")
    assert [(fill.side, fill.price, fill.amount, milliseconds(fill)) for fill in fills] == [
        (fill.side, fill.price, fill.amount, fill.timestamp) for fill in expected
    ]
    assert len(expected) >= 4


def milliseconds(fill: Fill) -> int:
    return round(fill.executed_at.timestamp() * 1000)


# --- A young market --------------------------------------------------------------------------------------------------


def test_too_few_candles_are_said_once_and_nothing_is_known(witness: Witness, tmp_path: Path) -> None:
    with stepped_market(tmp_path, path_of(*["1900"] * 30)) as market:
        market.step(4 * 12)
        bot = started(witness_bot(account=market.account), market)
        market.run(bot, 8)
    assert len(witness.points) == 9
    for point in witness.points:
        assert set(point.features) == {"close", "fast", "slow"}
        assert all(math.isnan(value) for value in point.features.values())
        assert point.candle_close is not None
        assert point.candle_close <= point.timestamp < point.candle_close + MINUTE_MS
    said = JournalEntry.objects.filter(bot=bot, code="features.waiting").order_by("id")
    assert [entry.sentence for entry in said] == [
        "Waits for 48 closed candles of 1m, there are 12: until then the strategy knows none of its indicators.",
        "Waits for 48 closed candles of 5m, there are 2: until then the strategy knows none of its indicators.",
    ]


# --- Once for each candle --------------------------------------------------------------------------------------------


@dataclass
class Listing:
    """An exchange's candles of flat minutes at rising prices, listed ``lag`` ms after their close.

    ``now`` is the exchange's own time; ``asked`` are the timeframes it was asked for.
    """

    begin: int
    now: int
    lag: int = 0
    quiet: frozenset[int] = frozenset()  # open times of minutes in which nobody traded
    asked: list[str] = field(default_factory=list)

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        self.asked.append(timeframe)
        step = {"1m": MINUTE_MS, "5m": FIVE_MINUTES}[timeframe]
        first = max(self.begin, since or 0)
        listed = range(first - first % step, self.now - step - self.lag + 1, step)
        return [flat(opened) for opened in listed if opened not in self.quiet or step > MINUTE_MS][:limit]


def flat(opened: int) -> Candle:
    price = Decimal(1000 + opened // MINUTE_MS % 1000)
    return Candle(opened, price, price, price, price, Decimal(1))


_ports = itertools.count(20_000)


@pytest.fixture
def place() -> ExchangeAccount:
    """An account at a place of its own: nobody has asked for its candles yet."""
    return cast.account(f"place {(port := next(_ports))}", base_url=f"http://127.0.0.1:{port}")


# Midnight, when candles of one and of five minutes open.
MIDNIGHT = 1_746_316_800_000


def listing(**fields: Any) -> Listing:
    return Listing(**{"begin": MIDNIGHT - 60 * FIVE_MINUTES, "now": MIDNIGHT, **fields})


def seen(bot: Bot, exchange: Listing, now: int) -> NewestFeatures:
    exchange.now = now
    price = Decimal(1900)
    ticker = Ticker(symbol=bot.symbol, bid=price, ask=price, last=price, timestamp=now)
    return newest_features(bot, gateway=exchange, ticker=ticker)  # type: ignore[arg-type]


def test_between_two_closes_nothing_is_asked_and_nothing_computed(witness: Witness, place: ExchangeAccount) -> None:
    bots = [witness_bot(f"bot-{number}", account=place) for number in range(3)]
    other = witness_bot("other", account=place, config={"shift": 1})
    exchange = listing()
    for now in range(MIDNIGHT, MIDNIGHT + MINUTE_MS, 10_000):
        rows = [seen(bot, exchange, now) for bot in bots]
        assert {row.row.candle_close for row in rows} == {MIDNIGHT}
    assert witness.computed == 1
    assert sorted(exchange.asked) == ["1m", "5m"]
    # Another configuration is computed for itself, from the same candles.
    seen(other, exchange, MIDNIGHT + 30_000)
    assert witness.computed == 2
    assert sorted(exchange.asked) == ["1m", "5m"]
    # The next minute closes, the five minutes have not: those are still in Redis.
    assert seen(bots[0], exchange, MIDNIGHT + MINUTE_MS).row.candle_close == MIDNIGHT + MINUTE_MS
    assert witness.computed == 3
    assert sorted(exchange.asked) == ["1m", "1m", "5m"]


def test_a_price_from_before_the_close_does_not_see_the_new_row(witness: Witness, place: ExchangeAccount) -> None:
    bot, exchange = witness_bot(account=place), listing()
    assert seen(bot, exchange, MIDNIGHT).row.candle_close == MIDNIGHT
    assert seen(bot, exchange, MIDNIGHT - 1).row.candle_close == MIDNIGHT - MINUTE_MS


def test_a_candle_is_not_closed_for_us_until_the_exchange_lists_it(witness: Witness, place: ExchangeAccount) -> None:
    """Neither the minute nor the five minutes that close with it: the row before stays, in one piece."""
    bot, exchange = witness_bot(account=place), listing(lag=3_000)
    before = seen(bot, exchange, MIDNIGHT - 1).row
    assert before.candle_close == MIDNIGHT - MINUTE_MS
    for late in (0, 1_000, 2_000):
        assert seen(bot, exchange, MIDNIGHT + late).row == before
    # Redis keeps what was listed for a second of its own; a later price asks again.
    after = seen_later(bot, exchange, MIDNIGHT + 4_000)
    assert after.row.candle_close == MIDNIGHT
    assert after.row.values["close"] == float(flat(MIDNIGHT - MINUTE_MS).close)


def test_a_minute_without_a_trade_is_waited_for_only_so_long(witness: Witness, place: ExchangeAccount) -> None:
    bot = witness_bot(account=place)
    exchange = listing(quiet=frozenset({MIDNIGHT - MINUTE_MS}))
    assert seen(bot, exchange, MIDNIGHT + LISTING_MS - 1).row.candle_close == MIDNIGHT - MINUTE_MS
    exchange.quiet = frozenset({MIDNIGHT, MIDNIGHT + MINUTE_MS})
    later = seen_later(bot, exchange, MIDNIGHT + 2 * MINUTE_MS + LISTING_MS)
    assert later.row.candle_close == MIDNIGHT
    assert later.waiting == ()


def test_the_warm_up_is_counted_in_candles_not_in_minutes(witness: Witness, place: ExchangeAccount) -> None:
    """Every second minute without a trade: a window of as many minutes would hold half the candles."""
    bot = witness_bot(account=place, config={"period": 30})
    every_second = frozenset(range(MIDNIGHT - 3000 * MINUTE_MS, MIDNIGHT, 2 * MINUTE_MS))
    exchange = listing(begin=MIDNIGHT - 600 * FIVE_MINUTES, quiet=every_second)
    found = seen(bot, exchange, MIDNIGHT)
    assert found.waiting == ()
    assert found.row.values["close"] == float(flat(MIDNIGHT - MINUTE_MS).close)
    assert not math.isnan(found.row.values["fast"])


def test_a_market_that_is_too_young_tells_how_many_candles_it_has(witness: Witness, place: ExchangeAccount) -> None:
    bot, exchange = witness_bot(account=place), listing(begin=MIDNIGHT - 20 * MINUTE_MS)
    found = seen(bot, exchange, MIDNIGHT)
    assert found.waiting == (Waiting("1m", 48, 20), Waiting("5m", 48, 4))
    assert all(math.isnan(value) for value in found.row.values.values())


def test_no_candle_at_all_is_no_row(witness: Witness, place: ExchangeAccount) -> None:
    found = seen(witness_bot(account=place), listing(begin=MIDNIGHT), MIDNIGHT)
    assert found.row.candle_close is None
    assert all(math.isnan(value) for value in found.row.values.values())
    assert set(found.row.values) == {"close", "fast", "slow"}


def test_a_configuration_that_looks_at_no_candles_asks_for_none(witness: Witness, place: ExchangeAccount) -> None:
    bot, exchange = witness_bot(account=place, config={"period": 0}), listing()
    assert seen(bot, exchange, MIDNIGHT) == NewestFeatures()
    assert (exchange.asked, witness.computed) == ([], 0)


def seen_later(bot: Bot, exchange: Listing, now: int) -> NewestFeatures:
    """Once what Redis keeps of an unlisted candle has lapsed."""
    from exchange.prices import redis_client

    for key in redis_client().scan_iter("candles:*"):
        redis_client().delete(key)
    return seen(bot, exchange, now)


# --- A strategy that fails -------------------------------------------------------------------------------------------


def test_features_that_fail_take_the_bot_off_the_market_and_not_the_winding_down(
    witness: Witness, tmp_path: Path
) -> None:
    with stepped_market(tmp_path, path_of(*["1900"] * 30)) as market:
        bot = started(witness_bot(account=market.account), market)
        witness.fails = "no such column"
        market.step(4)
        assert [market.tick(bot) for _ in range(3)] == [TickOutcome.FAILED] * 3
        assert bot.status == BotStatus.EMERGENCY
        assert market.tick(bot) is TickOutcome.DONE
    said = Event.objects.filter(bot=bot, kind=EventKind.STRATEGY_ERROR).values_list("message", flat=True)
    assert set(said) == {"The strategy failed: ArithmeticError: no such column"}


def test_a_bot_whose_strategy_has_gone_is_told_so(tmp_path: Path) -> None:
    with stepped_market(tmp_path, path_of(*["1900"] * 30)) as market:
        bot = cast.bot(strategy="mislaid", config={}, account=market.account, status=BotStatus.RUNNING)
        account = market.account
        account.baseline, account.fills_cursor = {"coins": {}, "positions": {}}, {"linear": 0}
        account.save()
        assert market.tick(bot) is TickOutcome.FAILED
    assert "There is no strategy called 'mislaid'" in Event.objects.get(kind=EventKind.STRATEGY_ERROR).message


def test_a_paused_bot_asks_for_no_candles(witness: Witness, tmp_path: Path) -> None:
    with stepped_market(tmp_path, path_of(*["1900"] * 30)) as market:
        bot = started(witness_bot(account=market.account), market)
        computed = witness.computed
        services.pause_bot(bot=bot, requested_by="alice")
        market.run(bot, 8)
    assert witness.computed == computed
    assert timedelta(0) < bot.last_tick_at - bot.started_at  # type: ignore[operator]
