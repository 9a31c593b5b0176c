"""The REST interface: which function answers which path, and who may ask."""

from __future__ import annotations

from exchange.simulator import market_data, trading, wallet
from exchange.simulator.http import Handler, holding_nothing

PUBLIC_GET: dict[str, Handler] = {
    "/v5/market/time": market_data.server_time,
    "/v5/market/instruments-info": market_data.instruments_info,
    "/v5/market/tickers": market_data.tickers,
    "/v5/market/kline": market_data.kline,
    "/v5/market/mark-price-kline": market_data.kline,
    "/v5/market/index-price-kline": market_data.kline,
    "/v5/market/orderbook": market_data.orderbook,
    "/v5/market/recent-trade": market_data.recent_trade,
    "/v5/system/status": market_data.system_status,
}
PRIVATE_GET: dict[str, Handler] = {
    "/v5/order/realtime": holding_nothing(trading.realtime),
    "/v5/order/history": holding_nothing(trading.history),
    "/v5/execution/list": holding_nothing(trading.executions),
    "/v5/account/wallet-balance": wallet.wallet_balance,
    "/v5/account/info": wallet.account_info,
    "/v5/account/fee-rate": wallet.fee_rate,
    "/v5/position/list": holding_nothing(wallet.position_list),
    "/v5/user/query-api": wallet.query_api,
    "/v5/asset/coin/query-info": wallet.coin_info,
}
PRIVATE_POST: dict[str, Handler] = {
    "/v5/order/create": trading.create,
    "/v5/order/amend": trading.amend,
    "/v5/order/cancel": trading.cancel,
    "/v5/order/cancel-all": trading.cancel_all,
    "/v5/order/create-batch": trading.create_batch,
    "/v5/order/amend-batch": trading.amend_batch,
    "/v5/order/cancel-batch": trading.cancel_batch,
    "/v5/position/set-leverage": wallet.set_leverage,
    "/v5/position/switch-mode": wallet.switch_mode,
    "/v5/account/set-margin-mode": wallet.set_margin_mode,
}
# Below /v5/, as rules of faults and limits name them.
PATHS = tuple(path.removeprefix("/v5/") for path in (*PUBLIC_GET, *PRIVATE_GET, *PRIVATE_POST))
