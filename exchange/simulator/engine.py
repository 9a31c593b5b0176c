"""The exchange itself: accounts and what is asked of it. Every change is on disk before the caller hears of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from exchange.simulator.accounts import Account, Coin, Market, Position
from exchange.simulator.checks import check_funds, check_order
from exchange.simulator.errors import Refusal, bad_parameter
from exchange.simulator.faults.parameters import Offset, Which
from exchange.simulator.faults.plan import FaultPlan
from exchange.simulator.floor import Floor, Matching
from exchange.simulator.instruments import Fees, OwnRules
from exchange.simulator.orders import SYMBOL_CLOSED, ZERO, Order, text
from exchange.simulator.replay import Replay
from exchange.simulator.requests import (
    NewOrder,
    check_amount,
    check_price,
    closed_symbol,
    duplicate_link_id,
    unknown_order,
)
from exchange.simulator.settlement import Changes
from exchange.simulator.store import Store


class Engine:
    """One simulated exchange. Not thread-safe: it lives in one event loop."""

    def __init__(
        self,
        replay: Replay,
        store: Store,
        *,
        fees: Fees,
        matching: Matching,
        seed: int,
        rules: OwnRules | None = None,
    ) -> None:
        self.replay = replay
        self.store = store
        self.faults = FaultPlan(seed, replay.point)
        self.floor = Floor(replay, fees=fees, matching=matching, faults=self.faults, rules=rules)
        self.accounts: dict[str, Account] = {}
        self.on_changes: Callable[[Changes], None] | None = None
        self._order_sequence, self.floor.settlement.sequence = store.last_sequences()
        self.floor.arrival = self._order_sequence
        self.floor.settlement.namespace = uuid.UUID(store.meta("namespace") or self._new_namespace())
        self._restore()

    @property
    def markets(self) -> dict[str, dict[str, Market]]:
        return self.floor.markets

    def server_ms(self) -> int:
        """The server's time, which requests are signed for: the wall clock, but for a fault of the clock."""
        wrong = self.faults.active("clock")
        return time.time_ns() // 1_000_000 + (wrong.parameters(Offset).ms if wrong else 0)

    def _new_namespace(self) -> str:
        """Ids must not repeat when the state is thrown away while a ledger elsewhere remembers the old ones."""
        namespace = str(uuid.uuid4())
        self.store.set_meta("namespace", namespace)
        return namespace

    def _restore(self) -> None:
        for api_key, api_secret in self.store.accounts():
            self.accounts[api_key] = Account(api_key, api_secret)
        for api_key, coin, wallet, realised in self.store.balances():
            self.accounts[api_key].coins[coin] = Coin(Decimal(wallet), ZERO, Decimal(realised))
        for api_key, symbol, size, entry_value, leverage, profit, created, updated in self.store.positions():
            self.accounts[api_key].positions[symbol] = Position(
                symbol, Decimal(size), Decimal(entry_value), Decimal(leverage), Decimal(profit), created, updated
            )
        for order in self.store.open_orders():
            account = self.accounts[order.account]
            self.floor.arrival = max(self.floor.arrival, order.arrival)
            account.opened(order, self.floor.instrument(order.category, order.symbol))
            self.floor.rest(account, order)

    def put_account(self, api_key: str, api_secret: str, balances: dict[str, Decimal]) -> None:
        """Opens an account, or gives an existing one another secret and sets the named coins' balances."""
        with self._transaction() as changes:
            account = self.accounts.setdefault(api_key, Account(api_key, api_secret))
            account.api_secret = api_secret
            self.store.save_account(api_key, api_secret)
            for coin, amount in balances.items():
                account.coin(coin).wallet = amount
                changes.coins.add((api_key, coin))

    def advance(self, points: int) -> None:
        """Moves the market on and fills what the price meets, all in one transaction."""
        with self._transaction():
            for _ in range(points):
                self.floor.move()
                self.faults.reach(self.replay.point)
                self._cancel_by_faults()
            self.store.set_meta("point", str(self.replay.point))

    def apply_faults(self) -> None:
        """What rules of faults that were added just now do at once."""
        with self._transaction():
            self._cancel_by_faults()

    def _cancel_by_faults(self) -> None:
        """Orders of closed symbols, and those that the exchange is to cancel by itself."""
        if not (self.faults.has("delisted") or self.faults.has("cancel-order")):
            return
        orders = [(account, order) for account in self.accounts.values() for order in account.open_orders.values()]
        orders.sort(key=lambda owned: owned[1].sequence)
        for account, order in orders:
            if self.is_closed(order.category, order.symbol):
                self.floor.close(account, order, "Cancelled", cancel_type="CancelBySettle", reason=SYMBOL_CLOSED)
                continue
            for fault in self.faults.standing("cancel-order", order.market, account.api_key):
                if fault.parameters(Which).link_id in ("", order.link_id) and self.faults.strikes(fault):
                    self.floor.close(account, order, "Cancelled", cancel_type="CancelByAdmin")
                    break

    def is_closed(self, category: str, symbol: str) -> bool:
        """Whether a fault has delisted the symbol."""
        return self.faults.active("delisted", f"{category}/{symbol}") is not None

    def shown_point(self, kind: str, market: Market) -> int:
        """The point that a list of this kind shows a market at: a fault lets it stand still."""
        instrument = market.instrument
        fault = self.faults.active(f"stale-{kind}", f"{instrument.category}/{instrument.symbol}")
        return self.replay.point if fault is None else fault.began_point

    def place(self, account: Account, request: NewOrder) -> Order:
        """Accepts an order and executes what of it executes at once. Raises ``Refusal``; then nothing has changed."""
        market = self.floor.market(request.category, request.symbol)
        if self.is_closed(request.category, request.symbol):
            raise closed_symbol(request.category)
        instrument, last = market.instrument, market.last
        price = self.floor.taker_price(instrument, request.is_buy, last) if request.is_market else last
        check_order(account, request, instrument, last, price, self.markets["linear"])
        if request.link_id and self.find(account, request.category, "", request.link_id):
            raise duplicate_link_id(request.category)
        with self._transaction():
            self._order_sequence += 1
            now = self.replay.time
            order = Order(
                order_id=self.floor.settlement.make_id(request.category, "order", self._order_sequence),
                link_id=request.link_id,
                account=account.api_key,
                category=request.category,
                symbol=request.symbol,
                is_buy=request.is_buy,
                is_market=request.is_market,
                qty=request.qty,
                price=request.price,
                time_in_force=request.time_in_force,
                status="Untriggered" if request.trigger_price else "New",
                sequence=self._order_sequence,
                arrival=self.floor.next_arrival(),
                created=now,
                updated=now,
                price_on_created=last,
                reduce_only=request.reduce_only,
                close_on_trigger=request.close_on_trigger,
                market_unit=request.market_unit,
                trigger_price=request.trigger_price,
                trigger_rising=_rising(request, last),
                trigger_by=request.trigger_by,
            )
            account.opened(order, instrument)
            self.floor.births.note(f"order {order.order_id}")
            self.floor.changed(order)
            if order.status == "Untriggered":
                self.floor.rest(account, order)
            else:
                self.floor.enter(account, order, price)
        return order

    def cancel(self, account: Account, category: str, order_id: str, link_id: str, symbol: str, kind: str) -> Order:
        """Raises ``Refusal`` when no open order answers to the id on that symbol (and, on spot, in that filter)."""
        order = self._open_order(account, category, order_id, link_id, symbol)
        if category == "spot" and order.is_conditional != (kind in ("StopOrder", "tpslOrder")):
            raise unknown_order(category)
        self.cancel_many(account, [order])
        return order

    def cancel_many(self, account: Account, orders: list[Order]) -> None:
        with self._transaction():
            for order in orders:
                self.floor.close(account, order, "Cancelled", cancel_type="CancelByUser")

    def amend(
        self,
        account: Account,
        category: str,
        order_id: str,
        link_id: str,
        symbol: str,
        *,
        qty: Decimal,
        price: Decimal,
        trigger_price: Decimal,
    ) -> Order:
        """0 leaves a value as it is. A new price or a larger amount gives up the place in the queue."""
        order = self._open_order(account, category, order_id, link_id, symbol)
        market = self.floor.market(category, order.symbol)
        instrument, last = market.instrument, market.last
        new_qty, new_price = qty or order.qty, price or order.price
        new_trigger = trigger_price or order.trigger_price
        active = order.status != "Untriggered"
        if (new_qty, new_price, new_trigger) == (order.qty, order.price, order.trigger_price):
            raise Refusal(10001, "order not modified")
        if price and order.is_market:
            raise bad_parameter("price: a market order has none")
        if trigger_price and active:
            raise bad_parameter("triggerPrice: the order does not wait for one")
        if new_qty <= order.filled:
            raise bad_parameter(f"qty: {text(order.filled)} of the order is executed already")
        check_price(instrument, new_price)
        check_price(instrument, new_trigger)
        if not order.in_quote:
            reference = new_price or new_trigger
            check_amount(instrument, new_qty, reference, is_market=order.is_market, reduce_only=order.reduce_only)
        account.release(order, instrument)
        try:
            if active:
                linear = self.markets["linear"]
                left = new_qty - order.filled
                check_funds(account, instrument, order.is_buy, left, new_price, order.reduce_only, linear)
        finally:
            account.hold(order, instrument)
        with self._transaction():
            self.floor.withdraw(order)
            account.release(order, instrument)
            if new_price != order.price or new_trigger != order.trigger_price or new_qty > order.qty:
                order.arrival = self.floor.next_arrival()
            if new_trigger != order.trigger_price:
                order.trigger_rising = new_trigger > last
            order.qty, order.price, order.trigger_price = new_qty, new_price, new_trigger
            account.hold(order, instrument)
            order.changed(self.replay.time)
            self.floor.changed(order)
            if active:
                self.floor.enter(account, order, last)
            else:
                self.floor.rest(account, order)
        return order

    def find(self, account: Account, category: str, order_id: str, link_id: str) -> Order | None:
        """Any order, open or closed. ``order_id`` goes before ``link_id``."""
        if order_id:
            recent = account.recent.get(category)
            found = account.open_orders.get(order_id) or (recent.get(order_id) if recent else None)
            return found or self.store.order_by_id(account.api_key, order_id)
        return account.by_link.get((category, link_id)) or self.store.order_by_link(account.api_key, category, link_id)

    def _open_order(self, account: Account, category: str, order_id: str, link_id: str, symbol: str) -> Order:
        if not order_id and not link_id:
            raise bad_parameter("orderId or orderLinkId is required")
        self.floor.market(category, symbol)
        order = account.open_orders.get(order_id) if order_id else account.by_link.get((category, link_id))
        if order is None or order.category != category or order.symbol != symbol:
            raise unknown_order(category)
        return order

    def set_leverage(self, account: Account, symbol: str, leverage: Decimal) -> None:
        instrument = self.floor.instrument("linear", symbol)
        if not 1 <= leverage <= instrument.max_leverage:
            raise bad_parameter(f"leverage invalid: {leverage} is not within 1 and {instrument.max_leverage}")
        position = account.position(symbol)
        if position.leverage == leverage:
            raise Refusal(110043, "Set leverage not modified")
        before, position.leverage = position.leverage, leverage
        if leverage < before and account.available(instrument.quote, self.markets["linear"]) < 0:
            position.leverage = before
            raise Refusal(110044, "Available margin is insufficient.")
        with self._transaction() as changes:
            position.updated = self.replay.time
            changes.positions.add((account.api_key, symbol))

    @contextmanager
    def _transaction(self) -> Iterator[Changes]:
        """Saves what was changed within, commits, and only then tells of it."""
        self.floor.changes = changes = Changes()
        with self.store.transaction():
            yield changes
            self._save(changes)
        if self.on_changes is not None:
            self.on_changes(changes)

    def _save(self, changes: Changes) -> None:
        for order in changes.orders.values():
            self.store.save_order(order)
        for execution, payload in changes.executions:
            self.store.save_execution(execution, payload)
        for api_key, name in changes.coins:
            coin = self.accounts[api_key].coin(name)
            self.store.save_balance(api_key, name, coin.wallet, coin.realised)
        for api_key, symbol in changes.positions:
            self.store.save_position(api_key, self.accounts[api_key].position(symbol))


def _rising(request: NewOrder, last: Decimal) -> bool:
    """Spot has no trigger direction: the side that the trigger lies on gives it."""
    if request.trigger_rising is not None:
        return request.trigger_rising
    return request.trigger_price > last
