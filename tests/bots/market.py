"""A stepped market that bots trade on: candles written by the test, a really running simulator, ticks called by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils import timezone

from bots.models import Bot, Order
from bots.tick import TickOutcome, tick_bot
from exchange.gateways import gateway_for
from exchange.models import ExchangeAccount
from exchange.port import ExchangeGateway
from tests.bots import cast
from tests.bots.candle_files import Candle, write_candles
from tests.exchange.simulator.process import SimulatorProcess


class SteppedMarket:
    """One minute candles of ETHUSDT, and nothing moves until :meth:`step`."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self.simulator = simulator
        self.account: ExchangeAccount = cast.account(
            base_url=simulator.url,
            api_key=simulator.key,
            api_secret=simulator.secret,
            options={"enableRateLimit": False},
        )

    @property
    def gateway(self) -> ExchangeGateway:
        return gateway_for(self.account.gateway_config())

    def tick(self, bot: Bot) -> TickOutcome:
        """As a worker does, but nothing is taken from a cache: the books and the price are asked for."""
        outcome = tick_bot(bot.pk, clock=timezone.now, sync_max_age=timedelta(0), price_max_age=timedelta(0))
        bot.refresh_from_db()
        return outcome

    def step(self, points: int = 1) -> dict[str, Any]:
        return self.simulator.step(points)

    def run(self, bot: Bot, points: int) -> None:
        """One tick at each of the next ``points`` points."""
        for _ in range(points):
            self.step()
            self.tick(bot)

    def listed(self, symbol: str = "ETH/USDT:USDT") -> dict[str, tuple[str, Decimal | None, Decimal | None]]:
        """The exchange's own list of open orders: side, price, amount by client order id."""
        return {
            report.client_order_id: (str(report.side), report.price, report.amount)
            for report in self.gateway.open_orders(symbol)
        }

    def kept(self, bot: Bot) -> dict[str, tuple[str, Decimal | None, Decimal | None]]:
        """Our own list, in the same form."""
        return {
            order.client_order_id: (order.side, order.price, order.amount)
            for order in Order.objects.filter(bot=bot).live()
        }


@contextmanager
def stepped_market(folder: Path, candles: Sequence[Candle], **flags: Any) -> Iterator[SteppedMarket]:
    flags.setdefault("balances", "USDT=100000,ETH=50")
    with SimulatorProcess(folder / "state", file=write_candles(folder, candles), **flags) as simulator:
        yield SteppedMarket(simulator)
