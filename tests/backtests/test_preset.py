"""What a preset may say, what is objected to and where, and what the engine is told of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtests.engine_terms import engine_options, market_spec
from backtests.preset import (
    PresetInvalid,
    load_preset,
    preset_of,
    read_preset,
    with_changes,
)
from strategies.contract import MarketKind
from strategies.registry import get_strategy
from tests.backtests.worked import DEALS, preset

EXAMPLES = sorted((Path(__file__).parents[2] / "configs" / "presets").glob("*.yaml"))
PRICES = {"BTC": Decimal(65_000), "ETH": Decimal(2_000), "SOL": Decimal(150)}
TEXT = """\
symbol: ETH/USDT
market: spot
timeframe: 1m
strategy: grid
config:
  lower: 80
  upper: 120
  grids: 4
  investment: 380
initial_balance: 1000
fees: {maker: 0.001, taker: 0.001}
"""


def refused(text: str) -> list[str]:
    with pytest.raises(PresetInvalid) as raised:
        read_preset(text, source="my.yaml", environ={})
    return str(raised.value).splitlines()


def test_there_is_an_example_of_every_strategy() -> None:
    assert [path.stem for path in EXAMPLES] == ["dca", "grid", "hybrid", "smc", "trend"]
    for path in EXAMPLES:
        chosen = load_preset(path)
        assert chosen.strategy == path.stem
        strategy: Any = get_strategy(chosen.strategy)
        market, balance = market_spec(chosen), chosen.initial_balance
        assert strategy.preflight(chosen.strategy_config, market, PRICES[chosen.base], balance, Decimal(0)) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_is_written_is_read_back(path: Path) -> None:
    chosen = load_preset(path)
    again = read_preset(chosen.to_yaml(), environ={})
    assert again.model_dump() == chosen.model_dump()
    assert again.strategy_config == chosen.strategy_config


def test_each_mistake_is_told_by_line_path_value_and_mend() -> None:
    text = TEXT.replace("grids: 4", "grids: 0").replace("maker: 0.001", "maker: 0.5") + "slipage: 0.1\n"
    found = refused(text)
    assert any(line.startswith("my.yaml, line 8: config.grids: ") and "given: 0" in line for line in found)
    assert any(line.startswith("my.yaml, line 11: fees.maker: ") and "given: 0.5" in line for line in found)
    assert "my.yaml, line 12: slipage: a preset has no slipage; check its spelling and its indentation." in found
    assert len(found) == 3


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("strategy: grid", "strategy: grit", "strategy: There is no strategy called 'grit'; known are: dca, grid"),
        ("initial_balance: 1000", "initial_balance: -1", "initial_balance: Input should be greater than 0 (given: -1)"),
        ("initial_balance: 1000\n", "", "initial_balance: initial_balance is missing."),
        ("timeframe: 1m", "timeframe: 1x", "timeframe '1x' is not understood; write a number and m, h, d or w"),
        ("timeframe: 1m", "timeframe: 1w", "timeframe is 1w: 1m to 1d are understood"),
        ("market: spot", "market: margin", "market: Input should be 'spot' or 'linear' (given: margin)."),
        ("symbol: ETH/USDT", "symbol: ETHXXX", "symbol is ETHXXX: write it as in ETH/USDT"),
        ("symbol: ETH/USDT", "symbol: ETH/USDT:USDT", "a linear market's, and market is spot"),
        ("market: spot", "market: spot\nleverage: 3", "leverage is 3: a spot market has none"),
        ("market: spot", "market: spot\nfunding: 0.0001", "funding is of linear markets"),
        ("market: spot", "market: spot\nlatency: 600000", "latency is 600000 ms: candles of 1m allow 120000 at most"),
        ("market: spot", "market: spot\nfill: maybe", "fill: Input should be 'touch' or 'through' (given: maybe)."),
        ("market: spot", "market: spot\nprecision: {price: 0}", "precision.price: Input should be greater than 0"),
        ("upper: 120", "upper: 70", "config.upper: upper is 70 and lower is 80"),
        ("  grids: 4\n", "  grids: 4\n grids: 5\n", "This is not YAML in line 9"),
    ],
)  # fmt: skip
def test_refused(old: str, new: str, told: str) -> None:
    assert told in "\n".join(refused(TEXT.replace(old, new, 1)))


def test_what_does_not_fit_together_is_told_at_its_field_beside_all_else() -> None:
    text = TEXT.replace("market: spot", "market: spot\nleverage: 3\nlatency: 600000\nfunding: 0.0001\nslippage: -1")
    assert [line.split(": ")[0:2] for line in refused(text)] == [
        ["my.yaml, line 3", "leverage"],
        ["my.yaml, line 6", "slippage"],
        ["my.yaml, line 4", "latency"],
        ["my.yaml, line 5", "funding"],
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PresetInvalid, match=r"the preset .*nowhere.yaml cannot be read"):
        load_preset(tmp_path / "nowhere.yaml")
    with pytest.raises(PresetInvalid, match="a preset is a mapping"):
        read_preset("- 1", environ={})


@pytest.mark.parametrize(
    ("symbol", "market", "found"),
    [
        ("ETHUSDT", "spot", "ETH/USDT"),
        ("ETHUSDT", "linear", "ETH/USDT:USDT"),
        ("eth/usdt", "linear", "ETH/USDT:USDT"),
        ("BTC/USDC:USDC", None, "BTC/USDC:USDC"),
        ("ETH/BTC", None, "ETH/BTC"),
    ],
)
def test_symbols_as_people_write_them(symbol: str, market: str | None, found: str) -> None:
    values = preset().model_dump(exclude={"market"}) | {"symbol": symbol} | ({"market": market} if market else {})
    chosen = preset_of(values)
    assert chosen.symbol == found
    assert chosen.market is (MarketKind.LINEAR if ":" in found else MarketKind.SPOT)
    assert f"{chosen.base}/{chosen.quote}" == found.partition(":")[0]


def test_changes_are_put_in_by_path_and_checked() -> None:
    changed = with_changes(preset(), {"config.grids": 8, "slippage": 0.0005, "limits.notional": 5})
    assert changed.strategy_config.grids == 8  # type: ignore[attr-defined]
    assert changed.slippage == Decimal("0.0005")
    assert changed.limits.notional.min == 5
    assert preset().strategy_config.grids == 4  # type: ignore[attr-defined]
    with pytest.raises(PresetInvalid, match=r"config.grids: .*given: 0"):
        with_changes(preset(), {"config.grids": 0})
    with pytest.raises(PresetInvalid, match=r"nothing stands in it"):
        with_changes(preset(), {"symbol.base": "ETH"})


def test_the_market_is_what_the_preset_says() -> None:
    chosen = preset(
        limits={"amount": {"min": "0.05", "max": 100}, "notional": 5}, fees={"maker": "-0.0001", "taker": "0.001"}
    )
    market = market_spec(chosen)
    assert (market.tick, market.step) == (Decimal("0.01"), Decimal("0.01"))
    assert (market.min_amount, market.max_amount, market.min_notional) == (Decimal("0.05"), 100, 5)
    assert (market.maker_fee, market.taker_fee) == (Decimal("-0.0001"), Decimal("0.001"))
    assert market.buy_fee_in_base
    assert not market_spec(preset()).buy_fee_in_base  # the cast's buyer pays in quote


@pytest.mark.parametrize("price", [0.00001, 1.0, 65_000.0, 150_000_000.0])
def test_an_absent_precision_keeps_eleven_digits_and_fits_in_machine_numbers(price: float) -> None:
    market = market_spec(preset(precision={}), price=price)
    amount = 1000 / price
    assert float(market.tick) <= price * 1e-11
    assert float(market.step) <= amount * 1e-11
    for increment, largest in ((market.tick, price), (market.step, amount)):
        assert max(increment.as_integer_ratio()) < 1 << 63
        assert largest / float(increment) < 1 << 53


def test_the_accounts_leverage_is_what_is_set_else_the_strategys_else_the_usual() -> None:
    assert preset().account_leverage() == 1
    assert preset(**DEALS, leverage=4).account_leverage() == 4
    own = preset(**DEALS | {"config": DEALS["config"] | {"leverage": 3}})
    assert own.account_leverage() == 3


def test_the_engine_is_told_everything() -> None:
    chosen = preset(
        **DEALS, slippage="0.001", spread="0.0002", impact="0.1", volume_share="0.25", fill="through", latency=250,
        intrabar="pessimistic", leverage=5, maintenance_margin="0.01",
    )  # fmt: skip
    options = engine_options(chosen)
    assert (options.slippage, options.spread, options.impact, options.volume_share) == (0.001, 0.0002, 0.1, 0.25)
    assert (options.through, options.latency, options.pessimistic) == (True, 250, True)
    assert (options.leverage, options.maintenance) == (5.0, 0.01)
    assert engine_options(preset()).maintenance == 0.0
    assert engine_options(preset(**DEALS)).maintenance == 0.005
