"""A price socket that dies without a word, at the pace of production: polling within seconds, and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import redis.asyncio
import structlog
from django.conf import settings

from exchange import prices
from exchange.port import Ticker
from exchange.prices import Served
from exchange.stream import Pace, PriceSink
from exchange.stream.ending import cancelled
from exchange.stream.feed import is_news
from exchange.stream.venue import VenueStream
from tests.exchange.forwarder import Forwarder
from tests.exchange.simulator.process import SimulatorProcess
from tests.exchange.test_price_stream import (
    IMPATIENT,
    LINEAR,
    SOCKET_ONLY,
    SPOT,
    VENUE,
    config_at,
    empty_redis,
    eventually,
    heard_over_the_socket,
    run,
    streaming,
    wall,
    want,
)

__all__ = ["empty_redis"]

POLLING_WITHIN_S = 5.0


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """Prices move several times a second, as they do on a real exchange."""
    with SimulatorProcess(tmp_path / "state", symbols="BTCUSDT,ETHUSDT", clock="accelerated", speed=60) as process:
        yield process


def served(symbol: str) -> Served | None:
    service = prices.read_services(VENUE).get(symbol)
    return service.served if service else None


async def is_served(symbol: str, by: Served) -> None:
    await eventually(lambda: served(symbol) is by, f"{symbol} served by {by}")


def received(symbol: str) -> int:
    price = prices.read_price(VENUE, symbol)
    return price.received if price else 0


@pytest.mark.slow
def test_a_silently_dead_socket_is_polled_within_five_seconds_and_opened_anew(simulator: SimulatorProcess) -> None:
    want(SPOT, LINEAR)

    async def scenario() -> None:
        async with Forwarder(simulator.url) as wire, streaming(wire.url, Pace()):
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.SOCKET)
            wire.let_die_silently()
            died = time.monotonic()
            # What had left already may still arrive.
            await asyncio.sleep(0.5)
            known = {symbol: received(symbol) for symbol in (SPOT, LINEAR)}
            await eventually(
                lambda: all(received(symbol) > before for symbol, before in known.items()), "polled prices of both"
            )
            assert time.monotonic() - died < POLLING_WITHIN_S
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.POLLING)
            # From now on a price comes with every poll.
            before = received(SPOT)
            await eventually(lambda: received(SPOT) > before, "the next poll")

            assert wire.sockets_opened == 2
            await eventually(lambda: wire.sockets_opened == 4, "new sockets of both kinds")
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.SOCKET)

    run(scenario)


def test_the_exchanges_own_silence_is_survived(simulator: SimulatorProcess) -> None:
    """The connection stands, pings are answered, sockets that are opened anew are silent too: until it is over."""
    want(SPOT, LINEAR)

    async def scenario() -> None:
        pace = Pace(refresh=0.1, silence=0.5, poll=0.1, tell=0.5, reconnect=1, reconnect_most=1, retry=0.2)
        async with streaming(simulator.url, pace):
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.SOCKET)
            await asyncio.to_thread(simulator._call, "/simulator/faults", {"script": "silent on ws/public"})
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.POLLING)
            before = received(SPOT)
            await eventually(lambda: received(SPOT) > before, "polled prices")
            await asyncio.to_thread(simulator._call, "/simulator/faults", method="DELETE")
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.SOCKET)

    run(scenario)


def test_an_overtaken_message_does_not_set_the_price_back(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        async with streaming(simulator.url, SOCKET_ONLY):
            await eventually(lambda: received(SPOT) > 0, "a price")
            script = {"script": "50% reorder on ws/public\n50% duplicate on ws/public"}
            await asyncio.to_thread(simulator._call, "/simulator/faults", script)
            times = [0]
            while len(times) < 12:
                price = await asyncio.to_thread(prices.read_price, VENUE, SPOT)
                assert price is not None
                assert price.timestamp >= times[-1]
                if price.timestamp > times[-1]:
                    times.append(price.timestamp)
                await asyncio.sleep(0.02)

    run(scenario)


def test_the_exchanges_clock_is_measured_again(simulator: SimulatorProcess) -> None:
    """Prices' ages are told by it, and a process runs for weeks."""

    async def scenario() -> None:
        connection = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True)
        sink = PriceSink(connection, None, wall)
        pace = Pace(refresh=0.1, poll=0.1, clock=0.2)
        stream = VenueStream(VENUE, config_at(simulator.url), sink, pace)
        stream.want(frozenset({SPOT}))
        running = asyncio.create_task(stream.run())
        await is_served(SPOT, Served.SOCKET)
        await asyncio.to_thread(simulator._call, "/simulator/faults", {"script": "clock +3m"})
        clients = [stream._client, *(feed._client for feed, _ in stream._feeds.values())]
        assert len(clients) == 2
        await eventually(
            lambda: all(abs(client.options["timeDifference"] + 180_000) < 10_000 for client in clients), "the new time"
        )
        await cancelled([running])
        await connection.aclose()

    run(scenario)


def test_one_kinds_dead_socket_is_opened_anew_while_the_other_speaks(simulator: SimulatorProcess) -> None:
    """Spot going on must not hide that linear has died."""
    want(SPOT, LINEAR)

    async def scenario() -> None:
        pace = Pace(refresh=0.1, silence=0.5, poll=0.1, tell=0.5, reconnect=1.5, retry=0.2)
        async with Forwarder(simulator.url) as wire, streaming(wire.url, pace):
            for symbol in (SPOT, LINEAR):
                await is_served(symbol, Served.SOCKET)
            wire.let_die_silently(b"/linear")
            await is_served(LINEAR, Served.POLLING)
            assert served(SPOT) is Served.SOCKET
            await is_served(LINEAR, Served.SOCKET)
            assert wire.sockets_opened == 3

    run(scenario)


def test_without_socket_and_polls_it_is_silent(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        pace = Pace(refresh=0.1, silence=0.5, poll=0.1, patience=0.5, retry=0.2)
        async with Forwarder(simulator.url) as wire, streaming(wire.url, pace):
            await is_served(SPOT, Served.SOCKET)
            wire.mute = wire.deaf = True
            await is_served(SPOT, Served.SILENT)
            since = prices.read_services(VENUE)[SPOT].since
            wire.deaf = False
            await is_served(SPOT, Served.POLLING)
            assert prices.read_services(VENUE)[SPOT].since > since

    run(scenario)


def test_nothing_is_claimed_of_a_venue_whose_stream_has_gone(simulator: SimulatorProcess) -> None:
    want(SPOT)

    async def scenario() -> None:
        async with streaming(simulator.url, Pace(refresh=0.1, heartbeat_expiry=1.0)):
            await is_served(SPOT, Served.SOCKET)
        await eventually(lambda: prices.read_services(VENUE) == {}, "the last claim's end")

    run(scenario)


def test_a_venue_whose_stream_broke_is_started_again(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out = VenueStream._share_out
    breaks = iter([True, True])

    async def breaking(self: VenueStream, symbols: list[str]) -> None:
        if next(breaks, False):
            raise ZeroDivisionError
        await share_out(self, symbols)

    monkeypatch.setattr(VenueStream, "_share_out", breaking)
    want(SPOT)

    async def scenario() -> None:
        async with streaming(simulator.url, Pace(refresh=0.1, retry=0.2)):
            await is_served(SPOT, Served.SOCKET)

    with structlog.testing.capture_logs() as logs:
        run(scenario)
    assert [line["event"] for line in logs].count("price stream of a venue broke, starting it again") == 2


def test_a_socket_that_only_repeats_itself_is_silent(tmp_path: Path) -> None:
    """A frozen feed: messages go on coming, but none has a newer price or a newer time."""
    with SimulatorProcess(tmp_path / "state", symbols="ETHUSDT") as simulator:
        want(SPOT)

        async def scenario() -> None:
            async with Forwarder(simulator.url) as wire, streaming(wire.url, IMPATIENT):
                await heard_over_the_socket(simulator, SPOT)
                await is_served(SPOT, Served.SOCKET)
                deadline = time.monotonic() + 10
                while served(SPOT) is Served.SOCKET:
                    assert time.monotonic() < deadline, "repetitions are taken for news"
                    await wire.repeat()
                    await asyncio.sleep(0.05)
                assert served(SPOT) is Served.POLLING

        run(scenario)


OLD = Ticker(SPOT, Decimal(2000), 1_700_000_000_000, Decimal(1999), Decimal(2001), lag=10)


@pytest.mark.parametrize(
    ("last_price", "later_ms", "lag", "news"),
    [
        ("2000", 0, 5_000, False),  # repeated: only its lag has grown
        ("2000", 1, 10, True),  # the same price at a later time
        ("2001", 0, 10, True),  # another price within the same millisecond
        ("2001", -1, 10, False),  # overtaken on the way
    ],
)
def test_what_is_news(last_price: str, later_ms: int, lag: int, news: bool) -> None:
    ticker = Ticker(SPOT, Decimal(last_price), OLD.timestamp + later_ms, OLD.bid, OLD.ask, lag)
    assert is_news(ticker, OLD) is news
    assert is_news(ticker, None)
