"""The exchange itself: accounts, resting orders, fills. Every change is on disk before the caller hears of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import orjson

from exchange.matching import RestingOrders, crosses, slipped
from exchange.simulator.accounts import Account, Coin, Exposure, Market, Position
from exchange.simulator.instruments import Fees, Instrument, instruments_for
from exchange.simulator.orders import NOTHING_TO_FILL, POST_ONLY_CROSSED, ZERO, Execution, Order
from exchange.simulator.replay import Replay
from exchange.simulator.requests import (
    NewOrder,
    bad_parameter,
    check_amount,
    check_price,
    check_quote_amount,
    duplicate_link_id,
    too_poor,
    unknown_order,
    unknown_symbol,
)
from exchange.simulator.errors import Refusal
from exchange.simulator.store import Store


@dataclass(slots=True)
class Changes:
    """What one transaction changed, for the sockets."""

    orders: dict[str, Order] = field(default_factory=dict)
    executions: list[tuple[str, bytes]] = field(default_factory=list)
    coins: set[tuple[str, str]] = field(default_factory=set)
    positions: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Matching:
    """Options of the fills; the defaults are the zero point that everything else is measured from."""

    through: bool = False
    slippage: Decimal = ZERO


class Engine:
    """One simulated exchange. Not thread-safe: it lives in one event loop."""

    def __init__(self, replay: Replay, store: Store, *, fees: Fees, matching: Matching) -> None:
        self.replay = replay
        self.store = store
        self.matching = matching
        self.accounts: dict[str, Account] = {}
        self.markets: dict[str, dict[str, Market]] = {"spot": {}, "linear": {}}
        self.on_changes: Callable[[Changes], None] | None = None
        self._changes = Changes()
        self._units = {symbol: track.series.unit for symbol, track in replay.tracks.items()}
        self._books: dict[tuple[str, str], RestingOrders[str]] = {}
        self._owners: dict[str, Account] = {}
        for symbol, track in replay.tracks.items():
            for instrument in instruments_for(track.series, fees):
                self.markets[instrument.category][symbol] = Market(instrument, self._price(symbol))
                self._books[instrument.category, symbol] = RestingOrders()
        self._order_sequence, self._execution_sequence = store.last_sequences()
        self._arrival = self._order_sequence
        self._namespace = uuid.UUID(store.meta("namespace") or self._new_namespace())
        self._restore()

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
            self._arrival = max(self._arrival, order.arrival)
            self.accounts[order.account].opened(order, self.instrument(order.category, order.symbol))
            self._rest(order)

    # Accounts

    def put_account(self, api_key: str, api_secret: str, balances: dict[str, Decimal]) -> None:
        """Opens an account, or gives an existing one another secret and sets the named coins' balances."""
        with self._transaction():
            account = self.accounts.setdefault(api_key, Account(api_key, api_secret))
            account.api_secret = api_secret
            self.store.save_account(api_key, api_secret)
            for coin, amount in balances.items():
                account.coin(coin).wallet = amount
                self._changes.coins.add((api_key, coin))

    # Markets

    def instrument(self, category: str, symbol: str) -> Instrument:
        return self.market(category, symbol).instrument

    def market(self, category: str, symbol: str) -> Market:
        found = self.markets.get(category, {}).get(symbol)
        if found is None:
            raise unknown_symbol(category, symbol)
        return found

    def _price(self, symbol: str) -> Decimal:
        return Decimal(self.replay.tracks[symbol].price(self.replay.point)) * self._units[symbol]

    def advance(self, points: int) -> None:
        """Moves the market on and fills what the price meets, all in one transaction."""
        with self._transaction():
            for _ in range(points):
                self._move()
            self.store.set_meta("point", str(self.replay.point))

    def _move(self) -> None:
        self.replay.point += 1
        for symbol in self.replay.tracks:
            end = self._price(symbol)
            for category in ("spot", "linear"):
                market = self.markets[category][symbol]
                start, market.last = market.last, end
                book = self._books[category, symbol]
                if not book:
                    continue
                margin = market.instrument.tick if self.matching.through else ZERO
                for met in book.take(start, end, margin):
                    account = self._owners[met.order_id]
                    order = account.open_orders.get(met.order_id)
                    if order is None:
                        continue  # an earlier fill of this segment closed the position that it was to reduce
                    if met.triggered:
                        self._trigger(account, order, met.price)
                    else:
                        self._fill_resting(account, order)

    # Orders

    def place(self, account: Account, request: NewOrder) -> Order:
        """Accepts an order and executes what of it executes at once. Raises ``Refusal``; then nothing has changed."""
        market = self.market(request.category, request.symbol)
        instrument = market.instrument
        price = self._check(account, request, market)
        if request.link_id and self.find(account, request.category, "", request.link_id):
            raise duplicate_link_id(request.category)
        with self._transaction():
            self._order_sequence += 1
            now = self.replay.time
            order = Order(
                order_id=self._id(request.category, "order", self._order_sequence),
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
                arrival=self._next_arrival(),
                created=now,
                updated=now,
                price_on_created=market.last,
                reduce_only=request.reduce_only,
                close_on_trigger=request.close_on_trigger,
                market_unit=request.market_unit,
                trigger_price=request.trigger_price,
                trigger_rising=_rising(request, market.last),
                trigger_by=request.trigger_by,
            )
            account.opened(order, instrument)
            self._changed(order)
            if order.status == "Untriggered":
                self._rest(order)
            else:
                self._enter(account, order, price)
        return order

    def _check(self, account: Account, request: NewOrder, market: Market) -> Decimal:
        """Everything that can be wrong with a new order; returns the price that it would trade at if at once."""
        instrument = market.instrument
        price = self._taker_price(instrument, request.is_buy, market.last) if request.is_market else market.last
        reference = request.price or request.trigger_price or price
        if request.trigger_price:
            check_price(instrument, request.trigger_price)
            _check_direction(request, market.last)
        if request.price:
            check_price(instrument, request.price)
        if request.in_quote:
            check_quote_amount(instrument, request.qty)
        else:
            check_amount(
                instrument, request.qty, reference, is_market=request.is_market, reduce_only=request.reduce_only
            )
        if request.reduce_only and not request.trigger_price:
            position = account.position(request.symbol)
            if position.size == 0:
                raise Refusal(110017, "current position is zero, cannot fix reduce-only order qty")
            if (position.size > 0) == request.is_buy:
                raise Refusal(110017, "The reduce-only order would open or add to the position")
        if not request.trigger_price:
            if request.in_quote:
                self._check_funds_in_quote(account, instrument, request.is_buy, request.qty, price)
            else:
                cost_price = request.price or price
                self._check_funds(account, instrument, request.is_buy, request.qty, cost_price, request.reduce_only)
        return price

    def _check_funds(
        self, account: Account, instrument: Instrument, is_buy: bool, qty: Decimal, price: Decimal, reduce_only: bool
    ) -> None:
        linear = self.markets["linear"]
        if instrument.is_spot:
            enough = (
                qty * price <= account.spendable(instrument.quote, linear)
                if is_buy
                else qty <= account.spendable(instrument.base, linear)
            )
        elif reduce_only:
            enough = True
        else:
            extra = Exposure()
            extra.add(is_buy, qty, qty * price)
            symbol = instrument.symbol
            margin = account.order_margin(symbol, extra) - account.order_margin(symbol)
            fee = qty * price * instrument.taker_fee
            enough = margin <= 0 or margin + fee <= account.available(instrument.quote, linear)
        if not enough:
            raise too_poor(instrument.category)

    def _check_funds_in_quote(
        self, account: Account, instrument: Instrument, is_buy: bool, amount: Decimal, price: Decimal
    ) -> None:
        qty = amount / price
        self._check_funds(account, instrument, is_buy, qty, price, reduce_only=False)
        if qty < instrument.step:
            raise Refusal(170136, "Order quantity exceeded lower limit.")

    def _enter(self, account: Account, order: Order, price: Decimal) -> None:
        """An active order meets the market standing at ``price``: trades, rests, or goes."""
        now = self.replay.time
        if order.is_market:
            self._fill(account, order, price, is_maker=False)
            if order.is_open:
                self._close(account, order, "Cancelled", reason=NOTHING_TO_FILL)
        elif crosses(order.is_buy, order.price, price):
            if order.time_in_force == "PostOnly":
                self._close(account, order, "Cancelled", reason=POST_ONLY_CROSSED)
            else:
                self._fill(account, order, price, is_maker=False)
        elif order.time_in_force in ("IOC", "FOK"):
            self._close(account, order, "Cancelled", reason=NOTHING_TO_FILL)
        else:
            order.changed(now)
            self._rest(order)
            self._changed(order)

    def cancel(self, account: Account, category: str, order_id: str, link_id: str, symbol: str, kind: str) -> Order:
        """Raises ``Refusal`` when no open order answers to the id on that symbol (and, on spot, in that filter)."""
        order = self._open_order(account, category, order_id, link_id, symbol)
        if category == "spot" and order.is_conditional != (kind in ("StopOrder", "tpslOrder")):
            raise unknown_order(category)
        with self._transaction():
            self._close(account, order, "Cancelled", cancel_type="CancelByUser")
        return order

    def cancel_many(self, account: Account, orders: list[Order]) -> None:
        with self._transaction():
            for order in orders:
                self._close(account, order, "Cancelled", cancel_type="CancelByUser")

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
        market = self.market(category, order.symbol)
        instrument = market.instrument
        new_qty, new_price = qty or order.qty, price or order.price
        new_trigger = trigger_price or order.trigger_price
        if (new_qty, new_price, new_trigger) == (order.qty, order.price, order.trigger_price):
            raise Refusal(10001, "order not modified")
        if trigger_price and not order.is_conditional:
            raise bad_parameter("triggerPrice: the order is not conditional")
        if new_qty <= order.filled:
            raise Refusal(110064, "The number of contracts modified cannot be less than or equal to the filled quantity")
        if new_price:
            check_price(instrument, new_price)
        if new_trigger:
            check_price(instrument, new_trigger)
        if not order.in_quote:
            reference = new_price or new_trigger or market.last
            check_amount(
                instrument, new_qty, reference, is_market=order.is_market, reduce_only=order.reduce_only
            )
        active = order.status != "Untriggered"
        account.release(order, instrument)
        try:
            if active:
                left = new_qty - order.filled
                self._check_funds(account, instrument, order.is_buy, left, new_price, order.reduce_only)
        finally:
            account.hold(order, instrument)
        with self._transaction():
            self._books[category, order.symbol].remove(order.order_id)
            account.release(order, instrument)
            if new_price != order.price or new_trigger != order.trigger_price or new_qty > order.qty:
                order.arrival = self._next_arrival()
            order.qty, order.price = new_qty, new_price
            if new_trigger != order.trigger_price:
                order.trigger_price = new_trigger
                order.trigger_rising = new_trigger > market.last
            account.hold(order, instrument)
            order.changed(self.replay.time)
            self._changed(order)
            if active:
                self._enter(account, order, market.last)
            else:
                self._rest(order)
        return order

    def find(self, account: Account, category: str, order_id: str, link_id: str) -> Order | None:
        """Any order, open or closed. ``order_id`` goes before ``link_id``."""
        if order_id:
            found = account.open_orders.get(order_id) or account.recent.get(category, {}).get(order_id)
            return found or self.store.order_by_id(account.api_key, order_id)
        return account.by_link.get((category, link_id)) or self.store.order_by_link(account.api_key, category, link_id)

    def _open_order(self, account: Account, category: str, order_id: str, link_id: str, symbol: str) -> Order:
        if not order_id and not link_id:
            raise bad_parameter("orderId or orderLinkId is required")
        self.market(category, symbol)
        order = account.open_orders.get(order_id) if order_id else account.by_link.get((category, link_id))
        if order is None or order.category != category or order.symbol != symbol:
            raise unknown_order(category)
        return order

    def set_leverage(self, account: Account, symbol: str, leverage: Decimal) -> None:
        instrument = self.instrument("linear", symbol)
        if not 1 <= leverage <= instrument.max_leverage:
            raise bad_parameter(f"leverage invalid: {leverage} is not within 1 and {instrument.max_leverage}")
        position = account.position(symbol)
        if position.leverage == leverage:
            raise Refusal(110043, "Set leverage not modified")
        before, position.leverage = position.leverage, leverage
        if account.available(instrument.quote, self.markets["linear"]) < 0 and leverage < before:
            position.leverage = before
            raise Refusal(110044, "Available margin is insufficient.")
        with self._transaction():
            position.updated = self.replay.time
            self._changes.positions.add((account.api_key, symbol))

    # Inside a transaction

    def _taker_price(self, instrument: Instrument, is_buy: bool, price: Decimal) -> Decimal:
        if not self.matching.slippage:
            return price
        exact = slipped(is_buy, price, self.matching.slippage)
        rounding = ROUND_CEILING if is_buy else ROUND_FLOOR
        return (exact / instrument.tick).to_integral_value(rounding=rounding) * instrument.tick

    def _trigger(self, account: Account, order: Order, price: Decimal) -> None:
        instrument = self.instrument(order.category, order.symbol)
        if order.is_market:
            price = self._taker_price(instrument, order.is_buy, price)
        try:
            if order.in_quote:
                self._check_funds_in_quote(account, instrument, order.is_buy, order.qty, price)
            else:
                self._check_funds(
                    account, instrument, order.is_buy, order.qty, order.price or price, order.reduce_only
                )
        except Refusal:
            self._close(account, order, "Rejected", reason="EC_Others")
            return
        order.status = "New"
        account.hold(order, instrument)
        self._changed(order)
        self._enter(account, order, price)

    def _fill_resting(self, account: Account, order: Order) -> None:
        self._fill(account, order, order.price, is_maker=True)

    def _fill(self, account: Account, order: Order, price: Decimal, *, is_maker: bool) -> None:
        """Fills what is left of the order at one price."""
        instrument = self.instrument(order.category, order.symbol)
        if order.in_quote:
            qty = (order.qty / price / instrument.step).to_integral_value(rounding=ROUND_FLOOR) * instrument.step
        else:
            qty = order.left
        if order.reduce_only:
            size = account.position(order.symbol).size
            qty = min(qty, max(ZERO, -size if order.is_buy else size))
            if not qty:
                self._close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")
                return
        account.release(order, instrument)
        value = price * qty
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        closed = ZERO
        if instrument.is_spot:
            fee_coin = instrument.base if order.is_buy else instrument.quote
            fee = (qty if order.is_buy else value) * rate
            base, quote = account.coin(instrument.base), account.coin(instrument.quote)
            base.wallet += qty if order.is_buy else -qty
            quote.wallet += -value if order.is_buy else value
            account.coin(fee_coin).wallet -= fee
            self._changes.coins |= {(account.api_key, instrument.base), (account.api_key, instrument.quote)}
        else:
            fee_coin = instrument.quote
            fee = value * rate
            closed = self._fill_position(account, instrument, order.is_buy, price, qty, fee)
        now = self.replay.time
        order.filled += qty
        order.filled_value += value
        order.fee += fee
        order.fee_coin = fee_coin
        done = order.in_quote or order.filled == order.qty
        order.changed(now)
        order.status = "Filled" if done else "PartiallyFilled"
        self._execution_sequence += 1
        execution = Execution(
            exec_id=self._id(order.category, "execution", self._execution_sequence),
            sequence=self._execution_sequence,
            order=order,
            price=price,
            qty=qty,
            value=value,
            fee=fee,
            fee_rate=rate,
            fee_coin=fee_coin,
            is_maker=is_maker,
            closed=closed,
            left=ZERO if done else order.left,
            time=now,
        )
        payload = orjson.dumps(execution.describe())
        self.store.save_execution(execution, payload)
        self._changes.executions.append((account.api_key, payload))
        if done:
            account.closed(order, instrument)
            self._owners.pop(order.order_id, None)
            self._changed(order)
        else:
            account.hold(order, instrument)
            self._close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")
        if closed:
            self._drop_reduce_only(account, order.symbol)

    def _fill_position(
        self, account: Account, instrument: Instrument, is_buy: bool, price: Decimal, qty: Decimal, fee: Decimal
    ) -> Decimal:
        position = account.position(instrument.symbol)
        was_flat = position.size == 0
        profit, closed = position.fill(is_buy, price, qty)
        position.updated = self.replay.time
        if was_flat:
            position.created = self.replay.time
            position.realised = ZERO
        position.realised += profit - fee
        coin = account.coin(instrument.quote)
        coin.wallet += profit - fee
        coin.realised += profit - fee
        self._changes.coins.add((account.api_key, instrument.quote))
        self._changes.positions.add((account.api_key, instrument.symbol))
        return closed

    def _drop_reduce_only(self, account: Account, symbol: str) -> None:
        """What was to reduce a position that is gone, or has turned, is cancelled with it."""
        size = account.position(symbol).size
        stale = [
            order
            for order in account.open_orders.values()
            if order.reduce_only and order.symbol == symbol and (size == 0 or (size > 0) == order.is_buy)
        ]
        for order in stale:
            if order.status != "Untriggered":
                self._close(account, order, "Cancelled", cancel_type="CancelByReduceOnly")

    def _close(
        self, account: Account, order: Order, status: str, *, cancel_type: str = "UNKNOWN", reason: str = "EC_NoError"
    ) -> None:
        instrument = self.instrument(order.category, order.symbol)
        self._books[order.category, order.symbol].remove(order.order_id)
        self._owners.pop(order.order_id, None)
        account.release(order, instrument)
        order.finish(status, self.replay.time, cancel_type=cancel_type, reason=reason)
        account.closed(order, instrument)
        self._changed(order)

    def _rest(self, order: Order) -> None:
        book = self._books[order.category, order.symbol]
        if order.status == "Untriggered":
            book.add_trigger(
                order.order_id, rising=order.trigger_rising, price=order.trigger_price, arrival=order.arrival
            )
        else:
            book.add_limit(order.order_id, is_buy=order.is_buy, price=order.price, arrival=order.arrival)
        self._owners[order.order_id] = self.accounts[order.account]

    def _changed(self, order: Order) -> None:
        order.rendered = b""
        self._changes.orders[order.order_id] = order
        # What a spot order locks shows in the wallet.
        if order.category == "spot":
            instrument = self.instrument(order.category, order.symbol)
            self._changes.coins.add((order.account, instrument.quote if order.is_buy else instrument.base))

    def _next_arrival(self) -> int:
        self._arrival += 1
        return self._arrival

    def _id(self, category: str, kind: str, sequence: int) -> str:
        """Spot ids are numbers, linear ids are UUIDs, as Bybit's are."""
        if category == "spot":
            return str((self._namespace.int % 9_000_000 + 1_000_000) * 10**12 + sequence * 2 + (kind == "order"))
        return str(uuid.uuid5(self._namespace, f"{kind} {sequence}"))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._changes = Changes()
        with self.store.transaction():
            yield
            self._write()
        if self.on_changes is not None:
            self.on_changes(self._changes)

    def _write(self) -> None:
        changes, store = self._changes, self.store
        for order in changes.orders.values():
            store.save_order(order)
        for api_key, name in changes.coins:
            coin = self.accounts[api_key].coin(name)
            store.save_balance(api_key, name, coin.wallet, coin.realised)
        for api_key, symbol in changes.positions:
            one = self.accounts[api_key].position(symbol)
            store.save_position(
                api_key, symbol, one.size, one.entry_value, one.leverage, one.realised, one.created, one.updated
            )


def _rising(request: NewOrder, last: Decimal) -> bool:
    """Spot has no trigger direction: the side that the trigger lies on gives it."""
    if request.trigger_rising is not None:
        return request.trigger_rising
    return request.trigger_price > last


def _check_direction(request: NewOrder, last: Decimal) -> None:
    if request.trigger_rising is True and request.trigger_price <= last:
        raise Refusal(110092, f"expect Rising, but trigger_price[{request.trigger_price}] <= current[{last}]??LastPrice")
    if request.trigger_rising is False and request.trigger_price >= last:
        raise Refusal(110093, f"expect Falling, but trigger_price[{request.trigger_price}] >= current[{last}]??LastPrice")
