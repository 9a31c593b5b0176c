"""What the pages and the API's dashboard read. Every function makes the same number of queries however many bots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import structlog
from django.db import connection
from django.db.models import Count, F, Model, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from redis.exceptions import RedisError

from bots.lifecycle import LIVE_ORDER_STATUSES, BotStatus
from bots.models import (
    Bot,
    BotMode,
    EquityPoint,
    Event,
    Fill,
    JournalEntry,
    Order,
    Position,
    Signal,
    Snapshot,
    Trade,
)
from exchange.prices import read_prices
from strategies.contract import OrderType

log = structlog.get_logger(__name__)

SPARKLINE_WINDOW = timedelta(hours=24)
SPARKLINE_POINTS = 40
PAGE_SIZE = 25
ZERO = Decimal(0)


def quote_of(symbol: str) -> str:
    """``USDT`` of ``ETH/USDT`` and of ``ETH/USDT:USDT``."""
    return symbol.partition("/")[2].partition(":")[0]


def base_of(symbol: str) -> str:
    return symbol.partition("/")[0]


def start_of_day(now: datetime) -> datetime:
    """Midnight UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot in figures. Money is in ``quote``; ``sparkline`` is its profit over the last day, oldest first."""

    bot: Bot
    quote: str
    base: str
    profit: Decimal
    profit_today: Decimal
    realised: Decimal
    unrealised: Decimal
    price: Decimal | None
    position: Decimal
    fills: int
    open_orders: int
    sparkline: Sequence[Decimal] = ()


@dataclass(slots=True)
class Totals:
    """Sums of bots that may be added up: one mode, one quote coin."""

    mode: str
    quote: str
    profit: Decimal = ZERO
    profit_today: Decimal = ZERO
    bots: int = 0
    running: int = 0
    troubled: int = 0
    open_orders: int = 0
    fills: int = 0
    account_ids: set[int] = field(default_factory=set)

    @property
    def mode_label(self) -> str:
        return str(BotMode(self.mode).label)


def bot_rows(*, now: datetime, bots: QuerySet[Bot] | None = None) -> list[BotRow]:
    """Valued at the shared last prices, or where there is none at the newest equity point's. Two queries."""
    chosen = Bot.objects.active() if bots is None else bots
    newest = EquityPoint.objects.filter(bot=OuterRef("pk"), account=OuterRef("account_id")).order_by("-at")
    before_today = newest.filter(at__lt=start_of_day(now))
    position = Position.objects.filter(bot=OuterRef("pk"), account=OuterRef("account_id"), symbol=OuterRef("symbol"))
    live_orders = Order.objects.filter(bot=OuterRef("pk"), status__in=LIVE_ORDER_STATUSES).order_by()
    annotated = list(
        chosen.select_related("account").annotate(
            profit_yesterday=Coalesce(
                Subquery(before_today.values(value=F("realised_pnl") + F("unrealised_pnl"))[:1]), ZERO
            ),
            noted_price=Subquery(newest.values("price")[:1]),
            holding=Coalesce(Subquery(position.values("amount")[:1]), ZERO),
            holding_cost=Coalesce(Subquery(position.values("cost")[:1]), ZERO),
            realised=Coalesce(Subquery(position.values("realised_pnl")[:1]), ZERO),
            fill_count=Coalesce(Subquery(position.values("fills")[:1]), 0),
            live_order_count=Coalesce(Subquery(live_orders.values("bot").annotate(n=Count("pk")).values("n")), 0),
        )
    )
    curves = profit_curves([bot.pk for bot in annotated], since=now - SPARKLINE_WINDOW, until=now)
    prices = _last_prices(annotated)
    rows = []
    for bot in annotated:
        price = prices.get((bot.account.venue, bot.symbol), bot.noted_price)
        unrealised = bot.holding * price - bot.holding_cost if price is not None else ZERO
        profit = bot.realised + unrealised
        rows.append(
            BotRow(
                bot=bot,
                quote=quote_of(bot.symbol),
                base=base_of(bot.symbol),
                profit=profit,
                profit_today=profit - bot.profit_yesterday,
                realised=bot.realised,
                unrealised=unrealised,
                price=price,
                position=bot.holding,
                fills=bot.fill_count,
                open_orders=bot.live_order_count,
                # The line ends where the figure beside it stands.
                sparkline=[*curves[bot.pk][:-1], profit] if bot.pk in curves else (),
            )
        )
    return rows


def _last_prices(bots: Iterable[Bot]) -> dict[tuple[str, str], Decimal]:
    symbols: defaultdict[str, set[str]] = defaultdict(set)
    for bot in bots:
        symbols[bot.account.venue].add(bot.symbol)
    try:
        return {
            (venue, symbol): price.last
            for venue, wanted in symbols.items()
            for symbol, price in read_prices(venue, wanted).items()
        }
    except RedisError as error:
        # The page comes up without prices, as it does before the first one has come.
        log.warning("no prices for a page", error=str(error))
        return {}


def last_price(bot: Bot) -> Decimal | None:
    """The newest price that the stream gave, if any. No query."""
    return _last_prices([bot]).get((bot.account.venue, bot.symbol))


def totals_of(rows: Iterable[BotRow]) -> list[Totals]:
    """Real money first. No query."""
    sums: dict[tuple[str, str], Totals] = {}
    for row in rows:
        bot = row.bot
        total = sums.setdefault((bot.mode, row.quote), Totals(bot.mode, row.quote))
        total.profit += row.profit
        total.profit_today += row.profit_today
        total.bots += 1
        total.running += bot.status in {BotStatus.STARTING, BotStatus.RUNNING}
        total.troubled += bot.status == BotStatus.EMERGENCY or bool(bot.errors_in_a_row)
        total.open_orders += row.open_orders
        total.fills += row.fills
        total.account_ids.add(bot.account_id)
    return sorted(sums.values(), key=lambda total: (-list(BotMode).index(BotMode(total.mode)), total.quote))


# Each instant of each bot is one look-up in the index on (bot, at): the cost does not grow with the history.
_CURVES = """
SELECT bot.id, point.profit
FROM (SELECT id, account_id FROM bots_bot WHERE id = ANY(%(bots)s::bigint[])) AS bot
CROSS JOIN LATERAL (
    SELECT greatest(min(at), %(since)s::timestamptz) AS start
    FROM bots_equitypoint
    WHERE bot_id = bot.id AND account_id = bot.account_id
) AS life
CROSS JOIN generate_series(0, %(points)s - 1) AS step(n)
CROSS JOIN LATERAL (
    SELECT realised_pnl + unrealised_pnl AS profit
    FROM bots_equitypoint
    WHERE bot_id = bot.id
      AND account_id = bot.account_id
      AND at <= life.start + (%(until)s::timestamptz - life.start) * step.n / (%(points)s - 1)
    ORDER BY at DESC
    LIMIT 1
) AS point
WHERE life.start < %(until)s::timestamptz
ORDER BY bot.id, step.n
"""


def profit_curves(
    bot_ids: Sequence[int], *, since: datetime, until: datetime, points: int = SPARKLINE_POINTS
) -> Mapping[int, list[Decimal]]:
    """Profit in quote at ``points`` equidistant instants from ``since`` (or the bot's first point) to ``until``. One query."""
    curves: defaultdict[int, list[Decimal]] = defaultdict(list)
    if bot_ids:
        with connection.cursor() as cursor:
            cursor.execute(_CURVES, {"bots": list(bot_ids), "since": since, "until": until, "points": points})
            for bot_id, profit in cursor.fetchall():
                curves[bot_id].append(profit)
    return curves


def equity_curve(bot: Bot, *, points: int = 600) -> list[tuple[datetime, Decimal]]:
    """Profit in quote by market time, oldest first: every ``n``-th point so that there are about ``points``. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT at, profit FROM (
                SELECT exchange_time AS at, realised_pnl + unrealised_pnl AS profit,
                       row_number() OVER (ORDER BY id DESC) - 1 AS age, count(*) OVER () AS total
                FROM bots_equitypoint WHERE bot_id = %(bot)s AND account_id = %(account)s
            ) AS numbered
            WHERE age %% greatest(1, total / %(points)s) = 0
            ORDER BY age DESC
            """,
            {"bot": bot.pk, "account": bot.account_id, "points": points},
        )
        return [(at, profit) for at, profit in cursor.fetchall()]


def open_orders(*, limit: int = 14) -> list[Order]:
    """The newest live orders of all bots. One query."""
    orders = Order.objects.live().filter(bot__archived_at__isnull=True)
    return list(orders.select_related("bot")[:limit])


def recent_events(*, limit: int = 10) -> list[Event]:
    """One query."""
    return list(Event.objects.select_related("bot")[:limit])


@dataclass(frozen=True, slots=True)
class BotFigures:
    """A bot's figures beyond its row, all in quote but ``position`` (base)."""

    row: BotRow
    profit_before_today: Decimal
    fees: Decimal
    average_price: Decimal | None
    cycles: int
    cycles_profit: Decimal
    running_cycles: int


def bot_figures(bot: Bot, *, now: datetime) -> BotFigures:
    """Four queries."""
    (row,) = bot_rows(now=now, bots=Bot.objects.filter(pk=bot.pk))
    position = Position.objects.filter(bot=bot, account=bot.account_id, symbol=bot.symbol).first()
    closed = Q(closed_at__isnull=False)
    trades = Trade.objects.filter(bot=bot, account=bot.account_id).aggregate(
        cycles=Count("pk", filter=closed),
        running_cycles=Count("pk", filter=~closed),
        cycles_profit=Coalesce(Sum("profit", filter=closed), ZERO),
    )
    return BotFigures(
        row=row,
        profit_before_today=row.profit - row.profit_today,
        fees=position.fees_quote if position else ZERO,
        average_price=position.average_price if position and position.amount else None,
        **trades,
    )


R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Newest first; ``older`` is what to pass as ``before`` for the next page, ``None`` on the last one."""

    rows: list[R]
    older: int | None


def _page(records: QuerySet[R], before: int | None, size: int) -> Page[R]:
    if before is not None:
        records = records.filter(pk__lt=before)
    rows = list(records.order_by("-pk")[: size + 1])
    return Page(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def _with_reasons(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Each order's ``reasons``: why it was placed or refused."""
    reasons = JournalEntry.objects.filter(action__in=["place", "refuse"]).order_by("id")
    return orders.prefetch_related(Prefetch("journal", queryset=reasons, to_attr="reasons"))


def reasons_of(order: Order) -> list[JournalEntry]:
    """Why it was placed or refused, of an order that was read with its reasons. No query."""
    reasons: list[JournalEntry] = order.__dict__["reasons"]
    return reasons


def orders_page(bot: Bot, *, before: int | None = None, live: bool = False, size: int = PAGE_SIZE) -> Page[Order]:
    """With the reasons of each. Two queries."""
    orders = Order.objects.filter(bot=bot)
    return _page(_with_reasons(orders.live() if live else orders), before, size)


def fills_page(bot: Bot, *, before: int | None = None, size: int = PAGE_SIZE) -> Page[Fill]:
    return _page(Fill.objects.filter(bot=bot).select_related("order"), before, size)


def trades_page(bot: Bot, *, before: int | None = None, size: int = PAGE_SIZE) -> Page[Trade]:
    return _page(Trade.objects.filter(bot=bot).select_related("account"), before, size)


def events_page(bot: Bot, *, before: int | None = None, size: int = PAGE_SIZE) -> Page[Event]:
    return _page(Event.objects.filter(bot=bot), before, size)


def journal_page(bot: Bot, *, before: int | None = None, size: int = PAGE_SIZE) -> Page[JournalEntry]:
    return _page(JournalEntry.objects.filter(bot=bot).select_related("order"), before, size)


def signals_page(bot: Bot, *, before: int | None = None, size: int = PAGE_SIZE) -> Page[Signal]:
    return _page(Signal.objects.filter(bot=bot), before, size)


def newest_snapshot(bot: Bot) -> Snapshot | None:
    """Of the present run, or of the last one."""
    return Snapshot.objects.filter(bot=bot, run=bot.run).order_by("-id").first()


# Notes that say how a strategy reads the market: the newest of each stays in sight.
_READINGS: Mapping[str, Sequence[str]] = {
    "hybrid": ("hybrid.regime", "hybrid.start"),
    "trend": ("trend.market",),
}


def notes_in_sight(bot: Bot, *, others: int = 3) -> list[JournalEntry]:
    """How the strategy reads the market, then the newest ``others`` of what else it told in this run. Up to three
    queries."""
    if bot.started_at is None:
        return []
    told = JournalEntry.objects.filter(bot=bot, action="note", created_at__gte=bot.started_at).order_by("-id")
    readings = [told.filter(code=code).first() for code in _READINGS.get(bot.strategy, ())]
    found = [entry for entry in readings if entry is not None]
    return found + list(told.exclude(id__in=[entry.pk for entry in found])[:others])


def standing_orders(bot: Bot) -> list[Order]:
    """Live orders, or what a bot withholds that sends none; highest price first, with their reasons. Two queries."""
    return list(_with_reasons(Order.objects.standing_of(bot)).order_by(F("price").desc(nulls_first=True), "id"))


def order_prices(bot: Bot, *, among: int = 500) -> list[Decimal]:
    """The distinct prices of this run's newest ``among`` limit orders, lowest first. One query."""
    newest = Order.objects.filter(bot=bot, run=bot.run, type=OrderType.LIMIT).order_by("-id").values("price")[:among]
    return sorted({row["price"] for row in newest})


def fills_between(bot: Bot, since: datetime, *, limit: int = 1000) -> list[Fill]:
    """By market time, oldest first; the newest ``limit`` of them. One query."""
    newest = Fill.objects.filter(bot=bot, symbol=bot.symbol, executed_at__gte=since).order_by("-id")[:limit]
    return sorted(newest, key=lambda fill: (fill.executed_at, fill.pk))
