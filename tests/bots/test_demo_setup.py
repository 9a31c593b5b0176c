"""``manage.py demo_setup``: five bots the first time, and afterwards whatever the operator made of them."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
import yaml
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.models import User
from bots import preflight
from bots.lifecycle import BotStatus
from bots.management.commands.demo_setup import BOTS
from bots.models import Bot
from exchange.errors import TemporaryError
from exchange.models import ExchangeAccount
from exchange.port import Balance, Ticker
from strategies.candles import timeframe_ms
from strategies.contract import MarketKind, MarketSpec, UsesFeatures
from strategies.registry import get_strategy
from traderagent.embedded.supervisor import HISTORY_DAYS

pytestmark = pytest.mark.django_db

# Tick and step as Bybit states them for spot and linear (instruments-info, 2025).
RULES = {
    "BTC/USDT": ("0.01", "0.000001"),
    "BTC/USDT:USDT": ("0.1", "0.001"),
    "ETH/USDT:USDT": ("0.01", "0.01"),
    "SOL/USDT:USDT": ("0.01", "0.1"),
}
MAY_2025 = {"BTC": "94000", "ETH": "1800", "SOL": "147"}
CHEAP = {"BTC": "16000", "ETH": "900", "SOL": "9"}
DEAR = {"BTC": "250000", "ETH": "9000", "SOL": "500"}


class BybitLike:
    """100,000 USDT and the three coins at given prices, with Bybit's standard fees."""

    def __init__(self, prices: dict[str, str]) -> None:
        self.prices = prices

    def markets(self) -> dict[str, MarketSpec]:
        return {symbol: self._spec(symbol, *rules) for symbol, rules in RULES.items()}

    def market(self, symbol: str) -> MarketSpec:
        return self.markets()[symbol]

    def _spec(self, symbol: str, tick: str, step: str) -> MarketSpec:
        linear = ":" in symbol
        return MarketSpec(
            symbol=symbol,
            kind=MarketKind.LINEAR if linear else MarketKind.SPOT,
            base=symbol.split("/")[0],
            quote="USDT",
            tick=Decimal(tick),
            step=Decimal(step),
            min_amount=Decimal(step),
            min_notional=Decimal("5"),
            maker_fee=Decimal("0.0002" if linear else "0.001"),
            taker_fee=Decimal("0.00055" if linear else "0.001"),
            max_leverage=Decimal("100") if linear else None,
        )

    def ticker(self, symbol: str) -> Ticker:
        return Ticker(symbol=symbol, last=Decimal(self.prices[symbol.split("/")[0]]), timestamp=1)

    def balances(self) -> dict[str, Balance]:
        return {"USDT": Balance(free=Decimal("100000"), used=Decimal(0), total=Decimal("100000"))}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_USERNAME", "visitor")
    monkeypatch.setenv("DEMO_PASSWORD", "open sesame")
    monkeypatch.setenv("SIMULATOR_URL", "http://127.0.0.1:9001")
    monkeypatch.setenv("SIMULATOR_API_KEY", "0123456789")
    monkeypatch.setenv("SIMULATOR_API_SECRET", "not to be seen")


def open_exchange(monkeypatch: pytest.MonkeyPatch, prices: dict[str, str]) -> None:
    monkeypatch.setattr(preflight, "gateway_for", lambda config: BybitLike(prices))


def setup() -> str:
    out = io.StringIO()
    call_command("demo_setup", stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize("prices", [MAY_2025, CHEAP, DEAR], ids=["May 2025", "cheap", "dear"])
def test_five_bots_start_whatever_the_prices_are(monkeypatch: pytest.MonkeyPatch, prices: dict[str, str]) -> None:
    open_exchange(monkeypatch, prices)
    told = setup()
    assert told.count("is starting") == 5, told
    bots = Bot.objects.all()
    assert {bot.status for bot in bots} == {BotStatus.STARTING}
    assert {bot.name: (bot.symbol, bot.strategy, bot.mode) for bot in bots} == {
        "btc-hybrid": ("BTC/USDT", "hybrid", "demo"),
        "btc-smc": ("BTC/USDT:USDT", "smc", "signals"),
        "btc-trend": ("BTC/USDT:USDT", "trend", "demo"),
        "eth-grid": ("ETH/USDT:USDT", "grid", "demo"),
        "sol-dca": ("SOL/USDT:USDT", "dca", "demo"),
    }
    # One-way positions: two bots that trade on one linear symbol would trade against each other.
    linear = [bot.symbol for bot in bots if ":" in bot.symbol and bot.sends_orders]
    assert len(linear) == len(set(linear)) == 3


def test_the_demo_has_the_candles_that_its_bots_look_back_at() -> None:
    """The longest need of all bots, with the one more that a live window asks for, in the days that the stack gives."""
    document = yaml.safe_load(BOTS.read_text(encoding="utf-8"))
    needed = 0
    for bot in document["bots"].values():
        strategy = get_strategy(bot["strategy"])
        if isinstance(strategy, UsesFeatures):
            config = strategy.Config.model_validate(bot["config"])
            for need in strategy.timeframes(config):
                needed = max(needed, (need.count + 1) * timeframe_ms(need.timeframe))
    days = needed / 86_400_000
    assert 40 < days < HISTORY_DAYS


@pytest.mark.usefixtures("environ")
def test_the_demo_user_can_log_in_and_opens_the_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    open_exchange(monkeypatch, MAY_2025)
    told = setup()
    user = authenticate(username="visitor", password="open sesame")
    assert isinstance(user, User)
    assert user.is_superuser
    account = ExchangeAccount.objects.get(name="simulator")
    assert (account.base_url, account.api_key) == ("http://127.0.0.1:9001", "0123456789")
    assert account.options == {"enableRateLimit": False}
    assert "not to be seen" not in told
    assert "open sesame" not in told


@pytest.mark.usefixtures("environ")
def test_what_the_operator_did_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    open_exchange(monkeypatch, MAY_2025)
    setup()
    Bot.objects.filter(name="eth-grid").update(status=BotStatus.STOPPED)
    Bot.objects.filter(name="btc-hybrid").update(status=BotStatus.RUNNING, tick_interval=7)
    Bot.objects.filter(name="btc-smc").delete()
    own = Bot.objects.get(name="sol-dca")
    own.pk, own.tag, own.name, own.run, own.status, own.periodic_task = None, "own000", "own", 0, "stopped", None
    own.save()
    setup()
    found = dict(Bot.objects.values_list("name", "status"))
    assert found == {
        "btc-hybrid": BotStatus.RUNNING,
        "btc-trend": BotStatus.STARTING,
        "eth-grid": BotStatus.STOPPED,
        "sol-dca": BotStatus.STARTING,
        "own": BotStatus.STOPPED,
    }
    assert Bot.objects.get(name="btc-hybrid").tick_interval == 7


@pytest.mark.usefixtures("environ")
def test_a_new_address_of_the_simulator_and_a_new_password_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    open_exchange(monkeypatch, MAY_2025)
    setup()
    Bot.objects.update(status=BotStatus.RUNNING)
    monkeypatch.setenv("SIMULATOR_URL", "http://127.0.0.1:9002")
    monkeypatch.setenv("DEMO_PASSWORD", "close sesame")
    setup()
    assert set(ExchangeAccount.objects.values_list("base_url", flat=True)) == {"http://127.0.0.1:9002"}
    assert authenticate(username="visitor", password="close sesame") is not None


@pytest.mark.usefixtures("environ")
def test_bots_that_could_not_start_are_started_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(config: object) -> BybitLike:
        raise TemporaryError("The exchange does not answer.")

    monkeypatch.setattr(preflight, "gateway_for", dead)
    assert "bot eth-grid was not started: simulator: The exchange does not answer." in setup()
    open_exchange(monkeypatch, MAY_2025)
    assert setup().count("is starting") == 5


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("variable", "words"),
    [("DEMO_PASSWORD", "DEMO_PASSWORD is not set"), ("SIMULATOR_URL", "The environment variable SIMULATOR_URL")],
)
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, words: str) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(CommandError, match=words):
        setup()
