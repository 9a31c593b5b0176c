"""ccxt's structures and Bybit's payloads → the port's reports. Every number goes from string to ``Decimal``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from exchange.port import Balance, Candle, ExchangePosition, FillReport, OrderReport, ReportedStatus, Ticker
from strategies.contract import MarketKind, MarketSpec, OrderType, Side

Fees = tuple[Decimal, Decimal]  # maker, taker; fractions


def decimal_or_none(value: Any) -> Decimal | None:
    """``None`` and ``""`` are nothing. A float is taken by its shortest text, never by its binary digits."""
    if value is None or value == "":
        return None
    return Decimal(str(value))


def nonzero(value: Any) -> Decimal | None:
    """For prices, where exchanges write "0" or "" for "none"."""
    number = decimal_or_none(value)
    return number or None


def decimal(value: Any) -> Decimal:
    return decimal_or_none(value) or Decimal(0)


def whole_milliseconds(value: Any) -> int | None:
    return None if value in (None, "") else int(value)


def plain(number: Decimal) -> str:
    """Without an exponent and trailing zeros: what goes to the exchange."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- Markets -------------------------------------------------------------------------------------------------------


def market_spec(
    market: Mapping[str, Any], published_fees: Mapping[str, Fees] | None = None, buyer_pays_in_quote: bool = False
) -> MarketSpec | None:
    """``None`` for what cannot be traded here: inactive, inverse or option markets, or one without precision.

    ``published_fees`` by kind of market take the place of ccxt's where the exchange's market data names none.
    """
    if market.get("active") is False or market.get("option"):
        return None
    if market.get("spot"):
        kind = MarketKind.SPOT
    elif market.get("linear"):
        kind = MarketKind.LINEAR
    else:
        return None
    precision, limits = market["precision"], market["limits"]
    tick, step = decimal_or_none(precision.get("price")), decimal_or_none(precision.get("amount"))
    if not tick or not step:
        return None
    contract_size = decimal_or_none(market.get("contractSize")) or Decimal(1)
    amounts, costs = limits.get("amount") or {}, limits.get("cost") or {}
    prices = limits.get("price") or {}
    maximum, market_maximum = nonzero(amounts.get("max")), _market_maximum(market)
    maker, taker = decimal(market.get("maker")), decimal(market.get("taker"))
    if published_fees and kind in published_fees and "takerFee" not in (market.get("info") or {}):
        maker, taker = published_fees[kind]
    return MarketSpec(
        symbol=market["symbol"],
        kind=kind,
        base=market["base"],
        quote=market["quote"],
        tick=tick,
        step=step * contract_size,
        min_amount=(decimal_or_none(amounts.get("min")) or step) * contract_size,
        max_amount=maximum * contract_size if maximum else None,
        min_notional=decimal_or_none(costs.get("min")),
        maker_fee=maker,
        taker_fee=taker,
        contract_size=contract_size,
        max_leverage=decimal_or_none((limits.get("leverage") or {}).get("max")),
        max_market_amount=market_maximum * contract_size if market_maximum else None,
        # ccxt takes OKX's limit of a market order on spot for this.
        max_notional=nonzero((market.get("info") or {}).get("maxLmtAmt") or costs.get("max")),
        min_price=nonzero(prices.get("min")),
        max_price=nonzero(prices.get("max")),
        buyer_pays_in_quote=buyer_pays_in_quote,
    )


def _market_maximum(market: Mapping[str, Any]) -> Decimal | None:
    """The most that one market order may be for, in contracts where there are contracts. ccxt knows Binance's only."""
    info, lots = market.get("info") or {}, (market.get("info") or {}).get("lotSizeFilter") or {}
    unified = nonzero((market["limits"].get("market") or {}).get("max"))
    okx = nonzero(info.get("maxMktSz")) if market.get("contract") else None  # on spot it is an amount of USDT
    return unified or nonzero(lots.get("maxMktOrderQty")) or okx


def with_fees(spec: MarketSpec, structure: Mapping[str, Any]) -> MarketSpec:
    """``structure`` is ccxt's trading fee of this market."""
    maker, taker = decimal_or_none(structure.get("maker")), decimal_or_none(structure.get("taker"))
    return replace(
        spec,
        maker_fee=spec.maker_fee if maker is None else maker,
        taker_fee=spec.taker_fee if taker is None else taker,
    )


# --- ccxt's unified structures -------------------------------------------------------------------------------------

_STATUS_OF_CCXT = {
    "open": ReportedStatus.OPEN,
    "closed": ReportedStatus.FILLED,
    "canceled": ReportedStatus.CANCELED,
    "canceling": ReportedStatus.OPEN,
    "expired": ReportedStatus.EXPIRED,
    "rejected": ReportedStatus.REJECTED,
}


def ticker(structure: Mapping[str, Any], now: int, *, replayed: bool) -> Ticker:
    """``now`` is the exchange's clock, and stands in for the time of a price that has none."""
    timestamp = structure.get("timestamp") or now
    return Ticker(
        symbol=structure["symbol"],
        last=Decimal(structure["last"]),
        bid=nonzero(structure.get("bid")),
        ask=nonzero(structure.get("ask")),
        timestamp=timestamp,
        lag=None if replayed else max(0, now - timestamp),
    )


def candle(row: list[Any]) -> Candle:
    timestamp, *prices, volume = row
    opened, high, low, close = (Decimal(str(price)) for price in prices)
    return Candle(int(timestamp), opened, high, low, close, decimal(volume))


def balances(structure: Mapping[str, Any]) -> dict[str, Balance]:
    totals: Mapping[str, Any] = structure.get("total") or {}
    return {
        coin: Balance(
            free=decimal(structure[coin].get("free")),
            used=decimal(structure[coin].get("used")),
            total=decimal(total),
        )
        for coin, total in totals.items()
    }


def position(structure: Mapping[str, Any], contract_size: Decimal) -> ExchangePosition:
    amount = decimal(structure.get("contracts")) * contract_size
    return ExchangePosition(
        symbol=structure["symbol"],
        amount=-amount if structure.get("side") == "short" else amount,
        average_price=decimal(structure.get("entryPrice")),
        unrealised_pnl=decimal(structure.get("unrealizedPnl")),
        leverage=nonzero(structure.get("leverage")),
        liquidation_price=nonzero(structure.get("liquidationPrice")),
    )


def order(structure: Mapping[str, Any], symbol: str, contract_size: Decimal) -> OrderReport:
    filled = decimal_or_none(structure.get("filled"))
    amount = decimal_or_none(structure.get("amount"))
    status = _STATUS_OF_CCXT.get(structure.get("status") or "open", ReportedStatus.OPEN)
    if status is ReportedStatus.OPEN and filled:
        status = ReportedStatus.PARTIALLY_FILLED
    elif status is ReportedStatus.FILLED and filled is not None and amount and filled < amount:
        status = ReportedStatus.CANCELED  # ccxt calls "partly filled, rest cancelled" closed
    trigger_price = nonzero(structure.get("triggerPrice"))
    return OrderReport(
        symbol=symbol,
        client_order_id=structure.get("clientOrderId") or "",
        exchange_order_id=str(structure.get("id") or ""),
        status=status,
        side=Side(structure["side"]) if structure.get("side") else None,
        type=_order_type(structure.get("type"), trigger_price),
        amount=amount * contract_size if amount is not None else None,
        filled=filled * contract_size if filled is not None else None,
        price=nonzero(structure.get("price")),
        average_price=nonzero(structure.get("average")),
        trigger_price=trigger_price,
        # ccxt does not say; an order that has filled must have been triggered.
        triggered=True if trigger_price and filled else None,
        timestamp=structure.get("timestamp"),
    )


def fill(structure: Mapping[str, Any], contract_size: Decimal, client_order_id: str) -> FillReport:
    fee = structure.get("fee") or {}
    return FillReport(
        symbol=structure["symbol"],
        trade_id=str(structure["id"]),
        exchange_order_id=str(structure.get("order") or ""),
        client_order_id=client_order_id,
        side=Side(structure["side"]),
        price=Decimal(structure["price"]),
        amount=Decimal(structure["amount"]) * contract_size,
        fee=decimal(fee.get("cost")),
        fee_currency=fee.get("currency") or "",
        timestamp=int(structure["timestamp"]),
        is_maker=structure.get("takerOrMaker") == "maker",
    )


def _order_type(name: str | None, trigger_price: Decimal | None) -> OrderType | None:
    if trigger_price is not None:
        return OrderType.STOP
    return {"limit": OrderType.LIMIT, "market": OrderType.MARKET}.get((name or "").lower())


# --- Bybit V5 ------------------------------------------------------------------------------------------------------
# Read from the payload itself: it is the hot path (every order and every execution of an account, each second), and
# ccxt's structures drop what matters here: "partly filled" as a state, reasons, the client's id of an execution.

_STATUS_OF_BYBIT = {
    "Created": ReportedStatus.OPEN,
    "New": ReportedStatus.OPEN,
    "Untriggered": ReportedStatus.OPEN,
    "Triggered": ReportedStatus.OPEN,
    "Active": ReportedStatus.OPEN,
    "PendingCancel": ReportedStatus.OPEN,
    "PartiallyFilled": ReportedStatus.PARTIALLY_FILLED,
    "Filled": ReportedStatus.FILLED,
    "PartiallyFilledCanceled": ReportedStatus.CANCELED,
    "Cancelled": ReportedStatus.CANCELED,
    "Deactivated": ReportedStatus.CANCELED,
    "Rejected": ReportedStatus.REJECTED,
}
# What these say of a conditional order; "Cancelled" and "Rejected" can come before and after its trigger.
_UNTRIGGERED = frozenset({"Untriggered", "Deactivated"})
_TRIGGERED = frozenset({"Triggered", "New", "PartiallyFilled", "Filled", "PartiallyFilledCanceled"})
_NO_REASON = frozenset({"", "EC_NoError", "EC_PerCancelRequest"})
# Bybit accepts a post-only order that would take, and then cancels it: for us that is a refusal.
_REFUSED_BY_THE_ENGINE = frozenset({"EC_PostOnlyWillTakeLiquidity"})
# Executions that change a position. "Funding" and "Settle" move money only.
POSITION_CHANGING = frozenset({"Trade", "AdlTrade", "BustTrade", "BlockTrade", "MovePosition", "Delivery"})


def bybit_order(payload: Mapping[str, Any], spec: MarketSpec) -> OrderReport:
    """An entry of ``/v5/order/realtime`` or ``/v5/order/history``."""
    raw_status = payload["orderStatus"]
    if raw_status not in _STATUS_OF_BYBIT:
        raise ValueError(f"order {payload.get('orderId')} has the unknown status {raw_status!r}")
    status = _STATUS_OF_BYBIT[raw_status]
    filled = decimal(payload.get("cumExecQty"))
    reason = payload.get("rejectReason") or ""
    if status is ReportedStatus.OPEN and filled:
        status = ReportedStatus.PARTIALLY_FILLED
    elif status is ReportedStatus.CANCELED and not filled and reason in _REFUSED_BY_THE_ENGINE:
        status = ReportedStatus.REJECTED
    side = Side(payload["side"].lower())
    trigger_price = nonzero(payload.get("triggerPrice"))
    # A market buy on spot counts in quote unless it said otherwise; ours always say so.
    in_quote = (
        spec.kind is MarketKind.SPOT
        and payload["orderType"] == "Market"
        and (payload.get("marketUnit") == "quoteCoin" or (not payload.get("marketUnit") and side is Side.BUY))
    )
    return OrderReport(
        symbol=spec.symbol,
        client_order_id=payload.get("orderLinkId") or "",
        exchange_order_id=payload["orderId"],
        status=status,
        side=side,
        type=_order_type(payload["orderType"], trigger_price),
        amount=None if in_quote else decimal_or_none(payload.get("qty")),
        filled=filled,
        # A market order's "price" is the worst price that Bybit's slippage protection lets it take.
        price=None if payload["orderType"] == "Market" else nonzero(payload.get("price")),
        average_price=nonzero(payload.get("avgPrice")),
        trigger_price=trigger_price,
        triggered=None if trigger_price is None else _bybit_triggered(raw_status, filled),
        timestamp=whole_milliseconds(payload.get("createdTime")),
        reason="" if reason in _NO_REASON else reason,
    )


def _bybit_triggered(raw_status: str, filled: Decimal) -> bool | None:
    if filled or raw_status in _TRIGGERED:
        return True
    return False if raw_status in _UNTRIGGERED else None


def bybit_fill(payload: Mapping[str, Any], spec: MarketSpec) -> FillReport:
    """An entry of ``/v5/execution/list``.

    Spot entries do not always name the fee's coin: a buyer then pays in what was bought, a seller in quote, and a
    rebate (negative fee) comes the other way round.
    """
    side = Side(payload["side"].lower())
    fee = decimal(payload.get("execFee"))
    currency = payload.get("feeCurrency") or payload.get("feeCoin")
    if not currency:
        in_base = spec.kind is MarketKind.SPOT and (side is Side.BUY) == (fee >= 0)
        currency = spec.base if in_base else spec.quote
    return FillReport(
        symbol=spec.symbol,
        trade_id=payload["execId"],
        exchange_order_id=payload["orderId"],
        client_order_id=payload.get("orderLinkId") or "",
        side=side,
        price=Decimal(payload["execPrice"]),
        amount=Decimal(payload["execQty"]),
        fee=fee,
        fee_currency=currency,
        timestamp=int(payload["execTime"]),
        is_maker=bool(payload["isMaker"]),
    )


def bybit_position(payload: Mapping[str, Any], spec: MarketSpec) -> ExchangePosition | None:
    """An entry of ``/v5/position/list``; ``None`` when it is flat."""
    size = decimal(payload.get("size"))
    if not size:
        return None
    return ExchangePosition(
        symbol=spec.symbol,
        amount=-size if payload.get("side") == "Sell" else size,
        average_price=decimal(payload.get("avgPrice")),
        unrealised_pnl=decimal(payload.get("unrealisedPnl")),
        leverage=nonzero(payload.get("leverage")),
        liquidation_price=nonzero(payload.get("liqPrice")),
    )


def bybit_wallet(account: Mapping[str, Any]) -> dict[str, Balance]:
    """An entry of ``/v5/account/wallet-balance``.

    ``used`` is what spot orders, position margin and order margin hold of the coin; the deprecated
    ``availableToWithdraw`` is empty on unified accounts.
    """
    result = {}
    for coin in account.get("coin", ()):
        total = decimal(coin.get("walletBalance"))
        used = decimal(coin.get("locked")) + decimal(coin.get("totalPositionIM")) + decimal(coin.get("totalOrderIM"))
        result[coin["coin"]] = Balance(free=total - used, used=used, total=total)
    return result
