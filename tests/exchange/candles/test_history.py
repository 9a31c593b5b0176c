"""Downloads from a really running exchange over HTTP, and live candles that many bots ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange import prices
from exchange.candles import history
from exchange.candles.history import download_series
from exchange.candles.live import LEAST, Market, closed_candles
from exchange.candles.merging import Merged
from exchange.candles.series import Gap, SeriesKey
from exchange.candles.store import CandleStore, CandleStoreBusy, as_port_candles
from exchange.errors import TemporaryError
from exchange.gateway_config import GatewayConfig
from exchange.gateways import build_ccxt_gateway
from exchange.models import ExchangeAccount
from exchange.port import Candle
from exchange.tasks import fetch_candles
from tests.exchange.candles.making import MINUTE
from tests.exchange.simulator.process import SimulatorProcess

SYMBOL = "ETH/USDT:USDT"
KEY = SeriesKey("bybitsimulator", "linear", "ETHUSDT", "1m")
PAST = 2500  # minutes that lie behind the market's present


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    state = tmp_path_factory.mktemp("simulator") / "state"
    with SimulatorProcess(state, symbols="ETHUSDT", offset=PAST) as process:
        process.step(2)  # into the middle of a minute
        yield process


@pytest.fixture
def config(simulator: SimulatorProcess) -> GatewayConfig:
    return GatewayConfig("bybit", "simulator", "simulated", simulator.url, options='{"enableRateLimit": false}')


class Counting:
    """Passes on what is asked, and counts the questions for candles."""

    def __init__(self, config: GatewayConfig, *, breaks_after: int = 10**9) -> None:
        self._gateway = build_ccxt_gateway(config)
        self._left = breaks_after
        self.asked: list[tuple[int | None, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        if not self._left:
            raise TemporaryError("The connection broke.")
        self._left -= 1
        self.asked.append((since, limit))
        return self._gateway.candles(symbol, timeframe, since=since, limit=limit)


@pytest.fixture
def gateway(config: GatewayConfig) -> Counting:
    return Counting(config)


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "store")


@pytest.fixture(autouse=True)
def empty_redis() -> Iterator[None]:
    prices.redis_client().flushdb()
    yield
    prices.redis_client().flushdb()


def forming(gateway: Any) -> int:
    return KEY.floor(gateway.ticker(SYMBOL).timestamp)


def download(gateway: Any, store: CandleStore, since: int, until: int) -> history.Downloaded:
    return download_series(gateway, store, key=KEY, symbol=SYMBOL, since=since, until=until)


# --- Downloads -----------------------------------------------------------------------------------------------------


def test_a_download_pages_to_the_newest_closed_candle(gateway: Counting, store: CandleStore) -> None:
    now = forming(gateway)
    done = download(gateway, store, now - 2200 * MINUTE, now + 500 * MINUTE)
    assert done.merged == Merged(added=2200)
    assert [limit for _, limit in gateway.asked] == [1000, 1000, 200]
    assert done.still_missing == []
    stored = as_port_candles(store.read(KEY))
    assert (stored[0].timestamp, stored[-1].timestamp) == (now - 2200 * MINUTE, now - MINUTE)
    told = gateway.candles(SYMBOL, "1m", since=now - 500 * MINUTE, limit=500)
    assert stored[-500:] == told


def test_it_goes_on_where_it_broke_off(config: GatewayConfig, store: CandleStore) -> None:
    breaking, whole = Counting(config, breaks_after=1), Counting(config)
    now = forming(whole)
    since = now - 2200 * MINUTE
    with pytest.raises(TemporaryError):
        download(breaking, store, since, now)
    assert len(store.read(KEY)) == 1000
    done = download(whole, store, since, now)
    assert whole.asked == [(since + 1000 * MINUTE, 1000), (since + 2000 * MINUTE, 200)]
    assert done.merged == Merged(added=1200)
    assert download(whole, store, since, now).requests == 0


def test_only_gaps_are_asked_for(gateway: Counting, store: CandleStore) -> None:
    now = forming(gateway)
    for start, count in ((now - 600 * MINUTE, 300), (now - 200 * MINUTE, 200)):
        download(gateway, store, start, start + count * MINUTE)
    gateway.asked.clear()
    done = download(gateway, store, now - 600 * MINUTE, now)
    assert gateway.asked == [(now - 300 * MINUTE, 100)]
    assert done.merged == Merged(added=100)
    assert store.gaps(KEY) == []


def test_what_the_exchange_has_not_is_told(gateway: Counting, store: CandleStore) -> None:
    """Before the market's first candle."""
    first = forming(gateway) - PAST * MINUTE
    done = download(gateway, store, first - 10 * MINUTE, first + 5 * MINUTE)
    assert done.merged == Merged(added=5)
    assert done.still_missing == [Gap(first - 10 * MINUTE, first, 10)]


# --- Live candles --------------------------------------------------------------------------------------------------


def closed(config: GatewayConfig, gateway: Any, count: int, *, now_ms: int | None = None) -> list[Candle]:
    now_ms = gateway.ticker(SYMBOL).timestamp if now_ms is None else now_ms
    return closed_candles(Market.of(config, SYMBOL), "1m", count, gateway=gateway, now_ms=now_ms)


def test_the_forming_candle_is_never_given(config: GatewayConfig, gateway: Counting) -> None:
    now = forming(gateway)
    found = closed(config, gateway, 50)
    assert [candle.timestamp for candle in found] == [now - back * MINUTE for back in range(50, 0, -1)]
    assert found == gateway.candles(SYMBOL, "1m", since=now - 50 * MINUTE, limit=50)
    assert all(isinstance(candle.close, Decimal) for candle in found)


def test_many_bots_ask_once(config: GatewayConfig) -> None:
    """Twenty bots in twenty threads at the same moment, wanting different numbers of candles."""
    gateways = [Counting(config) for _ in range(20)]
    now_ms = gateways[0].ticker(SYMBOL).timestamp
    together = threading.Barrier(len(gateways))

    def bot(number: int) -> list[Candle]:
        together.wait(timeout=30)
        return closed(config, gateways[number], 20 + number, now_ms=now_ms)

    with ThreadPoolExecutor(len(gateways)) as threads:
        found = list(threads.map(bot, range(len(gateways))))
    assert sum(len(gateway.asked) for gateway in gateways) == 1
    for number, candles in enumerate(found):
        assert len(candles) == 20 + number
        assert candles == found[-1][-len(candles) :]


def test_a_new_candle_is_asked_for_once_more(config: GatewayConfig, gateway: Counting) -> None:
    now = forming(gateway)
    before = closed(config, gateway, 10, now_ms=now - 1)
    assert before[-1].timestamp == now - 2 * MINUTE
    after = closed(config, gateway, 10, now_ms=now)
    assert after[-1].timestamp == now - MINUTE
    assert len(gateway.asked) == 2
    # One whose price is a moment older gets its own candles from what is shared.
    assert closed(config, gateway, 10, now_ms=now - 1) == before
    assert len(gateway.asked) == 2


def test_more_than_was_shared_is_asked_for(config: GatewayConfig, gateway: Counting) -> None:
    closed(config, gateway, 10)
    assert len(closed(config, gateway, LEAST + 50)) == LEAST + 50
    assert len(gateway.asked) == 2


class Forgetful(Counting):
    """An exchange whose first answer lacks some candles."""

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        page = super().candles(symbol, timeframe, since=since, limit=limit)
        return page if len(self.asked) > 1 else page[:100] + page[103:]


def test_gaps_are_asked_for_again(config: GatewayConfig) -> None:
    gateway = Forgetful(config)
    found = closed(config, gateway, LEAST)
    assert len(found) == LEAST
    assert gateway.asked[1] == (found[100].timestamp, 3)


class Late(Counting):
    """An exchange that lists a candle only a moment after its close."""

    def candles(self, symbol: str, timeframe: str, *, since: int | None = None, limit: int = 500) -> list[Candle]:
        page = super().candles(symbol, timeframe, since=since, limit=limit)
        return page if len(self.asked) > 1 else page[:-2]


def test_a_candle_that_is_listed_late_is_asked_for_again_soon(config: GatewayConfig) -> None:
    gateway = Late(config)
    newest = forming(gateway) - MINUTE
    assert closed(config, gateway, 10)[-1].timestamp == newest - MINUTE
    shared: Any = prices.redis_client().keys("candles:*")
    assert 0 < prices.redis_client().pttl(shared[0]) <= 1000
    time.sleep(1.1)
    assert closed(config, gateway, 10)[-1].timestamp == newest
    assert len(gateway.asked) == 2


def test_what_is_stored_is_not_asked_for(
    config: GatewayConfig, gateway: Counting, store: CandleStore, settings: Any
) -> None:
    settings.CANDLE_STORE = store.address
    now = forming(gateway)
    download(gateway, store, now - LEAST * MINUTE, now - 3 * MINUTE)
    gateway.asked.clear()
    market = Market(config.venue, SYMBOL, stored=KEY.exchange)
    found = closed_candles(market, "1m", LEAST, gateway=gateway, now_ms=now)
    assert gateway.asked == [(now - 3 * MINUTE, 4)]
    assert found == Counting(config).candles(SYMBOL, "1m", since=now - LEAST * MINUTE, limit=LEAST)


@pytest.mark.parametrize(
    ("environment", "stored"), [("live", "bybit"), ("demo", "bybit"), ("testnet", None), ("simulator", None)]
)
def test_only_the_real_markets_candles_are_taken_from_the_store(environment: str, stored: str | None) -> None:
    assert Market.of(GatewayConfig("bybit", environment, "v"), SYMBOL).stored == stored


@pytest.fixture
def account(simulator: SimulatorProcess, django_user_model: Any, db: None) -> ExchangeAccount:
    return ExchangeAccount.objects.create(
        owner=django_user_model.objects.create_user("alice"),
        name="practice",
        exchange_id="bybit",
        environment="simulator",
        base_url=simulator.url,
    )


def test_a_worker_fetches_the_newest_days_of_an_accounts_market(
    account: ExchangeAccount, tmp_path: Path, settings: Any
) -> None:
    settings.CANDLE_STORE = str(tmp_path / "store")
    store = CandleStore(settings.CANDLE_STORE)
    fetch_candles(account.pk, SYMBOL, "1m", 1)
    held = store.coverage(KEY)
    assert held is not None
    # A whole day, and the candle in whose middle it began; the one that is forming is not there.
    assert held.count == 1440
    assert held.last - held.first == 1439 * MINUTE
    fetch_candles(account.pk, SYMBOL, "1m", 1)
    assert store.coverage(KEY) == held


def test_it_waits_while_somebody_else_writes(account: ExchangeAccount, tmp_path: Path, settings: Any) -> None:
    settings.CANDLE_STORE = str(tmp_path / "store")
    with CandleStore(settings.CANDLE_STORE).claimed():
        again = fetch_candles.apply(args=[account.pk, SYMBOL, "1m", 1], throw=False)
    assert isinstance(again.result, CandleStoreBusy)
