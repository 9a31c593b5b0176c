"""Real one-minute candles, point by point, through everything that trades.

Strategy, tick, PostgreSQL, Redis, ccxt over HTTP and the simulator's matching on one side; on the other the naive
oracle, forty lines over the candles that know none of it. The fills have to be the same: point, price, amount, order.

A quarter of a day by default; ``REPLAY_DAYS=7`` replays the week that docs/performance.md speaks of.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from bots import services
from bots.models import Bot, Fill
from bots.reconciliation import reconcile
from exchange.candles.files import read_file
from tests.bots import cast
from tests.bots.candle_files import MINUTE_MS
from tests.bots.market import SteppedMarket
from tests.exchange.simulator.process import SimulatorProcess
from tests.strategies.grid_oracle import GridRules, OracleFill, grid_fills

FILE = "binance_ETHUSDT_linear_1m_202505.parquet"
DAYS = Decimal(os.environ.get("REPLAY_DAYS") or "0.25")
CANDLES = int(DAYS * 24 * 60)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SPOT_RULES = GridRules(
    lower=Decimal(1780),
    upper=Decimal(2680),
    grids=60,
    investment=Decimal(30000),
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    buyer_pays_in_base=True,
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)
LINEAR_RULES = GridRules(
    lower=Decimal(1780),
    upper=Decimal(2680),
    grids=120,
    investment=Decimal(30000),
    tick=Decimal("0.01"),
    step=Decimal("0.01"),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.00055"),
)


def candles_of(path: Path) -> tuple[int, list[tuple[Decimal, Decimal, Decimal, Decimal]]]:
    candles = read_file(path)
    columns = (candles.open, candles.high, candles.low, candles.close)
    rows = zip(*(column[:CANDLES] for column in columns), strict=True)
    return int(candles.timestamp[0]), [tuple(Decimal(repr(float(price))) for price in row) for row in rows]  # type: ignore[misc]


def point_of(fill: Fill, start: int) -> int:
    """Counted four per candle; the close is one millisecond before the next candle's open."""
    elapsed = round(fill.executed_at.timestamp() * 1000) - start
    candle, within = divmod(elapsed, MINUTE_MS)
    return 4 * candle + {0: 0, 20_000: 1, 40_000: 2, 59_999: 3}[within]


@pytest.mark.parametrize(
    ("symbol", "rules"),
    [
        pytest.param("ETH/USDT:USDT", LINEAR_RULES, id="linear", marks=pytest.mark.xdist_group("replay-linear")),
        pytest.param("ETH/USDT", SPOT_RULES, id="spot", marks=pytest.mark.xdist_group("replay-spot")),
    ],
)
def test_the_stack_gives_exactly_the_fills_of_the_naive_oracle(
    symbol: str, rules: GridRules, candles_dir: Path, tmp_path: Path
) -> None:
    start, candles = candles_of(candles_dir / FILE)
    expected = grid_fills(candles, rules)
    with SimulatorProcess(tmp_path, file=candles_dir / FILE, balances="USDT=100000") as simulator:
        market = SteppedMarket(simulator)
        config = cast.grid_config(
            lower=str(rules.lower), upper=str(rules.upper), grids=rules.grids, investment=str(rules.investment)
        )
        bot = cast.bot(symbol=symbol, account=market.account, run=0, config=config)
        bot = services.start_bot(bot=bot, requested_by="alice")
        market.tick(bot)
        replay(market, bot, 4 * len(candles) - 1)
        traded = [
            OracleFill(point_of(fill, start), fill.side, fill.price, fill.amount, fill.order.slot)
            for fill in Fill.objects.filter(bot=bot).select_related("order").order_by("id")
        ]
        lines = reconcile(market.account, now=cast.NOW)
    assert len(expected) > 5 * DAYS  # or there would be little to compare
    assert traded == expected
    assert [line for line in lines if not line.equal] == []


def replay(market: SteppedMarket, bot: Bot, points: int) -> None:
    for _ in range(points):
        market.step()
        market.tick(bot)
    # What traded in the last tick itself is seen by the next one.
    market.tick(bot)
