"""The private endpoints for orders and executions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.simulator.accounts import Account
from exchange.simulator.errors import Refusal, bad_parameter
from exchange.simulator.faults.parameters import Lag
from exchange.simulator.http import Asked, joined
from exchange.simulator.orders import Order
from exchange.simulator.requests import (
    Body,
    read_category,
    read_decimal,
    read_order,
    read_text,
)

DEFAULT_PAGE = 20
MAX_ORDERS = 50
MAX_EXECUTIONS = 100
MAX_BATCH = {"spot": 10, "linear": 20}


def _ids(order: Order) -> dict[str, str]:
    return {"orderId": order.order_id, "orderLinkId": order.link_id}


def create(asked: Asked) -> dict[str, Any]:
    return _ids(asked.engine.place(asked.account, read_order(asked.values)))


def amend(asked: Asked) -> dict[str, Any]:
    return _ids(_amend(asked, asked.account, asked.values))


def _amend(asked: Asked, account: Account, body: Body) -> Order:
    return asked.engine.amend(
        account,
        read_category(body),
        read_text(body, "orderId"),
        read_text(body, "orderLinkId"),
        read_text(body, "symbol"),
        qty=read_decimal(body, "qty"),
        price=read_decimal(body, "price"),
        trigger_price=read_decimal(body, "triggerPrice"),
    )


def cancel(asked: Asked) -> dict[str, Any]:
    return _ids(_cancel(asked, asked.account, asked.values))


def _cancel(asked: Asked, account: Account, body: Body) -> Order:
    return asked.engine.cancel(
        account,
        read_category(body),
        read_text(body, "orderId"),
        read_text(body, "orderLinkId"),
        read_text(body, "symbol"),
        read_text(body, "orderFilter"),
    )


def cancel_all(asked: Asked) -> dict[str, Any]:
    category = read_category(asked.values)
    if category == "linear" and not any(asked.text(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise bad_parameter("symbol, baseCoin or settleCoin is required")
    orders = _open_orders(asked, category)
    asked.engine.cancel_many(asked.account, orders)
    return {"list": [_ids(order) for order in orders], "success": "1"}


def _batch(asked: Asked, act: Any) -> dict[str, Any]:
    """Runs ``act`` on each entry of ``request``; what was refused is told entry by entry, as Bybit does.

    Bybit answers with 0 and puts the refusals into ``retExtInfo``; the codes are repeated in the entries, where ccxt
    looks for them.
    """
    category = read_category(asked.values)
    requests = asked.values.get("request")
    if not isinstance(requests, list) or not requests or len(requests) > MAX_BATCH[category]:
        raise bad_parameter(f"request must be a list of 1 to {MAX_BATCH[category]} orders")
    entries = []
    for one in requests:
        if not isinstance(one, dict):
            raise bad_parameter("request must be a list of objects")
        body = {**one, "category": category}
        entry = {"category": category, "symbol": read_text(one, "symbol"), "createAt": str(asked.engine.server_ms())}
        try:
            entry |= _ids(act(body)) | {"code": "0", "msg": "OK"}
        except Refusal as error:
            entry |= {
                "orderId": read_text(one, "orderId"),
                "orderLinkId": read_text(one, "orderLinkId"),
                "code": str(error.code),
                "msg": error.message,
            }
        entries.append(entry)
    return {"list": entries}


def create_batch(asked: Asked) -> dict[str, Any]:
    return _batch(asked, lambda body: asked.engine.place(asked.account, read_order(body)))


def amend_batch(asked: Asked) -> dict[str, Any]:
    return _batch(asked, lambda body: _amend(asked, asked.account, body))


def cancel_batch(asked: Asked) -> dict[str, Any]:
    return _batch(asked, lambda body: _cancel(asked, asked.account, body))


def _conditional(asked: Asked) -> bool | None:
    """What ``orderFilter`` asks for; without it both kinds, as on Bybit."""
    kind = asked.text("orderFilter")
    return {"Order": False, "StopOrder": True, "tpslOrder": True}.get(kind)


def _open_orders(asked: Asked, category: str) -> list[Order]:
    """The open orders of the filters, newest first."""
    symbol, base, settle = asked.text("symbol"), asked.text("baseCoin"), asked.text("settleCoin")
    conditional = _conditional(asked)
    found: list[Order] = []
    for name, market in asked.engine.markets[category].items():
        instrument = market.instrument
        if (symbol and name != symbol) or (base and instrument.base != base):
            continue
        if settle and category == "linear" and instrument.quote != settle:
            continue
        found += reversed(asked.account.by_market.get((category, name), {}).values())
    if conditional is not None:
        found = [order for order in found if order.is_conditional == conditional]
    if not symbol:
        found.sort(key=_newest_first)
    return found


def _newest_first(order: Order) -> int:
    return -order.sequence


def _cursor(asked: Asked) -> int | None:
    """A cursor is the sequence of the last entry of the page before, which no later fill can shift."""
    cursor = asked.text("cursor")
    if not cursor:
        return None
    if not cursor.isdigit():
        raise bad_parameter(f"cursor [{cursor}] is not one of this exchange's")
    return int(cursor)


def _limit(asked: Asked, largest: int) -> int:
    limit = asked.number("limit")
    if limit is None:
        return DEFAULT_PAGE
    if limit < 1:
        raise bad_parameter("limit must be at least 1")
    return min(limit, largest)


def _page(orders: list[Order], limit: int, category: str) -> dict[str, Any]:
    """``orders`` holds one more than ``limit`` when there is a next page."""
    shown = orders[:limit]
    return {
        "category": category,
        "list": joined([order.json() for order in shown]),
        "nextPageCursor": str(shown[-1].sequence) if len(orders) > limit else "",
    }


def _by_id(asked: Asked, category: str) -> list[Order] | None:
    """``orderId`` goes before ``orderLinkId``, and either before every other filter. ``None`` when neither is given."""
    order_id, link_id = asked.text("orderId"), asked.text("orderLinkId")
    if not order_id and not link_id:
        return None
    order = asked.engine.find(asked.account, category, order_id, link_id)
    return [order] if order is not None and order.category == category else []


def realtime(asked: Asked) -> dict[str, Any]:
    """Open orders; by id also the newest 500 closed ones; with ``openOnly=1`` those closed ones alone."""
    category = read_category(asked.values)
    limit = _limit(asked, MAX_ORDERS)
    recent: Mapping[str, Order] = asked.account.recent.get(category, {})
    by_id = _by_id(asked, category)
    if by_id is not None:
        found = [order for order in by_id if order.is_open or order.order_id in recent]
        return _page(_listed(asked, "order/realtime", found), limit, category)
    if category == "linear" and not any(asked.text(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise bad_parameter("symbol, baseCoin or settleCoin is required")
    if asked.text("openOnly") in ("1", "2"):
        symbol = asked.text("symbol")
        orders = [order for order in recent.values() if not symbol or order.symbol == symbol]
        orders.sort(key=_newest_first)
    else:
        orders = _open_orders(asked, category)
    before = _cursor(asked)
    if before is not None:
        orders = [order for order in orders if order.sequence < before]
    return _page(_listed(asked, "order/realtime", orders)[: limit + 1], limit, category)


def _lag_ms(asked: Asked, path: str) -> float:
    """How much later than they came about a fault shows things in this list."""
    fault = asked.engine.faults.active("list-lag", path, asked.account.api_key)
    return fault.parameters(Lag).ms if fault else 0.0


def _listed(asked: Asked, path: str, orders: list[Order]) -> list[Order]:
    """The orders that the list shows already; in the history they are as old as their end."""
    lag = _lag_ms(asked, path)
    if not lag:
        return orders
    since = "closed" if path == "order/history" else "order"
    return [order for order in orders if not asked.engine.floor.births.is_younger(f"{since} {order.order_id}", lag)]


def history(asked: Asked) -> dict[str, Any]:
    """Closed orders, newest first; times are those of creation on the market's clock."""
    category = read_category(asked.values)
    limit = _limit(asked, MAX_ORDERS)
    by_id = _by_id(asked, category)
    if by_id is not None:
        found = [order for order in by_id if not order.is_open]
        return _page(_listed(asked, "order/history", found), limit, category)
    orders = asked.engine.store.closed_orders(
        asked.account.api_key,
        category,
        limit=limit + 1,
        before=_cursor(asked),
        symbol=asked.text("symbol") or None,
        conditional=_conditional(asked),
        since=asked.number("startTime"),
        until=asked.number("endTime"),
    )
    return _page(_listed(asked, "order/history", orders), limit, category)


def executions(asked: Asked) -> dict[str, Any]:
    """Fills, newest first, on the market's clock. All of them are of type Trade."""
    category = read_category(asked.values)
    limit = _limit(asked, MAX_EXECUTIONS)
    if asked.text("execType") not in ("", "Trade"):
        return {"category": category, "list": [], "nextPageCursor": ""}
    order_id, link_id = asked.text("orderId"), asked.text("orderLinkId")
    rows = asked.engine.store.executions(
        asked.account.api_key,
        category,
        limit=limit + 1,
        before=_cursor(asked),
        symbol=asked.text("symbol") or None,
        order_id=order_id or None,
        link_id=(link_id or None) if not order_id else None,
        since=asked.number("startTime"),
        until=asked.number("endTime"),
    )
    next_page = str(rows[limit - 1][0]) if len(rows) > limit else ""
    return {"category": category, "list": joined(_executions_shown(asked, rows[:limit])), "nextPageCursor": next_page}


def _executions_shown(asked: Asked, rows: list[tuple[int, bytes]]) -> list[bytes]:
    """The payloads of one page, as faults let them be seen: late, twice or in any order."""
    faults, births = asked.engine.faults, asked.engine.floor.births
    path, api_key = "execution/list", asked.account.api_key
    if lag := _lag_ms(asked, path):
        rows = [row for row in rows if not births.is_younger(f"execution {row[0]}", lag)]
    shown = [payload for _, payload in rows]
    if shown and (fault := faults.happens("duplicate-executions", path, api_key)):
        # One at least, so that a rule that strikes is one that can be seen.
        shown += fault.random.sample(shown, fault.random.randint(1, len(shown)))
    if len(shown) > 1 and (fault := faults.happens("out-of-order-executions", path, api_key)):
        before = list(shown)
        while shown == before and len(set(shown)) > 1:
            fault.random.shuffle(shown)
    return shown
