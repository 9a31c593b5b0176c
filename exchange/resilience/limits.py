"""What exchanges publish of how much may be asked of them, and what one request takes of it.

A request takes from the budget of its host (an IP address's limit) and, with a key, from the account's for that kind of
request. What an exchange reports in its headers corrects both (:mod:`.answers`), so the figures of the lowest tier
are a safe beginning for everybody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from exchange.errors import NeedsOperator
from exchange.gateway_config import GatewayConfig
from exchange.translation import Intent

# Two clocks and a network lie between our count and the exchange's.
SAFETY = 0.9
# How much of a budget each intent may use up: when reads have eaten theirs, an order still goes out, and when orders
# have eaten theirs too, a cancel does.
SHARES: Mapping[Intent, float] = {
    Intent.READ: 0.8,
    Intent.CONFIGURE: 0.8,
    Intent.PLACE: 0.95,
    Intent.AMEND: 0.95,
    Intent.CANCEL: 1.0,
}
OPTION = "rate_limits"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``weight`` in any stretch of ``seconds``."""

    weight: int
    seconds: float

    def reduced(self, share: float) -> Limit:
        return Limit(max(1, int(self.weight * share)), self.seconds)


@dataclass(frozen=True, slots=True)
class Rule:
    """An account's limit on the paths that begin with one of ``paths``; ``category`` is Bybit's, empty for all."""

    name: str
    paths: tuple[str, ...]
    limit: Limit
    category: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """One exchange's limits. ``hosts`` by the beginning of the host's name; ``weights`` by the beginning of a path.

    ``forbidden_ban`` is how many seconds a 403 means where it means "too many requests", ``None`` elsewhere.
    """

    host: Limit
    hosts: Mapping[str, Limit] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    weights: tuple[tuple[str, int], ...] = ()
    private_counts_on_host: bool = True
    forbidden_ban: float | None = None


def _bybit(name: str, *paths: str, default: int, spot: int | None = None) -> tuple[Rule, ...]:
    prefixed = tuple(f"/v5/{path}" for path in paths)
    general = Rule(name, prefixed, Limit(default, 1))
    return (Rule(f"{name}:spot", prefixed, Limit(spot, 1), "spot"), general) if spot else (general,)


# https://bybit-exchange.github.io/docs/v5/rate-limit (unified accounts, default level), read in 2025.
_BYBIT = Published(
    host=Limit(600, 5),
    rules=(
        *_bybit("create", "order/create", default=10, spot=20),
        *_bybit("amend", "order/amend", default=10),
        *_bybit("cancel-all", "order/cancel-all", default=10, spot=20),
        *_bybit("cancel", "order/cancel", default=10, spot=20),
        *_bybit("realtime", "order/realtime", default=50),
        *_bybit("history", "order/history", default=50),
        *_bybit("executions", "execution/list", default=50),
        *_bybit("positions", "position/list", default=50),
        *_bybit("wallet", "account/wallet-balance", default=50),
        *_bybit("fee-rate", "account/fee-rate", default=10, spot=5),
        *_bybit("private", "account/", "asset/", "order/", "position/", "user/", default=10),
    ),
    forbidden_ban=600,  # "terminate all HTTP sessions and wait for at least 10 minutes"
)
# https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits and …/derivatives/usds-margined-futures.
_BINANCE = Published(
    host=Limit(6000, 60),
    hosts={"fapi.": Limit(2400, 60), "dapi.": Limit(2400, 60), "demo-fapi.": Limit(2400, 60)},
    rules=(
        Rule("orders", ("/api/v3/order",), Limit(100, 10)),
        Rule("orders:linear", ("/fapi/v1/order",), Limit(300, 10)),
    ),
    weights=(
        ("/api/v3/openOrders", 6),
        ("/api/v3/allOrders", 20),
        ("/api/v3/myTrades", 20),
        ("/api/v3/account", 20),
        ("/api/v3/exchangeInfo", 20),
        ("/api/v3/ticker/24hr", 2),
        ("/api/v3/klines", 2),
        ("/fapi/v1/klines", 5),
        ("/fapi/v1/allOrders", 5),
        ("/fapi/v1/userTrades", 5),
        ("/fapi/v2/", 5),
        ("/fapi/v3/", 5),
    ),
    forbidden_ban=300,  # the web application firewall's
)
# https://www.okx.com/docs-v5/en/: each endpoint has its own, most of them by user.
_OKX = Published(
    host=Limit(40, 2),
    rules=(
        Rule("order", ("/api/v5/trade/order", "/api/v5/trade/order-algo"), Limit(20, 2)),
        Rule("cancel", ("/api/v5/trade/cancel",), Limit(20, 2)),
        Rule("amend", ("/api/v5/trade/amend",), Limit(20, 2)),
        Rule("balance", ("/api/v5/account/balance",), Limit(10, 2)),
        Rule("positions", ("/api/v5/account/positions",), Limit(10, 2)),
        Rule("fills-history", ("/api/v5/trade/fills-history",), Limit(10, 2)),
        Rule("private", ("/api/v5/account/", "/api/v5/trade/"), Limit(20, 2)),
    ),
)
# https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits: a counter of 15 that decays by 0.33 a second (starter),
# which over 45 s is 15 again; orders have counters of their own (60, decay 1/s), which quick cancels raise by up to 9.
_KRAKEN = Published(
    host=Limit(15, 15),
    rules=(
        Rule("order", ("/0/private/AddOrder", "/0/private/AmendOrder", "/0/private/EditOrder"), Limit(15, 15)),
        Rule("cancel", ("/0/private/CancelOrder",), Limit(15, 15)),
        Rule("private", ("/0/private/",), Limit(15, 45)),
    ),
    private_counts_on_host=False,
)
# https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/rest-api: 10 a second by address, 30 by user.
_COINBASE = Published(
    host=Limit(10, 1),
    rules=(Rule("private", ("/api/v3/brokerage/",), Limit(30, 1)),),
    private_counts_on_host=False,
)
_PUBLISHED: Mapping[str, Published] = {
    "bybit": _BYBIT,
    "binance": _BINANCE,
    "binanceusdm": _BINANCE,
    "okx": _OKX,
    "kraken": _KRAKEN,
    "coinbase": _COINBASE,
}
_UNKNOWN = Published(host=Limit(50, 5))
# Nobody is harmed by asking a simulator often; this only keeps a runaway loop from starving the rest.
_SIMULATOR = Published(host=Limit(20_000, 5), forbidden_ban=10)


@dataclass(frozen=True, slots=True)
class Charge:
    """``cost`` to be taken from the budget called ``bucket``. ``shared`` budgets keep a reserve for writing calls."""

    bucket: str
    limit: Limit
    cost: int
    shared: bool


class Limits:
    """The budgets of one account. ``options`` of the account may say otherwise than the exchange has published::

        {"rate_limits": {"host": [600, 5], "account": [50, 1]}}    requests, seconds
        {"rate_limits": "published"}                               the exchange's own, on the simulator too

    Raises ``NeedsOperator`` when they cannot be read.
    """

    def __init__(self, config: GatewayConfig, *, with_keys: bool) -> None:
        said = json.loads(config.options or "{}").get(OPTION)
        simulated = config.environment == "simulator" and said != "published"
        self.published = _SIMULATOR if simulated else _PUBLISHED.get(config.exchange_id, _UNKNOWN)
        own = _own_limits(said)
        self._own_host, self._own_account = own.get("host"), own.get("account")
        self._learnt: dict[str, Limit] = {}
        identity = "|".join((config.exchange_id, config.environment, config.base_url, config.api_key))
        # Not the key itself: budgets are named where others may look.
        self._account = hashlib.sha256(identity.encode()).hexdigest()[:16] if with_keys and config.api_key else ""

    def charges(self, method: str, url: str, body: str | None = None) -> list[Charge]:
        """The host's first. ``url`` is the request's, with its query."""
        parts = urlsplit(url)
        rule = self._rule(parts.path, _category(parts.query, body)) if self._account else None
        charges = []
        if rule is None or self.published.private_counts_on_host:
            cost = next((weight for path, weight in self.published.weights if parts.path.startswith(path)), 1)
            limit = self.host_limit(parts.netloc)
            charges.append(Charge(f"host:{parts.netloc}", limit, min(cost, limit.weight), shared=True))
        if rule is not None:
            shared = rule.name in ("account", "private")
            name = f"account:{parts.netloc}:{self._account}:{rule.name}"
            limit = self._learnt.get(name, rule.limit).reduced(SAFETY)
            charges.append(Charge(name, limit, 1, shared))
        return charges

    def learn(self, charge: Charge, limit: int) -> None:
        """The exchange grants this account less than it has published: believed until the process ends."""
        if limit * SAFETY < charge.limit.weight:
            self._learnt[charge.bucket] = Limit(max(1, limit), charge.limit.seconds)

    def host_limit(self, host: str) -> Limit:
        """What may be asked of a host, less the margin of safety."""
        found = (limit for name, limit in self.published.hosts.items() if host.startswith(name))
        return (self._own_host or next(found, self.published.host)).reduced(SAFETY)

    def _rule(self, path: str, category: str) -> Rule | None:
        if self._own_account is not None:
            return None if _is_public(path) else Rule("account", (), self._own_account)
        for rule in self.published.rules:
            if path.startswith(rule.paths) and rule.category in ("", category):
                return rule
        return None


def _is_public(path: str) -> bool:
    return any(word in path for word in ("/market/", "/public/", "/ticker", "/klines", "/time", "/exchangeInfo"))


def _category(query: str, body: str | None) -> str:
    if found := parse_qs(query).get("category"):
        return found[0]
    return "spot" if body and '"category":"spot"' in body.replace(" ", "") else ""


def _own_limits(said: object) -> dict[str, Limit]:
    if said is None or said == "published":
        return {}
    if isinstance(said, dict) and said.keys() <= {"host", "account"}:
        try:
            limits = {name: Limit(int(weight), float(seconds)) for name, (weight, seconds) in said.items()}
        except (TypeError, ValueError):
            limits = {}
        if limits and all(limit.weight >= 1 and limit.seconds > 0 for limit in limits.values()):
            return limits
    raise NeedsOperator(
        f'The account\'s option "{OPTION}" cannot be read: write "published", or an object with requests and seconds, '
        'such as {"host": [600, 5], "account": [50, 1]}.'
    )
