"""freqtrade's part of the comparison: its back-tester on a market told here, which it would ask the exchange for.

A candle's signal is traded at the next open, in whole units. Its safety orders are added at the open of a candle that lies
below their price; its target is met within a candle.
"""

# mypy: disable-error-code="import-not-found, misc"
from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import work
from freqtrade.configuration import TimeRange
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.strategy import IStrategy
from work import Columns, Done

PAIR = "ETH/USDT"
MARKET = {
    "id": "ETHUSDT",
    "symbol": PAIR,
    "base": "ETH",
    "quote": "USDT",
    "spot": True,
    "type": "spot",
    "active": True,
    "precision": {"amount": 1.0, "price": 0.01},
    "limits": {"amount": {"min": 1.0}, "cost": {}, "price": {}},
}


class Player(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    stoploss = -0.99
    minimal_roi: dict[str, float] = {}
    startup_candle_count = 0
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        return dataframe


class Cross(Player):
    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["quick"] = dataframe["close"].ewm(span=work.FAST, adjust=False).mean()
        dataframe["lazy"] = dataframe["close"].ewm(span=work.SLOW, adjust=False).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["enter_long"] = (dataframe["quick"] > dataframe["lazy"]).astype(int)
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["exit_long"] = (dataframe["quick"] < dataframe["lazy"]).astype(int)
        return dataframe

    def custom_stake_amount(self, **told: Any) -> float:
        return float(self.wallets.get_total("USDT") * work.SHARE)


class Dca(Player):
    position_adjustment_enable = True
    max_entry_position_adjustment = work.DCA_ORDERS
    # Its profit is told less both fees: so much is left of a target above the average price.
    minimal_roi = {"0": (1.0 + work.DCA_PROFIT) * (1.0 - work.DCA_FEE) / (1.0 + work.DCA_FEE) - 1.0}

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["enter_long"] = 1
        return dataframe

    def custom_stake_amount(self, **told: Any) -> float:
        return float(work.DCA_BASE)

    def adjust_trade_position(self, trade: Any, current_rate: float, **told: Any) -> float | None:
        filled = trade.nr_of_successful_entries - 1
        if filled < work.DCA_ORDERS:
            base = trade.select_filled_orders(trade.entry_side)[0].safe_price
            price, amount = work.safety_ladder(base)[filled]
            if current_rate <= price:
                return float(amount * current_rate)
        return None


def config(strategy: str, fee: float, folder: Path) -> dict[str, Any]:
    return {
        "runmode": RunMode.BACKTEST,
        "dry_run": True,
        "dry_run_wallet": work.MONEY,
        "trading_mode": "spot",
        "margin_mode": "",
        "candle_type_def": CandleType.SPOT,
        "exchange": {"name": "bybit", "pair_whitelist": [PAIR]},
        "pairlists": [{"method": "StaticPairList"}],
        "timeframe": "1m",
        "stake_currency": "USDT",
        "stake_amount": "unlimited",
        "tradable_balance_ratio": 1.0,
        "max_open_trades": 1,
        "fee": fee,
        "strategy": strategy,
        "strategy_path": str(folder),
        "user_data_dir": folder,
        "datadir": folder,
        "dataformat_ohlcv": "feather",
        "dataformat_trades": "feather",
        "entry_pricing": {"price_side": "other"},
        "exit_pricing": {"price_side": "other"},
    }


def prepared(strategy: str, fee: float) -> Callable[[Columns], Callable[[], Done]]:
    def prepare(columns: Columns) -> Callable[[], Done]:
        logging.disable(logging.WARNING)
        # It finds a strategy by the file that it stands in.
        folder = Path(tempfile.mkdtemp(prefix="traderagent-bench-"))
        shutil.copy(__file__, folder)
        settings = config(strategy, fee, folder)
        exchange = Exchange(settings, validate=False)
        exchange._api.set_markets([MARKET])
        exchange._markets = exchange._api.markets
        tester = Backtesting(settings, exchange)
        shutil.rmtree(folder)
        dates = pd.to_datetime(columns["timestamp"], unit="ms", utc=True)
        frame = pd.DataFrame(
            {"date": dates, **{name: columns[name] for name in ("open", "high", "low", "close", "volume")}}
        )

        def call() -> Done:
            tester.backtest_one_strategy(tester.strategylist[0], {PAIR: frame}, TimeRange())
            found = tester.all_bt_content[strategy]
            return sum(map(len, found["results"]["orders"])), float(found["final_balance"])

        return call

    return prepare


if __name__ == "__main__":
    work.report(
        {"cross": prepared("Cross", work.CROSS_FEE), "dca": prepared("Dca", work.DCA_FEE)}, limits={"dca": 50_000}
    )
