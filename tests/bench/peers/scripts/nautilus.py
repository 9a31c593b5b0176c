"""nautilus_trader's part of the comparison: bars, which it executes as open, high, low, close; one perpetual, netting."""

# mypy: disable-error-code="import-not-found, misc"
from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import work
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import ETH, USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy
from work import Columns, Done

VENUE = Venue("EXCHANGE")
INSTRUMENT = InstrumentId(Symbol("ETHUSDT"), VENUE)
BARS = BarType.from_str(f"{INSTRUMENT}-1-MINUTE-LAST-EXTERNAL")


def instrument(fee: float) -> Any:
    return CryptoPerpetual(
        instrument_id=INSTRUMENT,
        raw_symbol=Symbol("ETHUSDT"),
        base_currency=ETH,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=2,
        size_precision=0,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_str("1"),
        margin_init=Decimal(0),  # a locked margin and this much money are beyond its precision
        margin_maint=Decimal(0),
        maker_fee=Decimal(str(fee)),
        taker_fee=Decimal(str(fee)),
        ts_event=0,
        ts_init=0,
    )


class Player(Strategy):
    def on_start(self) -> None:
        self.fills = 0
        self.held = 0.0
        self.subscribe_bars(BARS)

    def money(self) -> float:
        return float(self.portfolio.account(VENUE).balance_total(USDT))

    def market(self, size: float) -> Any:
        side = OrderSide.BUY if size > 0 else OrderSide.SELL
        order = self.order_factory.market(INSTRUMENT, side, Quantity(abs(size), 0))
        self.submit_order(order)
        return order

    def limit(self, size: float, price: float) -> Any:
        side = OrderSide.BUY if size > 0 else OrderSide.SELL
        order = self.order_factory.limit(INSTRUMENT, side, Quantity(abs(size), 0), Price(price, 2))
        self.submit_order(order)
        return order

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1
        self.held += float(event.last_qty) * (1 if event.order_side == OrderSide.BUY else -1)
        self.on_fill(event)

    def on_fill(self, event: Any) -> None:
        pass


class Cross(Player):
    def on_start(self) -> None:
        self.quick = ExponentialMovingAverage(work.FAST)
        self.lazy = ExponentialMovingAverage(work.SLOW)
        self.register_indicator_for_bars(BARS, self.quick)
        self.register_indicator_for_bars(BARS, self.lazy)
        super().on_start()

    def on_bar(self, bar: Any) -> None:
        if not self.indicators_initialized():
            return
        if self.quick.value > self.lazy.value:
            if not self.held:
                self.market(float(int(self.money() * work.SHARE / float(bar.close))))
        elif self.held and self.quick.value < self.lazy.value:
            self.market(-self.held)


class Grid(Player):
    """Each interval has one order; when it is filled its counterpart is sent."""

    def on_start(self) -> None:
        self.lines = work.grid_lines()
        self.intervals: dict[Any, tuple[int, bool]] = {}
        super().on_start()

    def order(self, interval: int, buys: bool) -> None:
        price = self.lines[interval] if buys else self.lines[interval + 1]
        sent = self.limit(work.GRID_AMOUNT if buys else -work.GRID_AMOUNT, price)
        self.intervals[sent.client_order_id] = (interval, buys)

    def on_bar(self, bar: Any) -> None:
        if not self.intervals:
            for interval in range(work.GRID_INTERVALS):
                self.order(interval, not self.lines[interval + 1] > float(bar.open))

    def on_fill(self, event: Any) -> None:
        interval, buys = self.intervals.pop(event.client_order_id)
        self.order(interval, not buys)


class Dca(Player):
    def on_start(self) -> None:
        self.target: Any = None
        self.spent = 0.0
        self.base: Any = None
        super().on_start()

    def on_bar(self, bar: Any) -> None:
        if self.base is None:
            self.begin(float(bar.close))

    def begin(self, price: float) -> None:
        self.spent = 0.0
        self.base = self.market(float(int(work.DCA_BASE / price)))

    def on_fill(self, event: Any) -> None:
        price = float(event.last_px)
        if self.target is not None and event.client_order_id == self.target.client_order_id:
            if self.held:
                return
            self.target = None
            self.cancel_all_orders(INSTRUMENT)
            self.begin(price)
            return
        self.spent += float(event.last_qty) * price
        if self.target is None:
            for at, amount in work.safety_ladder(price):
                self.limit(amount, at)
        else:
            self.cancel_order(self.target)
        self.target = self.limit(-self.held, self.spent / self.held * (1.0 + work.DCA_PROFIT))


def prepared(strategy: Any, fee: float) -> Callable[[Columns], Callable[[], Done]]:
    def prepare(columns: Columns) -> Callable[[], Done]:
        traded = instrument(fee)
        # A bar is known, and executed, when its minute is over.
        index = pd.to_datetime(columns["timestamp"] + 60_000, unit="ms", utc=True)
        named = {name: columns[name] for name in ("open", "high", "low", "close", "volume")}
        bars = BarDataWrangler(BARS, traded).process(pd.DataFrame(named, index).assign(volume=1e9))
        engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
        engine.add_venue(
            venue=VENUE,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=USDT,
            starting_balances=[Money(work.MONEY, USDT)],
            default_leverage=Decimal(10),
        )
        engine.add_instrument(traded)
        engine.add_data(bars)
        player = strategy()
        engine.add_strategy(player)

        def call() -> Done:
            engine.run()
            open_profit = engine.portfolio.unrealized_pnl(INSTRUMENT)
            end = player.money() + (float(open_profit) if open_profit is not None else 0.0)
            done = player.fills, end
            engine.dispose()
            return done

        return call

    return prepare


if __name__ == "__main__":
    work.report(
        {
            "cross": prepared(Cross, work.CROSS_FEE),
            "grid": prepared(Grid, work.GRID_FEE),
            "dca": prepared(Dca, work.DCA_FEE),
        }
    )
