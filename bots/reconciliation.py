"""Do our books and the exchange agree, to the last digit?

For each account: executions one by one, orders, positions, and the balance that the cash flows of the fills lead to
from the balances before the first bot traded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from bots.events import record
from bots.ledger import PRECISION, ZERO
from bots.locks import LockKind, wait_for_lock
from bots.models import Bot, EventKind, Fill, Order, Position, Severity
from bots.reports import kind_of
from bots.sync import sync_account
from exchange.errors import NeedsOperator
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from exchange.port import Balance, ExchangeGateway, ExchangePosition, FillReport, OrderReport
from strategies.contract import MarketKind, Side

# The market goes on while we look, and fills what rests; a look during which nothing filled is needed.
LOOKS = 30
# The worth of a future's position is told through its average price, a quotient that exchanges round; the coin that
# futures are settled in is therefore compared to the eight places that balances are kept to, every other coin exactly.
SETTLED_PLACES = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison. ``equal`` decides; the texts are for the reader."""

    account: str
    what: str
    ours: str
    theirs: str
    equal: bool


@dataclass(slots=True)
class _Look:
    """Everything an exchange says of an account at one moment."""

    fills: dict[MarketKind, list[FillReport]]
    orders: dict[str, list[OrderReport]]
    balances: dict[str, Balance]
    positions: dict[str, ExchangePosition]
    lines: list[Line] = field(default_factory=list)


def reconcile(account: ExchangeAccount, *, now: datetime) -> list[Line]:
    """Holds the account's bots still for the moment of the comparison.

    Raises ``NeedsOperator`` when the market would not leave that moment, ``ExchangeError`` when the exchange cannot be
    reached.
    """
    account.refresh_from_db()
    gateway = gateway_for(account.gateway_config())
    with ExitStack() as still:
        for bot_id in Bot.objects.filter(account=account).order_by("id").values_list("id", flat=True):
            still.enter_context(wait_for_lock(LockKind.BOT_TICK, bot_id))
        still.enter_context(wait_for_lock(LockKind.ACCOUNT_SYNC, account.pk))
        for _ in range(LOOKS):
            sync_account(account, gateway=gateway, now=now, max_age=timedelta(0))
            look = _look(account, gateway)
            again = _fills(account, gateway, look.fills, look.orders)
            # Nothing filled between the booking and the last of the answers.
            if _ids(again) == _ids(look.fills) and not _unbooked(account, look):
                lines = [
                    *_compare_fills(account, look),
                    *_compare_orders(account, look),
                    *_compare_money(account, look),
                ]
                _raise_alarm(account, [line for line in lines if not line.equal], now=now)
                return lines
    raise NeedsOperator(f"{account.name} traded during each of {LOOKS} looks; pause its bots and try again.")


def _raise_alarm(account: ExchangeAccount, differences: list[Line], *, now: datetime) -> None:
    if differences:
        first = differences[0]
        record(
            EventKind.BOOKS_DIFFER,
            f"The books of {account.name} differ from the exchange in {len(differences)} points; the first: {first.what} is "
            f"{first.ours} in the books and {first.theirs} at the exchange.",
            now=now,
            severity=Severity.CRITICAL,
            data={"account": account.name, "what": [line.what for line in differences]},
        )


def _look(account: ExchangeAccount, gateway: ExchangeGateway) -> _Look:
    symbols = sorted(set(Order.objects.filter(account=account).values_list("symbol", flat=True).distinct()))
    kinds = sorted({kind_of(symbol) for symbol in symbols})
    return _Look(
        fills=_fills(account, gateway, kinds, symbols),
        orders={symbol: gateway.open_orders(symbol) for symbol in symbols},
        balances=dict(gateway.balances()),
        positions={position.symbol: position for position in gateway.positions()},
    )


def _fills(
    account: ExchangeAccount, gateway: ExchangeGateway, kinds: Iterable[MarketKind], symbols: Collection[str]
) -> dict[MarketKind, list[FillReport]]:
    return {kind: gateway.fills_since(kind, _first_fill(account, kind), symbols=symbols) for kind in kinds}


def _first_fill(account: ExchangeAccount, kind: MarketKind) -> int:
    fills = Fill.objects.filter(account=account)
    fills = fills.filter(symbol__contains=":") if kind is MarketKind.LINEAR else fills.exclude(symbol__contains=":")
    first = fills.order_by("executed_at").values_list("executed_at", flat=True).first()
    return int(first.timestamp() * 1000) if first else int(account.fills_cursor.get(kind, 0))


def _ids(fills: dict[MarketKind, list[FillReport]]) -> set[tuple[str, str]]:
    return {(report.symbol, report.trade_id) for reports in fills.values() for report in reports}


def _unbooked(account: ExchangeAccount, look: _Look) -> bool:
    reports = [report for reports in look.fills.values() for report in reports]
    booked = set(Fill.objects.filter(account=account).values_list("symbol", "trade_id"))
    new = {report.client_order_id for report in reports if (report.symbol, report.trade_id) not in booked}
    return Order.objects.filter(account=account, client_order_id__in=new).exists()


def _quote(symbol: str) -> str:
    return symbol.split(":")[0].split("/")[1]


def _line(account: ExchangeAccount, what: str, ours: object, theirs: object) -> Line:
    return Line(account.name, what, _text(ours), _text(theirs), ours == theirs)


def _text(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _compare_fills(account: ExchangeAccount, look: _Look) -> Iterable[Line]:
    mine = {
        (fill.symbol, fill.trade_id): (fill.side, fill.price, fill.amount, fill.fee)
        for fill in Fill.objects.filter(account=account)
    }
    own_orders = set(Order.objects.filter(account=account).values_list("client_order_id", flat=True))
    theirs = {
        (report.symbol, report.trade_id): (str(report.side), report.price, report.amount, report.fee)
        for reports in look.fills.values()
        for report in reports
        if report.client_order_id in own_orders
    }
    yield _line(account, "executions", len(mine), len(theirs))
    for key in sorted(mine.keys() | theirs.keys()):
        if mine.get(key) != theirs.get(key):
            yield _line(account, f"execution {key[1]} on {key[0]}", mine.get(key, "none"), theirs.get(key, "none"))


def _compare_orders(account: ExchangeAccount, look: _Look) -> Iterable[Line]:
    live = {order.client_order_id: order for order in Order.objects.filter(account=account).live()}
    # A bot that has moved to another account must not have left anything behind.
    traded_here = Q(account=account) | Q(orders__account=account)
    bots = {f"ta{tag}" for tag in Bot.objects.filter(traded_here).values_list("tag", flat=True)}
    listed = {
        report.client_order_id: report
        for reports in look.orders.values()
        for report in reports
        if report.client_order_id[:8] in bots
    }
    yield _line(account, "open orders", len(live), len(listed))
    for key in sorted(live.keys() | listed.keys()):
        order, report = live.get(key), listed.get(key)
        ours = (order.price, order.amount, order.filled) if order else "none"
        theirs = (report.price, report.amount, report.filled) if report else "none"
        if ours != theirs:
            yield _line(account, f"order {key}", ours, theirs)
    booked = Order.objects.filter(account=account).annotate(booked=Coalesce(Sum("fills__amount"), ZERO))
    for key, filled, sum_of_fills in booked.exclude(filled=F("booked")).values_list(
        "client_order_id", "filled", "booked"
    ):
        yield _line(account, f"filled of order {key}", filled, sum_of_fills)


def _compare_money(account: ExchangeAccount, look: _Look) -> Iterable[Line]:
    with localcontext(PRECISION):
        flows: dict[str, Decimal] = defaultdict(Decimal)
        linear: set[str] = set()
        started: dict[str, Decimal] = {}
        for symbol, (amount, price) in account.baseline.get("positions", {}).items():
            linear.add(symbol)
            started[symbol] = Decimal(amount)
            flows[_quote(symbol)] -= Decimal(amount) * Decimal(price)
        for fill in Fill.objects.filter(account=account).order_by("id"):
            sign = 1 if fill.side == Side.BUY else -1
            if kind_of(fill.symbol) is MarketKind.SPOT:
                flows[fill.symbol.split("/")[0]] += sign * fill.amount
            else:
                linear.add(fill.symbol)
            # Of a future this is more than moved: what its open position cost is given back below.
            flows[_quote(fill.symbol)] -= sign * fill.quote_value
            flows[fill.fee_currency] -= fill.fee
        per_bot: dict[str, Decimal] = defaultdict(Decimal)
        for position in Position.objects.filter(account=account):
            per_bot[position.symbol] += position.amount
        for symbol in sorted(linear):
            theirs = look.positions.get(symbol)
            amount = theirs.amount if theirs else ZERO
            yield _line(account, f"position {symbol}", per_bot[symbol] + started.get(symbol, ZERO), amount)
            flows[_quote(symbol)] += amount * theirs.average_price if theirs else ZERO
        for symbol in sorted(per_bot.keys() - linear):
            net = sum(
                (
                    (fill.amount if fill.side == Side.BUY else -fill.amount) - fill.fee_base
                    for fill in Fill.objects.filter(account=account, symbol=symbol)
                ),
                ZERO,
            )
            yield _line(account, f"position {symbol}", per_bot[symbol], net)
        baseline = {coin: Decimal(total) for coin, total in account.baseline.get("coins", {}).items()}
        settled = {_quote(symbol) for symbol in linear}
        for coin in sorted(baseline.keys() | flows.keys()):
            expected = baseline.get(coin, ZERO) + flows[coin]
            total = look.balances[coin].total if coin in look.balances else ZERO
            if coin in settled and abs(expected - total) < SETTLED_PLACES:
                # Rounding both would tell two values apart that lie on either side of a half.
                total = expected = expected.quantize(SETTLED_PLACES)
            yield _line(account, f"balance {coin}", expected, total)
