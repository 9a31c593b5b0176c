"""What the exchanges do differently, in one table: gateways and bots act by it, ``docs/exchanges.md`` shows it.

Every entry is from the exchange's own documents, whose addresses stand beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from exchange.traits import DuplicateIds, VenueTraits
from strategies.contract import MarketKind

_SPOT = frozenset({MarketKind.SPOT})
_LINEAR = frozenset({MarketKind.LINEAR})
_BOTH = frozenset(MarketKind)


@dataclass(frozen=True, slots=True)
class ClientIdForm:
    """``parameter`` is the exchange's name for it, ``pattern`` what it takes (the whole of it)."""

    parameter: str
    pattern: str
    words: str

    def takes(self, client_id: str) -> bool:
        return re.fullmatch(self.pattern, client_id) is not None


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """One column of the table. What is not in ``traits`` is for the reader."""

    name: str
    kinds: frozenset[MarketKind]
    traits: VenueTraits
    client_id: ClientIdForm
    looked_up: str
    executions: str
    amending: str
    stops: str
    contract_size: str
    fees: str
    minimum: str
    limit_signals: str
    practice: str
    key_rights: str
    documents: tuple[str, ...]
    buyer_pays_in_quote: bool = False


VENUES: Mapping[str, VenueFacts] = {
    "bybit": VenueFacts(
        name="Bybit",
        kinds=_BOTH,
        traits=VenueTraits(
            finds_by_client_id=True,
            fills_carry_client_id=True,
            duplicate_ids=DuplicateIds.REFUSED,
            amends=_BOTH,
            amends_stops=_BOTH,
            stop_orders=_BOTH,
            not_found_lag=timedelta(seconds=3),
        ),
        client_id=ClientIdForm("orderLinkId", r"[A-Za-z0-9_-]{1,36}", "36 of letters, digits, `-`, `_`"),
        looked_up="`order/realtime`, then `order/history`, by `orderLinkId`",
        executions="whole account, by weeks; carry `orderLinkId`",
        amending="`order/amend`: price, amount, trigger",
        stops="`StopOrder` with `triggerPrice`; on spot a book of its own",
        contract_size="1 coin",
        fees="buyer pays in base on spot, else quote",
        minimum="`minOrderAmt`, `minNotionalValue`",
        limit_signals="10006, HTTP 429, `X-Bapi-Limit-Reset-Timestamp`; HTTP 403 is a ban of 10 min",
        practice="demo trading (production keys of the demo account), test net, simulator",
        key_rights="`/v5/user/query-api` (not in demo trading)",
        documents=(
            "https://bybit-exchange.github.io/docs/v5/order/create-order",
            "https://bybit-exchange.github.io/docs/v5/order/amend-order",
            "https://bybit-exchange.github.io/docs/v5/rate-limit",
        ),
    ),
    "binance": VenueFacts(
        name="Binance",
        kinds=_BOTH,
        traits=VenueTraits(
            finds_by_client_id=True,
            fills_by_symbol=True,
            duplicate_ids=DuplicateIds.REFUSED_WHILE_OPEN,
            amends=_LINEAR,
            stop_orders=_SPOT,
        ),
        client_id=ClientIdForm("newClientOrderId", r"[.A-Z:/a-z0-9_-]{1,36}", "36 of letters, digits, `. : / _ -`"),
        looked_up="`order` by `origClientOrderId`",
        executions="per symbol; carry `orderId`, whose client id is asked for once",
        amending="futures: `PUT order` (limit orders); spot: cancelled and placed anew",
        stops="spot: `STOP_LOSS`. Futures moved theirs to a service that gives the triggered order another id: not used",
        contract_size="1 coin",
        fees="in what was received, or in BNB",
        minimum="`NOTIONAL`, `MIN_NOTIONAL`",
        limit_signals="HTTP 429 with `Retry-After`; HTTP 418 is a ban",
        practice="demo trading, test net",
        key_rights="`/sapi/v1/account/apiRestrictions` (live only)",
        documents=(
            "https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints",
            "https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Modify-Order",
            "https://developers.binance.com/docs/derivatives/change-log",
        ),
    ),
    "okx": VenueFacts(
        name="OKX",
        kinds=_BOTH,
        traits=VenueTraits(
            finds_by_client_id=True,
            duplicate_ids=DuplicateIds.REFUSED_WHILE_OPEN,
            amends=_BOTH,
            amends_stops=_BOTH,
            stop_orders=_BOTH,
        ),
        client_id=ClientIdForm("clOrdId", r"[A-Za-z0-9]{1,32}", "32 of letters, digits"),
        looked_up="`trade/order` by `clOrdId`, then `trade/order-algo` by `algoClOrdId`",
        executions="whole account; carry `clOrdId`, those of a stop are asked about once",
        amending="`trade/amend-order`, stops `trade/amend-algos`",
        stops="`trade/order-algo`; the order it becomes has an id of its own and is followed",
        contract_size="**0.01 BTC, 0.1 ETH …** (`ctVal`); amounts here are always in coins",
        fees="in what was received on spot, else quote",
        minimum="`minSz` (an amount)",
        limit_signals="50011, 50061, HTTP 429",
        practice="demo trading (`x-simulated-trading: 1`, keys of the demo account)",
        key_rights="`perm` of `account/config`",
        documents=(
            "https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-order",
            "https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-post-place-algo-order",
            "https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-transaction-details-last-3-days",
        ),
    ),
    "kraken": VenueFacts(
        name="Kraken",
        kinds=_SPOT,
        traits=VenueTraits(
            finds_by_client_id=True,
            duplicate_ids=DuplicateIds.REFUSED_WHILE_OPEN,
            amends=_SPOT,
            amends_stops=_SPOT,
            stop_orders=_SPOT,
        ),
        client_id=ClientIdForm(
            "cl_ord_id",
            r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[ -~]{1,18}",
            "a UUID, or 18 characters; ours is written as a UUID and read back",
        ),
        looked_up="`OpenOrders`, then `ClosedOrders`, by `cl_ord_id`",
        executions="whole account; carry `ordertxid`, whose client id is asked for once",
        amending="`AmendOrder`: price, amount, trigger",
        stops="`stop-loss`",
        contract_size="– (spot only)",
        fees="quote (`oflags=fciq`)",
        minimum="`ordermin`, `costmin`",
        limit_signals="`EAPI:Rate limit exceeded`, `EOrder:Rate limit exceeded`, `EGeneral:Temporary lockout`",
        practice="none",
        key_rights="`GetApiKeyInfo`",
        documents=(
            "https://docs.kraken.com/api/docs/guides/spot-clordid",
            "https://docs.kraken.com/api/docs/rest-api/add-order",
            "https://docs.kraken.com/api/docs/rest-api/amend-order",
        ),
        buyer_pays_in_quote=True,
    ),
    "coinbase": VenueFacts(
        name="Coinbase",
        kinds=_SPOT,
        traits=VenueTraits(duplicate_ids=DuplicateIds.FIRST_RETURNED, amends=_SPOT),
        client_id=ClientIdForm("client_order_id", r".{1,128}", "any text up to 128"),
        looked_up="the newest 1,000 orders of the market are read for `client_order_id`",
        executions="whole account; carry `order_id`, whose client id is asked for once",
        amending="`orders/edit`: price and amount of resting limit orders",
        stops="stop-limit only: not used",
        contract_size="– (spot only)",
        fees="quote",
        minimum="`quote_min_size`",
        limit_signals="HTTP 429",
        practice="none",
        key_rights="`key_permissions`",
        documents=(
            "https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/create-order",
            "https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/edit-order",
            "https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/list-fills",
        ),
        buyer_pays_in_quote=True,
    ),
}
# An exchange that nobody has looked at. ccxt does not say in which form an exchange takes client order ids, if it takes
# any, and a refused id is a refused order: none is sent. Executions can be asked for by symbol everywhere.
CAREFUL = VenueTraits(client_order_ids=False, fills_by_symbol=True)


def traits_of(exchange_id: str) -> VenueTraits:
    facts = VENUES.get(exchange_id)
    return facts.traits if facts else CAREFUL


def kinds_of(exchange_id: str) -> frozenset[MarketKind]:
    """The kinds of market that are traded there."""
    facts = VENUES.get(exchange_id)
    return facts.kinds if facts else _BOTH


def buyer_pays_in_quote(exchange_id: str) -> bool:
    """Whether a buyer on spot gets the whole of what was bought, and the fee is taken from the quote coin."""
    facts = VENUES.get(exchange_id)
    return facts is not None and facts.buyer_pays_in_quote


_DUPLICATES = {
    DuplicateIds.REFUSED: "refused",
    DuplicateIds.REFUSED_WHILE_OPEN: "refused while the first is open",
    DuplicateIds.FIRST_RETURNED: "answered with the first order",
    DuplicateIds.ACCEPTED: "accepted",
}


def rendered() -> str:
    """The table in Markdown."""
    rows: dict[str, list[str]] = {
        "markets": [", ".join(sorted(facts.kinds, reverse=True)) for facts in VENUES.values()],
        "client order id": [f"`{facts.client_id.parameter}`: {facts.client_id.words}" for facts in VENUES.values()],
        "an id used twice": [_DUPLICATES[facts.traits.duplicate_ids] for facts in VENUES.values()],
        '"no such order" counts after': [
            f"{facts.traits.not_found_lag.total_seconds():.0f} s" for facts in VENUES.values()
        ],
        "an order is looked up": [facts.looked_up for facts in VENUES.values()],
        "executions": [facts.executions for facts in VENUES.values()],
        "amending in place": [facts.amending for facts in VENUES.values()],
        "stop orders": [facts.stops for facts in VENUES.values()],
        "one contract": [facts.contract_size for facts in VENUES.values()],
        "fees": [facts.fees for facts in VENUES.values()],
        "smallest order": [facts.minimum for facts in VENUES.values()],
        '"too many requests"': [facts.limit_signals for facts in VENUES.values()],
        "for practice": [facts.practice for facts in VENUES.values()],
        "what a key may do": [facts.key_rights for facts in VENUES.values()],
    }
    head = ["", *(facts.name for facts in VENUES.values())]
    lines = [head, ["---"] * len(head), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
