"""What the bots of an account have in common, as plain numbers: free money and coins, margin, and liquidation.

Each bot has a record of its own (``backtests.loop.records.ACCOUNT``) whose ``quote`` begins with the whole balance, so
what a bot has made is ``quote − balance``. :func:`lend` tells a bot what the others leave. :func:`moved` takes linear
markets' prices through the points at which no bot does anything, and says where the account is liquidated on the way.

A market's price moves in the name of its leader, the first bot on it. While one market moves the others stand still; at one
instant they move in the order of their leaders.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from backtests.loop.money import opening_worth
from backtests.loop.prices import goes_high_first
from backtests.loop.records import ACCOUNT
from backtests.loop.tables import record_type
from strategies.candles import timeframe_ms
from strategies.compiled import compiled
from strategies.contract import MarketKind
from strategies.kernel import FOREVER
from strategies.lattice import nearest_count, rules_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backtests.loop.records import Floats, Integers
    from backtests.running import Prepared

# No market, no bot.
NONE = -1
# After the last candle.
NEVER = 1 << 62


class Pool(NamedTuple):
    """``bots`` are records, ``market`` the place of each bot's market in the columns below, which have one row for each.

    ``point`` is the next point that a market has to go through, 4 × candle + quarter. Candles of all markets stand one
    market after the other, market ``m``'s in ``[first[m], first[m + 1])``; spot markets have none here. ``ruin`` holds
    time, and ``price`` is that of the point before ``point``, 0 before the first.
    """

    balance: float  # what the account begins with
    maintenance: float
    bots: Any
    market: Integers
    leader: Integers
    leverage: Floats
    unit: Integers
    scale: Integers
    length: Integers
    first: Integers
    point: Integers
    price: Floats
    timestamp: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    ruin: Integers


def pool_of(members: Sequence[Prepared], balance: float) -> Pool:
    """The account of bots in their order. On spot markets a base coin stands for the market."""
    is_linear = members[0].market.kind is MarketKind.LINEAR
    names = [each.preset.symbol if is_linear else each.preset.base for each in members]
    markets = list(dict.fromkeys(names))
    leaders = [names.index(market) for market in markets]
    bots = np.zeros(len(members), record_type(ACCOUNT)).view(np.recarray)
    bots.quote, bots.row, bots.shared = balance, -2, len(members) > 1
    bots.retry_at = FOREVER
    followed = [members[each] for each in leaders]
    rules = [rules_of(each.market) for each in followed]
    candles = [each.candles for each in followed] if is_linear and len(members) > 1 else []
    counts = [len(each) for each in candles] or [0] * len(markets)
    return Pool(
        balance=balance,
        maintenance=members[0].options.maintenance,
        bots=bots,
        market=np.array([markets.index(name) for name in names], np.int64),
        leader=np.array(leaders, np.int64),
        leverage=np.array([each.options.leverage for each in followed]),
        unit=np.array([each.step_unit for each in rules], np.int64),
        scale=np.array([each.step_scale for each in rules], np.int64),
        length=np.array([timeframe_ms(each.preset.timeframe) for each in followed], np.int64),
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        point=np.zeros(len(markets), np.int64),
        price=np.zeros(len(markets)),
        timestamp=_joined([each.timestamp for each in candles], np.int64),
        open=_joined([each.open for each in candles], np.float64),
        high=_joined([each.high for each in candles], np.float64),
        low=_joined([each.low for each in candles], np.float64),
        close=_joined([each.close for each in candles], np.float64),
        ruin=np.zeros(1, np.int64),
    )


def _joined(columns: Sequence[Any], kind: Any) -> Any:
    return np.concatenate([np.zeros(0, kind), *columns])


@compiled
def lend(pool: Pool, number: int, is_linear: bool) -> None:
    """Writes down what the account's other bots leave to this one, at the prices of now."""
    bot, own = pool.bots[number], pool.market[number]
    bot.spare = 0.0
    bot.spare_base = 0.0
    for other in range(len(pool.bots)):
        if other == number:
            continue
        each = pool.bots[other]
        bot.spare += (each.quote - pool.balance) - each.locked_quote
        if pool.market[other] == own:
            bot.spare_base += each.amount - each.locked_base
    if not is_linear:
        return
    bot.beyond = bot.spare
    for market in range(len(pool.price)):
        beside, buy_amount, buy_worth, sell_amount, sell_worth = on_market(pool, market, number)
        if market == own:
            bot.beside = beside
            bot.beside_buy_amount = buy_amount
            bot.beside_buy_worth = buy_worth
            bot.beside_sell_amount = sell_amount
            bot.beside_sell_worth = sell_worth
            continue
        worth = beside * pool.price[market]
        dearer = max(opening_worth(buy_amount, buy_worth, -beside), opening_worth(sell_amount, sell_worth, beside))
        bot.spare += worth - (abs(worth) + dearer) / pool.leverage[market]
        bot.beyond += worth - pool.maintenance * abs(worth)
    if pool.leader[own] != number:
        # Where the price goes, its leader was before.
        bot.beyond = math.inf


@compiled
def on_market(pool: Pool, market: int, without: int) -> tuple[float, float, float, float, float]:
    """The position of all bots but one on a linear market, and amount and worth of their open buys and sells."""
    held = 0.0
    buy_amount, buy_worth, sell_amount, sell_worth = 0.0, 0.0, 0.0, 0.0
    for number in range(len(pool.bots)):
        if number == without or pool.market[number] != market:
            continue
        bot = pool.bots[number]
        held += bot.amount
        buy_amount += bot.buy_amount
        buy_worth += bot.buy_worth
        sell_amount += bot.sell_amount
        sell_worth += bot.sell_worth
    # Positions that even out are nothing, and not what sums of floats leave over.
    unit, scale = pool.unit[market], pool.scale[market]
    return float(nearest_count(held * scale / unit) * unit / scale), buy_amount, buy_worth, sell_amount, sell_worth


@compiled
def point_time(pool: Pool, market: int, point: int) -> int:
    row, quarter, length = pool.first[market] + point // 4, point % 4, pool.length[market]
    if row >= pool.first[market + 1]:
        return NEVER
    start = int(pool.timestamp[row])
    return start + (
        0 if quarter == 0 else length // 3 if quarter == 1 else 2 * length // 3 if quarter == 2 else length - 1
    )


@compiled
def point_price(pool: Pool, market: int, point: int) -> float:
    row, quarter = pool.first[market] + point // 4, point % 4
    opened, high, low = pool.open[row], pool.high[row], pool.low[row]
    if quarter == 0:
        return float(opened)
    if quarter == 3:
        return float(pool.close[row])
    return float(high if goes_high_first(opened, high, low) == (quarter == 1) else low)


@compiled
def weight_of(pool: Pool, market: int) -> float:
    """By how much a rise of the price by 1 moves the equity away from the maintenance margin."""
    held = on_market(pool, market, NONE)[0]
    return held * (1.0 - pool.maintenance) if held > 0.0 else held * (1.0 + pool.maintenance)


@compiled
def moved(pool: Pool, until: int, order: int) -> int:
    """Takes the markets' prices to where they are before bot ``order`` is stepped at ``until``, all positions standing as
    they do. Returns the market whose move liquidates the account, its price and ``ruin`` being where and when; or NONE."""
    rest, is_held = pool.balance, False
    for number in range(len(pool.bots)):
        rest += pool.bots[number].quote - pool.balance
    least = rest
    for market in range(len(pool.price)):
        weight = weight_of(pool, market)
        is_held = is_held or weight != 0.0
        least += lowest(pool, market, until, weight)
    if pool.maintenance > 0.0 and is_held and least <= 0.0:
        return walked(pool, until, order, rest)
    for market in range(len(pool.price)):
        point = passed(pool.timestamp, pool.first[market], pool.first[market + 1], pool.point[market], until)
        while comes_before(pool, market, point, until, order):
            point += 1
        if point > pool.point[market]:
            pool.point[market] = point
            pool.price[market] = point_price(pool, market, point - 1)
    return NONE


@compiled
def passed(timestamp: Integers, first: int, end: int, point: int, until: int) -> int:
    """The first point of the last candle that opens before a time, or ``point`` where that is later."""
    row = first + point // 4
    while row + 1 < end and timestamp[row + 1] < until:
        row += 1
    return max(point, 4 * (row - first))


@compiled
def comes_before(pool: Pool, market: int, point: int, until: int, order: int) -> bool:
    time = point_time(pool, market, point)
    return time < until or (time == until and pool.leader[market] < order)


@compiled
def lowest(pool: Pool, market: int, until: int, weight: float) -> float:
    """The least that ``weight`` × price can be up to a time, the rest of its candle included."""
    if weight == 0.0:
        return 0.0
    least = weight * pool.price[market]
    row, end, timestamp = pool.first[market] + pool.point[market] // 4, pool.first[market + 1], pool.timestamp
    worst = pool.low if weight > 0.0 else pool.high
    while row < end and timestamp[row] <= until:
        least = min(least, weight * worst[row])
        row += 1
    return float(least)


@compiled
def walked(pool: Pool, until: int, order: int, rest: float) -> int:
    """The same point by point."""
    while True:
        market, time = NONE, NEVER
        for each in range(len(pool.price)):
            at = point_time(pool, each, pool.point[each])
            if at < time and comes_before(pool, each, pool.point[each], until, order):
                market, time = each, at
        if market == NONE:
            return NONE
        here, there = pool.price[market], point_price(pool, market, pool.point[market])
        pool.price[market] = there
        pool.point[market] += 1
        weight, others = weight_of(pool, market), rest
        for each in range(len(pool.price)):
            if each != market:
                others += weight_of(pool, each) * pool.price[each]
        if others + weight * pool.price[market] <= 0.0:
            if weight != 0.0:
                pool.price[market] = max(min(here, there), min(max(here, there), -others / weight))
            pool.ruin[0] = time
            return market
