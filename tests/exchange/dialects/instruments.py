"""Markets as the exchanges describe them, cut down to what is read. Formats and examples are their documents'."""

from __future__ import annotations

from typing import Any

# https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-endpoints#exchange-information
BINANCE_SPOT: dict[str, Any] = {
    "symbols": [
        {
            "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8,
            "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"],
            "isSpotTradingAllowed": True, "permissions": [],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
                 "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000",
                 "stepSize": "0.00001000"},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "80.00000000",
                 "stepSize": "0.00000000"},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
                 "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
            ],
        },
        {
            "symbol": "PEPEUSDT", "status": "TRADING", "baseAsset": "PEPE", "baseAssetPrecision": 8,
            "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"],
            "isSpotTradingAllowed": True, "permissions": [],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.00000001", "maxPrice": "10.00000000",
                 "tickSize": "0.00000001"},
                {"filterType": "LOT_SIZE", "minQty": "1.00000000", "maxQty": "9000000000.00000000",
                 "stepSize": "1.00000000"},
                {"filterType": "NOTIONAL", "minNotional": "1.00000000", "applyMinToMarket": True,
                 "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
            ],
        },
    ]
}  # fmt: skip

# https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information
BINANCE_LINEAR: dict[str, Any] = {
    "symbols": [
        {
            "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
            "onboardDate": 1569398400000, "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
            "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3, "baseAssetPrecision": 8,
            "quotePrecision": 8, "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
                {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
                {"filterType": "MIN_NOTIONAL", "notional": "100"},
            ],
        }
    ]
}  # fmt: skip

# https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
OKX_SPOT: list[dict[str, Any]] = [
    {
        "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "settleCcy": "", "ctVal": "",
        "ctMult": "", "ctValCcy": "", "ctType": "", "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001",
        "lever": "10", "state": "live", "expTime": "", "listTime": "1606468572000", "maxLmtSz": "9999999999",
        "maxMktSz": "1000000", "maxLmtAmt": "20000000", "maxMktAmt": "1000000", "uly": "", "instFamily": "",
    }
]  # fmt: skip
OKX_SWAP: list[dict[str, Any]] = [
    {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT",
        "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC", "ctType": "linear", "tickSz": "0.1", "lotSz": "0.01",
        "minSz": "0.01", "lever": "100", "state": "live", "expTime": "", "listTime": "1606468572000",
        "maxLmtSz": "100000000", "maxMktSz": "35000", "uly": "BTC-USDT", "instFamily": "BTC-USDT",
    }
]  # fmt: skip

# https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs
KRAKEN_PAIRS: dict[str, Any] = {
    "XXBTZUSD": {
        "altname": "XBTUSD", "wsname": "XBT/USD", "aclass_base": "currency", "base": "XXBT",
        "aclass_quote": "currency", "quote": "ZUSD", "lot": "unit", "cost_decimals": 5, "pair_decimals": 1,
        "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [],
        "fees": [[0, 0.4], [10000, 0.35]], "fees_maker": [[0, 0.25], [10000, 0.2]], "fee_volume_currency": "ZUSD",
        "margin_call": 80, "margin_stop": 40, "ordermin": "0.00005", "costmin": "0.5", "tick_size": "0.1",
        "status": "online",
    }
}  # fmt: skip

# https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/list-public-products
COINBASE_PRODUCTS: list[dict[str, Any]] = [
    {
        "product_id": "BTC-USD", "price": "50000.12", "base_increment": "0.00000001", "quote_increment": "0.01",
        "quote_min_size": "1", "quote_max_size": "150000000", "base_min_size": "0.00000001",
        "base_max_size": "3400", "base_name": "Bitcoin", "quote_name": "US Dollar", "status": "online",
        "cancel_only": False, "limit_only": False, "post_only": False, "trading_disabled": False,
        "product_type": "SPOT", "quote_currency_id": "USD", "base_currency_id": "BTC", "price_increment": "0.01",
        "alias": "", "alias_to": [],
    }
]  # fmt: skip
