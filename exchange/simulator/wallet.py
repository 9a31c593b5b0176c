"""The private endpoints for the account: balances, positions, leverage, fees, what the key may do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchange.simulator.accounts import MAINTENANCE_RATE, Account, Position
from exchange.simulator.engine import Engine
from exchange.simulator.errors import Refusal, bad_parameter
from exchange.simulator.http import Asked
from exchange.simulator.orders import ZERO, text
from exchange.simulator.requests import read_category, read_decimal, read_text

RISK_LIMIT = "2000000"


def wallet_balance(asked: Asked) -> dict[str, Any]:
    if asked.text("accountType") not in ("UNIFIED", "SPOT", "CONTRACT"):
        raise Refusal(10001, f"accountType [{asked.text('accountType')}] is not simulated; ask for UNIFIED")
    wanted = {name for name in asked.text("coin").split(",") if name}
    return {"list": [describe_wallet(asked.engine, asked.account, wanted)]}


def describe_wallet(engine: Engine, account: Account, wanted: set[str] | None = None) -> dict[str, Any]:
    """The account with its coins; totals are in the quote coin of the linear markets (taken as one dollar)."""
    linear = engine.markets["linear"]
    quotes = {market.instrument.quote for market in linear.values()}
    coins = []
    total_wallet = total_equity = total_initial = total_unrealised = total_maintenance = ZERO
    for name, coin in sorted(account.coins.items()):
        price = _dollars(engine, name, quotes)
        unrealised, position_margin, order_margin = account.margins(name, linear) if name in quotes else (ZERO,) * 3
        maintenance = _maintenance(engine, account, name)
        equity = coin.wallet + unrealised
        total_wallet += coin.wallet * price
        total_equity += equity * price
        total_initial += (position_margin + order_margin) * price
        total_unrealised += unrealised * price
        total_maintenance += maintenance * price
        if wanted and name not in wanted:
            continue
        coins.append(
            {
                "coin": name,
                "equity": text(equity),
                "usdValue": text(round(equity * price, 8)),
                "walletBalance": text(coin.wallet),
                "free": "",
                "locked": text(coin.locked),
                "spotHedgingQty": "0",
                "borrowAmount": "0",
                "spotBorrow": "0",
                "availableToBorrow": "",
                "availableToWithdraw": "",
                "accruedInterest": "0",
                "totalOrderIM": text(_rounded(order_margin)),
                "totalPositionIM": text(_rounded(position_margin)),
                "totalPositionMM": text(_rounded(maintenance)),
                "unrealisedPnl": text(unrealised),
                "cumRealisedPnl": text(coin.realised),
                "bonus": "0",
                "marginCollateral": name in quotes,
                "collateralSwitch": name in quotes,
            }
        )
    margin_balance = total_wallet + total_unrealised
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": _rate(total_initial, margin_balance),
        "accountMMRate": _rate(total_maintenance, margin_balance),
        "totalEquity": text(round(total_equity, 8)),
        "totalWalletBalance": text(round(total_wallet, 8)),
        "totalMarginBalance": text(round(margin_balance, 8)),
        "totalAvailableBalance": text(round(sum((account.available(one, linear) for one in quotes), ZERO), 8)),
        "totalPerpUPL": text(round(total_unrealised, 8)),
        "totalInitialMargin": text(round(total_initial, 8)),
        "totalMaintenanceMargin": text(round(total_maintenance, 8)),
        "coin": coins,
    }


def _rounded(margin: Decimal) -> Decimal:
    return round(margin, 8)


def _rate(part: Decimal, whole: Decimal) -> str:
    return f"{part / whole:.4f}" if whole > 0 else "0"


def _dollars(engine: Engine, coin: str, quotes: set[str]) -> Decimal:
    if coin in quotes:
        return Decimal(1)
    for market in engine.markets["spot"].values():
        if market.instrument.base == coin:
            return market.last
    return ZERO


def _maintenance(engine: Engine, account: Account, coin: str) -> Decimal:
    linear = engine.markets["linear"]
    return sum(
        (
            abs(position.size) * linear[symbol].last * MAINTENANCE_RATE
            for symbol, position in account.positions.items()
            if linear[symbol].instrument.quote == coin
        ),
        ZERO,
    )


def position_list(asked: Asked) -> dict[str, Any]:
    """By symbol also a flat position; by coin only those that are held."""
    category = read_category(asked.values)
    if category != "linear":
        raise Refusal(10001, f"Illegal category [{category}]: positions are linear")
    symbol, base, settle = asked.text("symbol"), asked.text("baseCoin"), asked.text("settleCoin")
    if not (symbol or base or settle):
        raise bad_parameter("symbol, baseCoin or settleCoin is required")
    engine, account = asked.engine, asked.account
    if symbol:
        engine.floor.market(category, symbol)
        shown = [account.positions.get(symbol) or Position(symbol)]
    else:
        shown = [
            position
            for position in account.positions.values()
            if position.size
            and (not base or engine.floor.instrument(category, position.symbol).base == base)
            and (not settle or engine.floor.instrument(category, position.symbol).quote == settle)
        ]
    rows = [describe_position(engine, position, "avgPrice") for position in shown]
    return {"category": category, "list": rows, "nextPageCursor": ""}


def describe_position(engine: Engine, position: Position, price_name: str) -> dict[str, Any]:
    """One-way mode. REST calls the average price ``avgPrice``, the socket ``entryPrice``."""
    mark = engine.markets["linear"][position.symbol].last
    value = abs(position.size) * mark
    return {
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": RISK_LIMIT,
        "symbol": position.symbol,
        "side": "Buy" if position.size > 0 else "Sell" if position.size < 0 else "",
        "size": text(abs(position.size)),
        price_name: text(position.average_price),
        "positionValue": text(abs(position.entry_value)),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 0,
        "leverage": text(position.leverage),
        "positionBalance": "0",
        "markPrice": text(mark),
        "liqPrice": "",
        "bustPrice": "",
        "positionMM": text(round(value * MAINTENANCE_RATE, 8)),
        "positionIM": text(round(value / position.leverage, 8)),
        "positionMMByMp": text(round(value * MAINTENANCE_RATE, 8)),
        "positionIMByMp": text(round(value / position.leverage, 8)),
        "tpslMode": "Full",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "sessionAvgPrice": "",
        "unrealisedPnl": text(position.unrealised(mark)),
        "curRealisedPnl": text(position.realised),
        "cumRealisedPnl": text(position.realised),
        "seq": engine.replay.point,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(position.created),
        "updatedTime": str(position.updated),
    }


def set_leverage(asked: Asked) -> dict[str, Any]:
    if read_category(asked.values) != "linear":
        raise Refusal(10001, "Illegal category: leverage is for linear")
    buy, sell = read_decimal(asked.values, "buyLeverage"), read_decimal(asked.values, "sellLeverage")
    if buy != sell:
        raise bad_parameter("buyLeverage and sellLeverage must be equal in one-way mode")
    asked.engine.set_leverage(asked.account, read_text(asked.values, "symbol"), buy)
    return {}


def switch_mode(asked: Asked) -> dict[str, Any]:
    """One-way mode is all there is; asking for it is answered as Bybit answers when nothing changes."""
    read_category(asked.values)
    if asked.text("mode") != "0":
        raise Refusal(110029, "Hedge mode is not available for this symbol")
    raise Refusal(110025, "Position mode is not modified")


def set_margin_mode(asked: Asked) -> dict[str, Any]:
    mode = asked.text("setMarginMode")
    if mode != "REGULAR_MARGIN":
        raise Refusal(3400045, f"Set margin mode failed: only REGULAR_MARGIN (cross) is simulated, not [{mode}]")
    return {"reasons": []}


def fee_rate(asked: Asked) -> dict[str, Any]:
    category = read_category(asked.values)
    symbol = asked.text("symbol")
    markets = asked.engine.markets[category]
    shown = [asked.engine.floor.market(category, symbol)] if symbol else list(markets.values())
    rows = [
        {
            "symbol": market.instrument.symbol,
            "baseCoin": "",
            "takerFeeRate": text(market.instrument.taker_fee),
            "makerFeeRate": text(market.instrument.maker_fee),
        }
        for market in shown
    ]
    return {"category": category, "list": rows}


def account_info(asked: Asked) -> dict[str, Any]:
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": str(asked.engine.replay.start),
        "unifiedMarginStatus": 6,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def query_api(asked: Asked) -> dict[str, Any]:
    """A key that may trade spot and derivatives and may not withdraw."""
    return {
        "id": "1",
        "note": "simulator",
        "apiKey": asked.account.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": ["SpotTrade"],
            "Wallet": ["AccountTransfer"],
            "Options": [],
            "Derivatives": ["DerivativesTrade"],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
            "Earn": [],
        },
        "ips": ["*"],
        "type": 1,
        "deadlineDay": 365,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": "2025-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": 1,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
    }


def coin_info(asked: Asked) -> dict[str, Any]:
    """Every coin of the markets, without a chain: nothing can be deposited or withdrawn here."""
    names: dict[str, None] = {}
    for market in asked.engine.markets["spot"].values():
        names |= dict.fromkeys((market.instrument.base, market.instrument.quote))
    wanted = asked.text("coin")
    rows = [
        {"name": name, "coin": name, "remainAmount": "0", "chains": []}
        for name in names
        if not wanted or name == wanted
    ]
    return {"rows": rows}
