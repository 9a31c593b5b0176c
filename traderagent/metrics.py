"""``/metrics``: figures for Prometheus.

Every process counts into Redis (:mod:`exchange.resilience.counters`), so one web process can answer for all of them.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from http import HTTPStatus

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from bots.models import Bot, Order
from exchange.models import ExchangeAccount
from exchange.resilience import status
from exchange.resilience.counters import BUCKETS, COUNTS_KEY
from exchange.resilience.shared_state import shared_state

log = structlog.get_logger(__name__)

_BREAKER_VALUES = {
    status.BreakerState.CLOSED: 0.0,
    status.BreakerState.HALF_OPEN: 1.0,
    status.BreakerState.OPEN: 2.0,
}
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format. 403 for whoever may not see it."""
    if not _may_see(request):
        return HttpResponse(
            "Metrics are for staff, for the bearer of METRICS_TOKEN, and without one for this machine.\n",
            status=HTTPStatus.FORBIDDEN,
            content_type="text/plain; charset=utf-8",
        )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Platform(timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_see(request: HttpRequest) -> bool:
    if request.user.is_authenticated and request.user.is_staff:
        return True
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    # Behind a proxy on this machine everybody comes from the loopback address.
    forwarded = settings.SECURE_PROXY_SSL_HEADER or "X-Forwarded-For" in request.headers
    return not forwarded and request.META.get("REMOTE_ADDR") in _LOOPBACK


class _Platform(Collector):
    """Reads everything once. A store that does not answer leaves its figures out, and says so in ``traderagent_up``."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("traderagent_up", "1 if the store answers.", labels=["store"])
        try:
            found = list(_from_redis(shared_state().connection, self._now))
            up.add_metric(["redis"], 1)
        except RedisError as error:
            log.warning("metrics without Redis", error=str(error))
            found = []
            up.add_metric(["redis"], 0)
        try:
            found += _from_database()
            up.add_metric(["database"], 1)
        except (DatabaseError, InterfaceError) as error:
            log.warning("metrics without database", error=str(error))
            up.add_metric(["database"], 0)
        yield up
        yield from found


def _from_redis(connection: Redis, now: datetime) -> Iterator[Metric]:
    yield from _counts(connection.hgetall(COUNTS_KEY))  # type: ignore[arg-type]  # redis-py types both its clients as one
    hosts = status.read_hosts(connection, now=now)
    yield _gauge(
        "traderagent_breaker_state",
        "Circuit breaker of a host: 0 closed, 1 half-open, 2 open.",
        ["exchange", "environment", "host"],
        (([host.exchange, host.environment, host.name], _BREAKER_VALUES[host.breaker.state]) for host in hosts),
    )
    yield _gauge(
        "traderagent_rate_budget_remaining",
        "What may still be sent to a host within its window, in requests or the exchange's weights.",
        ["exchange", "environment", "host"],
        (([host.exchange, host.environment, host.name], max(0, host.limit - host.used)) for host in hosts),
    )
    yield _gauge(
        "traderagent_banned_seconds",
        "How much longer a host is left alone; 0 when it has not banned us.",
        ["exchange", "environment", "host"],
        (
            (
                [host.exchange, host.environment, host.name],
                (host.ban.until - now).total_seconds() if host.ban else 0.0,
            )
            for host in hosts
        ),
    )
    venues = {host.venue for host in hosts}
    yield _gauge(
        "traderagent_clock_skew_seconds",
        "This machine's clock less the exchange's.",
        ["venue", "machine"],
        (([clock.venue, clock.machine], clock.offset) for clock in status.read_clocks(connection, venues, now=now)),
    )
    feeds = status.read_feeds(connection, venues, now=now)
    yield _gauge(
        "traderagent_price_age_seconds",
        "Since a wanted price was last received.",
        ["venue", "symbol"],
        (([feed.venue, feed.symbol], feed.age) for feed in feeds if feed.age is not None),
    )
    yield _gauge(
        "traderagent_price_feed",
        "1 for how a wanted price comes at present: socket, polling, silent or unknown.",
        ["venue", "symbol", "service"],
        (([feed.venue, feed.symbol, feed.service], 1) for feed in feeds),
    )


def _counts(written: dict[str, str]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "traderagent_exchange_requests",
        "HTTP requests to exchanges by how they ended; held_… were not sent.",
        labels=["exchange", "environment", "group", "outcome"],
    )
    errors = CounterMetricFamily(
        "traderagent_exchange_errors",
        "Calls that ended in an error, by the reaction that it asks for.",
        labels=["exchange", "environment", "kind"],
    )
    seconds: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    sums: dict[tuple[str, ...], float] = {}
    for field, value in written.items():
        name, *labels = field.split("|")
        match name:
            case "requests":
                requests.add_metric(labels, float(value))
            case "errors":
                errors.add_metric(labels, float(value))
            case "seconds":
                seconds[tuple(labels[:-1])][labels[-1]] = float(value)
            case "seconds_sum":
                sums[tuple(labels)] = float(value)
    yield requests
    yield errors
    duration = HistogramMetricFamily(
        "traderagent_exchange_request_seconds",
        "From sending a request to its answer, or to giving up.",
        labels=["exchange", "environment", "group"],
    )
    for key, by_bound in seconds.items():
        total, buckets = 0.0, []
        for bound in [*(str(bound) for bound in BUCKETS), "+Inf"]:
            total += by_bound.get(bound, 0.0)
            buckets.append((bound, total))
        duration.add_metric(list(key), buckets, sums.get(key, 0.0))
    yield duration


def _from_database() -> list[Metric]:
    bots = Bot.objects.active().values_list("status").annotate(number=Count("id")).order_by()
    orders = Order.objects.live().values_list("account__name", "status").annotate(number=Count("id")).order_by()
    return [
        _gauge("traderagent_bots", "Bots by status.", ["status"], (([state], number) for state, number in bots)),
        _gauge(
            "traderagent_open_orders",
            "Orders that are not over, by account and status.",
            ["account", "status"],
            (([account, state], number) for account, state, number in orders),
        ),
        _gauge(
            "traderagent_accounts",
            "Exchange accounts by environment.",
            ["environment"],
            (
                ([environment], number)
                for environment, number in ExchangeAccount.objects.values_list("environment")
                .annotate(number=Count("id"))
                .order_by()
            ),
        ),
    ]


def _gauge(name: str, text: str, labels: list[str], samples: Iterable[tuple[list[str], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
