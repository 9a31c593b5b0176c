"""What a portfolio may say, what is objected to and where."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from backtests.portfolio.loading import sources_of
from backtests.portfolio.preset import PortfolioPreset, is_portfolio, load_portfolio, read_portfolio
from backtests.preset import PresetInvalid

EXAMPLES = sorted((Path(__file__).parents[3] / "configs" / "portfolios").glob("*.yaml"))
TEXT = """\
initial_balance: 5000
market: linear
timeframe: 1m
leverage: 3
fees: {maker: 0.0002, taker: 0.0005}
bots:
  - name: eth
    symbol: ETHUSDT
    strategy: grid
    config: {range_percent: 5, grids: 4, investment: 100}
  - name: btc
    symbol: BTCUSDT
    timeframe: 15m
    fees: {maker: 0, taker: 0}
    strategy: dca
    config: {base_order_size: 100, safety_orders: 0, take_profit: 5}
"""


def of(text: str) -> PortfolioPreset:
    return read_portfolio(text, source="all.yaml", environ={})


def refused(text: str) -> list[str]:
    with pytest.raises(PresetInvalid) as raised:
        of(text)
    return str(raised.value).splitlines()


def test_what_stands_above_holds_for_all_bots_and_what_stands_in_one_for_this_one() -> None:
    eth, btc = (bot.preset for bot in of(TEXT).bots)
    assert (eth.symbol, eth.timeframe, eth.leverage, eth.fees.taker) == ("ETH/USDT:USDT", "1m", 3, Decimal("0.0005"))
    assert (btc.symbol, btc.timeframe, btc.leverage, btc.fees.taker) == ("BTC/USDT:USDT", "15m", 3, 0)
    assert eth.initial_balance == btc.initial_balance == of(TEXT).initial_balance == 5000


def test_a_portfolio_is_known_by_its_bots(tmp_path: Path) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(TEXT)
    assert is_portfolio(path)
    path.write_text(TEXT.partition("bots:")[0])
    assert not is_portfolio(path)
    assert not is_portfolio(tmp_path / "nowhere.yaml")


def test_written_down_and_read_again_it_is_the_same() -> None:
    assert of(of(TEXT).to_yaml()) == of(TEXT)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_sound(path: Path) -> None:
    assert len(load_portfolio(path).bots) > 1


def test_every_mistake_is_named_once_where_it_stands() -> None:
    text = TEXT.replace("maker: 0.0002", "maker: 3").replace("grids: 4", "grids: 0").replace("name: btc", "name: b/c")
    assert refused(text) == [
        "all.yaml, line 5: fees.maker: Input should be less than 0.1 (given: 3).",
        "all.yaml, line 10: bots.0.config.grids: grids: input should be greater than or equal to 1 (given: 0).",
        "all.yaml, line 11: bots.1.name: each bot has a name: letters, digits, - and _, 64 at most.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "bots:\n",
            "things:\n",
            "all.yaml: bots: bots is a list: each with name, symbol, timeframe, strategy and config.",
        ),
        (
            "name: btc",
            "name: eth",
            "all.yaml, line 11: bots.1.name: two bots are called eth: give each a name of its own.",
        ),
        (
            "    timeframe: 15m",
            "    initial_balance: 7",
            "all.yaml, line 13: bots.1.initial_balance: initial_balance is the account's: write it once, above bots.",
        ),
        (
            "BTCUSDT",
            "BTC/USDC:USDC",
            "all.yaml, line 12: bots.1.symbol: BTC/USDC:USDC is paid in USDC, the balance is USDT: one of the two.",
        ),
        (
            "BTCUSDT",
            "ETHUSDT",
            "all.yaml, line 13: bots.1.timeframe: btc and eth trade ETH/USDT:USDT: both need the same timeframe.",
        ),
        (
            "    timeframe: 15m",
            "    leverage: 400",
            "all.yaml, line 13: bots.1.leverage: Input should be less than or equal to 125 (given: 400).",
        ),
        ("initial_balance: 5000\n", "", "all.yaml: initial_balance: initial_balance is missing."),
    ],
)
def test_what_does_not_fit_together(old: str, new: str, said: str) -> None:
    assert said in refused(TEXT.replace(old, new))


def test_one_market_has_one_leverage() -> None:
    """As at an exchange: the last bot that set it would have set it for both."""
    text = TEXT.replace("BTCUSDT", "ETHUSDT").replace("    timeframe: 15m", "    leverage: 5")
    assert refused(text) == [
        "all.yaml, line 13: bots.1.leverage: btc and eth trade ETH/USDT:USDT: both need the same leverage."
    ]


class TestSources:
    def test_a_source_for_each_symbol(self) -> None:
        said = ["ETHUSDT=eth.csv", "BTC/USDT:USDT=synthetic:sine,days=3"]
        assert sources_of(of(TEXT), said) == {"ETH/USDT:USDT": "eth.csv", "BTC/USDT:USDT": "synthetic:sine,days=3"}

    def test_an_exchange_of_the_store_serves_the_rest(self) -> None:
        assert sources_of(of(TEXT), ["ETHUSDT=eth.csv", "bybit"])["BTC/USDT:USDT"] == "bybit/linear/BTCUSDT"

    def test_files_whose_names_say_the_market(self, tmp_path: Path) -> None:
        for name in ("binance_BTCUSDT_linear_1m_202505.parquet", "binance_ETHUSDT_linear_1m_202505.parquet", "binance_ETHUSDT_spot_1m_202505.parquet"):  # fmt: skip
            (tmp_path / name).touch()
        found = sources_of(of(TEXT), [str(tmp_path / "*_1m_*.parquet")])
        assert {symbol: Path(path).name for symbol, path in found.items()} == {
            "ETH/USDT:USDT": "binance_ETHUSDT_linear_1m_202505.parquet",
            "BTC/USDT:USDT": "binance_BTCUSDT_linear_1m_202505.parquet",
        }

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            (["ETHUSDT=eth.csv"], r"names none of BTC/USDT:USDT"),
            (["DOGEUSDT=doge.csv"], r"no bot trades DOGEUSDT"),
            (["bybit/linear/DOGEUSDT"], r"names no linear market of ETH/USDT:USDT, BTC/USDT:USDT"),
        ],
    )
    def test_what_is_missing_or_of_no_use_is_told(self, said: list[str], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            sources_of(of(TEXT), said)
