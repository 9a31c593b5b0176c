"""What can be set, what is objected to, and that form, YAML and documentation know the same fields."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pydantic import ValidationError

from bots.forms import bot_form
from exchange.port import Candle
from strategies.contract import CandleNeed, Problem
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.families import FIELDS, STRATEGIES, family_config, regime_config
from strategies.hybrid.logic import HybridStrategy
from strategies.regimes.config import RegimeConfig
from strategies.registry import get_strategy, regimes_of
from strategies.yaml_document import read_yaml
from tests.bots import cast
from tests.strategies.markets import LINEAR, SPOT

STRATEGY = HybridStrategy()
GROUPS = {"Money", "Switching", "Limits", "Grid", "DCA", "Trend follower", "Regime"}


def schema_fields() -> dict[str, dict[str, Any]]:
    fields: dict[str, dict[str, Any]] = HybridConfig.model_json_schema()["properties"]
    return fields


def config(**changes: Any) -> HybridConfig:
    return HybridConfig.model_validate({"investment": 10_000} | changes)


def told(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        config(**changes)
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in caught.value.errors()]


def problems(market: Any = LINEAR, quote: int = 10_000, **changes: Any) -> list[Problem]:
    chosen = {"grid_range": 5, "grid_range_in": "percent"} | changes
    return STRATEGY.preflight(config(**chosen), market, Decimal(2000), Decimal(quote), Decimal(0))


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        (
            {"trend_ema_fast": 60},
            "trend_ema_slow",
            "trend_ema_slow is 50: it must be above trend_ema_fast (60).",
        ),
        ({"trend_targets": "half"}, "trend_targets", "'half' is not a target: write R:share, as in 1.5:50."),
        (
            {"regime_range_below": 25},
            "regime_transition_from",
            "regime_transition_from is 22 and regime_range_below is 25: it must be larger.",
        ),
        (
            {"dca_volume_scale": 2},
            "dca_safety_order",
            "allocation is 6000, and the base order with all safety orders is 19200: raise it, or use smaller or fewer "
            "orders.",
        ),
        (
            {"dca_price_deviation": 90},
            "dca_price_deviation",
            "Safety order 2 would be 198 % below the base order, and 100 % is the limit: use fewer safety orders, a smaller "
            "dca_price_deviation or a smaller dca_step_scale.",
        ),
    ],
)
def test_a_familys_objection_names_the_hybrids_field(changes: dict[str, Any], field: str, message: str) -> None:
    assert told(**changes) == [(field, message)]


def test_every_setting_of_a_family_reaches_it() -> None:
    """Each of its fields in turn gets a value that is not its default."""
    chosen = {
        "dca_safety_order": 5,
        "dca_safety_orders": 4,
        "dca_volume_scale": "1.1",
        "dca_stop_loss": 15,
        "trend_targets": "2:100",
    }
    for family, names in FIELDS.items():
        for own, name in names.items():
            entry = schema_fields()[name]
            choices = entry.get("choices") or {}
            default = entry["default"]
            if choices:
                value: Any = next(choice for choice in choices if choice != default)
            elif isinstance(default, bool):
                value = not default
            else:
                value = chosen.get(name) or Decimal(default) + 1
            made = family_config(config(**{name: value}), family, Decimal(5000))
            assert str(getattr(made, own)) == str(value), name


def test_what_is_switched_off_with_0_is_off_in_the_family() -> None:
    off = config(grid_stop_loss=0, trend_break_even=0, trend_trail_from=0)
    assert family_config(off, "grid", Decimal(5000)).model_dump()["stop_loss_percent"] is None
    trend = family_config(off, "trend", Decimal(5000)).model_dump()
    assert (trend["break_even"], trend["trail_from"]) == (None, None)


def test_the_regimes_settings_are_the_classifiers_with_its_defaults() -> None:
    assert regime_config(config()) == RegimeConfig()
    assert {f"regime_{name}" for name in RegimeConfig.model_fields} < set(HybridConfig.model_fields)


@pytest.mark.parametrize("name", schema_fields())
def test_every_field_says_what_it_is(name: str) -> None:
    entry = schema_fields()[name]
    assert entry["title"]
    assert entry["description"].endswith(".")
    assert isinstance(entry["unit"], str)
    assert entry["group"] in GROUPS
    assert isinstance(entry["advanced"], bool)


def test_a_sound_configuration_has_no_problem() -> None:
    assert problems() == []
    assert problems(SPOT) == []


def test_too_little_money_is_said_once_and_not_again_of_every_family() -> None:
    assert problems(quote=9_999) == [
        Problem(
            "investment",
            "The families use up to 10000 USDT of the investment and 9999.00 USDT are free: lower the investment or add "
            "funds.",
            "10000",
            "9999.00",
        )
    ]


def test_a_familys_problem_stands_beside_its_share() -> None:
    """A grid of 20 intervals with 100 each has 0.05 coins and less; with 10 each 0.005."""
    found = problems(investment=200)
    assert found[0].field == "grid_share"
    assert re.match(r"Grid: Level \d+ at \S+ would trade 0 ETH, below the minimum of 0.01 ETH: raise", found[0].message)
    assert {problem.field for problem in found} >= {"grid_share", "dca_base_order"}
    assert all(problem.field in HybridConfig.model_fields for problem in found)


def test_what_the_largest_exposure_leaves_is_all_that_has_to_be_free() -> None:
    assert problems(quote=4_000, max_exposure=40) == []
    assert [problem.value for problem in problems(quote=3_999, max_exposure=40)] == ["4000"]


def test_a_market_with_a_smaller_minimum_has_no_such_problem() -> None:
    assert problems(replace(LINEAR, step=Decimal("0.001"), min_amount=Decimal("0.001")), investment=500) == []


def test_the_levels_are_the_grids() -> None:
    made = STRATEGY.levels(config(grid_range=5, grid_range_in="percent", grid_intervals=4), LINEAR, Decimal(2000))
    assert [(level.price, level.side.value) for level in made] == [
        (Decimal(1900), "buy"),
        (Decimal(1950), "buy"),
        (Decimal(2050), "sell"),
        (Decimal(2100), "sell"),
    ]


def test_a_reach_in_atrs_is_resolved_for_the_preview() -> None:
    """Candles of 20 from high to low at 2000: an ATR of 1 %; 6 of them are 6 %."""
    bars = [Candle(hour, *map(Decimal, (2000, 2010, 1990, 2000, 1))) for hour in range(2000)]
    need = STRATEGY.candles_needed(config())
    assert isinstance(need, CandleNeed)
    assert need.timeframe == "1h"
    resolved = STRATEGY.resolve(config(), Decimal(2000), bars[: need.count])
    assert (resolved.grid_range_in, resolved.grid_range) == ("percent", Decimal(6))
    assert STRATEGY.candles_needed(resolved) is None
    assert STRATEGY.resolve(resolved, Decimal(2000), []) == resolved


def test_it_is_registered_for_all_regimes() -> None:
    hybrid = get_strategy("hybrid")
    assert hybrid.title == "Hybrid"
    assert len(regimes_of(hybrid)) == 6
    assert set(STRATEGIES) == {"grid", "dca", "trend"}


def test_the_shortest_timeframe_leads_and_each_is_asked_for_once() -> None:
    needs = STRATEGY.timeframes(config(trend_timeframe="15m", dca_timeframe="4h", dca_start_on_rsi=True))
    assert [need.timeframe for need in needs] == ["15m", "1h", "4h"]
    one = STRATEGY.timeframes(config(dca_start_on_rsi=True))
    assert [need.timeframe for need in one] == ["1h"]


def test_the_command_describes_it() -> None:
    out = StringIO()
    call_command("strategies", "show", "hybrid", stdout=out)
    assert out.getvalue().startswith("Hybrid (hybrid 1)\n")
    assert "  handover (close | run_off, default close)\n" in out.getvalue()


@pytest.mark.django_db
def test_the_form_gives_back_what_it_shows() -> None:
    shown = {
        f"config.{name}": {True: "on", False: ""}.get(entry["default"], entry["default"])
        if isinstance(entry.get("default"), bool)
        else entry.get("default")
        for name, entry in schema_fields().items()
    }
    bot = {"name": "hybrid", "account": cast.account().pk, "symbol": "ETH/USDT", "mode": "demo", "tick_interval": "1"}
    data = bot | {name: value for name, value in shown.items() if value is not None} | {"config.investment": "10000"}
    form = bot_form(HybridConfig)(data | {"config.max_drawdown": "0", "config.handover": "run_off"})
    assert form.is_valid(), form.errors
    assert HybridConfig.model_validate(form.config()) == config(max_drawdown=0, handover="run_off")
    assert {group.title for group in form.groups} == GROUPS


def test_yaml_gives_the_same() -> None:
    document = read_yaml("investment: 10000\nhandover: run_off\nmax_drawdown: 0\ntrend_targets: '2:50'\n", environ={})
    assert document.faults == []
    made = HybridConfig.model_validate(document.data)
    assert made == config(handover="run_off", max_drawdown=0, trend_targets="2:50")


def test_the_documentation_has_every_field_with_its_bounds_and_default_and_no_other() -> None:
    text = (Path(__file__).parents[3] / "docs" / "strategies" / "hybrid.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+)$", text, re.MULTILINE))
    assert set(rows) == set(HybridConfig.model_fields)
    for name, entry in schema_fields().items():
        for bound in entry.get("bounds", {}).values():
            assert f"{int(bound):,}" in rows[name], f"{name}: {bound}"
        for choice in entry.get("choices", {}):
            assert f"`{choice}`" in rows[name], f"{name}: {choice}"
        if "default" in entry and not isinstance(entry["default"], bool) and entry["default"] is not None:
            assert str(entry["default"]) in rows[name], f"{name}: {entry['default']}"
