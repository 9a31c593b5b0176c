"""The form of a new back-test: generated fields and YAML hold the same, and what is wrong is said where it stands."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.forms import BooleanField
from django.test import Client
from django.utils.html import escape

from backtests import services
from backtests.examples import preset_example
from backtests.models import BackTest
from backtests.preset import Preset, preset_of, read_preset
from backtests.preset_form import PresetForm
from strategies import registry
from tests.backtests.jobs import cast
from tests.bots.cast import account, alice
from tests.strategies.own_files import write_example

pytestmark = pytest.mark.django_db

NEW = "/back-tests/new/"
STRATEGIES = ["dca", "grid", "hybrid", "smc", "trend"]
# Every field of a preset with something else than its default, and of the strategy one of each kind.
WHOLE = """\
symbol: SOL/USDT:USDT
market: linear
timeframe: 45m
strategy: grid
config:
  lower: 100.000000000000000001
  upper: 200
  grids: 7
  investment: 500
  spacing: geometric
  trail_stop_loss: false
  trailing_up: true
initial_balance: 1000.50
leverage: 3
fees: {maker: -0.0001, taker: 0.00055, buyer_pays_in: quote}
slippage: 0.0002
spread: 0.0001
impact: 0.1
volume_share: 0.25
fill: through
latency: 250
intrabar: pessimistic
precision: {price: 0.01, amount: 0.1}
limits: {amount: {min: 0.1, max: 1000}, notional: 5}
gaps: refuse
funding: 0.0001
maintenance_margin: 0
"""


@pytest.fixture(autouse=True)
def quiet(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BACKTESTS_DIR, settings.CANDLE_STORE = tmp_path, str(tmp_path / "candles")
    monkeypatch.setattr(services, "_send_back_tests", lambda keys: None)


@pytest.fixture
def visitor(client: Client) -> Client:
    client.force_login(alice())
    return client


def sent(form: PresetForm, **changes: str) -> dict[str, str]:
    """What a browser sends of the form as it is shown; ``__`` in a change's name stands for a point."""
    shown = {item.name: item.value() for item in form}
    switches = {name for name, item in form.fields.items() if isinstance(item, BooleanField)}
    held = {name: value for name, value in shown.items() if value is not None and value is not False}
    values = {name: "on" if name in switches else str(value) for name, value in held.items()}
    return {**values, **{name.replace("__", "."): value for name, value in changes.items()}}


def fields_of(visitor: Client, text: str) -> PresetForm:
    answer = visitor.post(NEW, {"preset": text, "source": cast.SOURCE, "to_fields": "1"})
    assert answer.status_code == 200, answer.context["form"].errors
    form = answer.context["form"]
    assert isinstance(form, PresetForm)
    return form


def yaml_of(visitor: Client, form: PresetForm, **changes: str) -> str:
    typed = sent(form, to_yaml="1", **changes)
    return str(visitor.post(f"{NEW}?strategy={form.strategy}", typed).context["form"]["preset"].value())


def same(one: Preset, other: Preset) -> bool:
    """Whatever the number of zeros behind a decimal."""
    terms, others = one.model_dump(exclude={"config"}), other.model_dump(exclude={"config"})
    return terms == others and one.strategy_config == other.strategy_config


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_form_runs_as_it_begins(strategy: str, visitor: Client) -> None:
    address = f"{NEW}?strategy={strategy}"
    answer = visitor.post(address, sent(visitor.get(address).context["form"]))
    job = BackTest.objects.get()
    assert answer["Location"] == f"/back-tests/{job.pk}/"
    assert same(preset_of(job.preset), read_preset(preset_example(strategy), environ={}))
    assert (job.source, job.since, job.requested_by) == ("synthetic:mean-reverting,days=30,price=2000", None, "alice")


@pytest.mark.parametrize("text", [WHOLE, *map(preset_example, STRATEGIES)], ids=["whole", *STRATEGIES])
def test_nothing_is_lost_from_yaml_to_the_fields_and_back(text: str, visitor: Client) -> None:
    again = yaml_of(visitor, fields_of(visitor, text))
    assert same(read_preset(again, environ={}), read_preset(text, environ={}))
    assert yaml_of(visitor, fields_of(visitor, again)) == again


def test_the_whole_preset_has_every_field() -> None:
    assert read_preset(WHOLE, environ={}).model_fields_set == set(Preset.model_fields)


def test_what_may_be_none_is_switched_off_by_emptying_it(visitor: Client) -> None:
    again = yaml_of(visitor, fields_of(visitor, preset_example("trend")), config__daily_loss="")
    assert "daily_loss: null" in again
    assert fields_of(visitor, again)["config.daily_loss"].value() is None


def test_a_strategy_of_ones_own_has_its_fields(visitor: Client, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    registry.use_folder(tmp_path)
    request.addfinalizer(lambda: registry.use_folder(None))
    write_example(tmp_path)
    form = visitor.get(f"{NEW}?strategy=ema_cross").context["form"]
    text = yaml_of(visitor, form, config__fast="7")
    assert "strategy: ema_cross\nconfig:\n  fast: 7\n" in text
    assert fields_of(visitor, text)["config.fast"].value() == 7


def test_text_that_is_no_value_goes_both_ways(visitor: Client) -> None:
    form = visitor.get(NEW).context["form"]
    again = yaml_of(visitor, form, config__grids="lots", fees__maker="cheap", latency="")
    assert "grids: lots" in again
    back = fields_of(visitor, again)
    assert (back["config.grids"].value(), back["fees.maker"].value(), back["latency"].value()) == ("lots", "cheap", 0)


def test_candles_and_period_go_both_ways(visitor: Client) -> None:
    typed = {
        "preset": WHOLE,
        "source": "bybit/linear/SOLUSDT",
        "since": "2025-02-01",
        "until": "soon",
        "to_fields": "1",
    }
    form = visitor.post(NEW, typed).context["form"]
    assert [form[name].value() for name in ("source", "since", "until")] == [typed["source"], "2025-02-01", "soon"]
    back = visitor.post(f"{NEW}?strategy=grid", sent(form, to_yaml="1")).context["form"]
    assert [back[name].value() for name in ("source", "since", "until")] == [typed["source"], "2025-02-01", "soon"]


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("config.grids", "lots", "Intervals is a whole number (given: lots)."),
        ("config.grids", "0", "grids: input should be greater than or equal to 1 (given: 0)."),
        ("config.investment", "", "Investment is missing."),
        ("symbol", "ETHXXX", "symbol is ETHXXX: write it as in ETH/USDT."),
        ("timeframe", "2w", "timeframe is 2w: 1m to 1d are understood."),
        ("initial_balance", "-1", "Input should be greater than 0 (given: -1)."),
        ("leverage", "3", "leverage is 3: a spot market has none; take it away or trade linear."),
        ("fees.maker", "0.5", "Input should be less than 0.1 (given: 0.5)."),
        ("fees.taker", "", "Taker fee is missing."),
        ("latency", "600000", "latency is 600000 ms: candles of 1m allow 120000 at most."),
        ("funding", "0.1", "funding is of linear markets: take it away, or set market to linear."),
        ("funding", "rates.csv", "Funding is a number, written like 1850.25 (given: rates.csv)."),
        ("precision.price", "0", "Input should be greater than 0 (given: 0)."),
        ("limits.amount.max", "-1", "Input should be greater than 0 (given: -1)."),
        ("source", "", "Candles are missing: name a series"),
        ("source", "/etc/passwd", "/etc/passwd is no source of candles: write a series of the candle store"),
        ("source", "bybit/linear/NONEUSDT", "The candle store has no bybit/linear/NONEUSDT (it "),
        ("since", "tomorrow", "&#x27;tomorrow&#x27; is no time: write 2025-05-01"),
        ("until", "2024-12-31", "The period ends before it begins: until must be later than since."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    field: str, typed: str, told: str, visitor: Client
) -> None:
    values = sent(visitor.get(NEW).context["form"], **{"since": "2025-01-01", field: typed})
    answer = visitor.post(NEW, values)
    assert answer.status_code == 422
    (slot,) = re.findall(
        rf'<p class="field-error" id="error-{re.escape(field.replace(".", "-"))}">(.*?)</p>', answer.text
    )
    assert told in slot
    assert sent(answer.context["form"]) == values
    assert not BackTest.objects.exists()


def test_all_mistakes_are_told_at_once_with_links_to_them(visitor: Client) -> None:
    values = sent(visitor.get(NEW).context["form"], config__grids="lots", config__atr_period="1", slippage="1")
    answer = visitor.post(NEW, values)
    assert set(answer.context["form"].errors) == {"config.grids", "config.atr_period", "slippage"}
    assert len(answer.context["form"].errors["config.grids"]) == 1
    for name in ("config.grids", "config.atr_period", "slippage"):
        assert f'href="#id_{name}"' in answer.text
    # The folded-away field that is wrong can be seen.
    assert re.search(r'<details class="advanced" open>.*?id="id_config.atr_period"', answer.text, re.S)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  grids: 7", "  girds: 7", "line 8: config.girds: the form has no field for this: check its spelling."),
        ("spacing: geometric", "spacing: odd", "line 10: config.spacing: odd is none of arithmetic, geometric."),
        ("trail_stop_loss: false", "trail_stop_loss: off", "config.trail_stop_loss: off is neither true nor false."),
        ("slippage: 0.0002", "slippage:", "slippage: Slippage is empty: give it a value, or take the line away."),
        ("symbol: SOL/USDT:USDT", "symbol: [SOL]", "symbol: Symbol is one value, not several."),
        ("fees: {", "fees: 5 #", "fees: the form has no field for this"),
        ("strategy: grid", "strategy: luck", "There is no strategy luck: write one of dca, grid"),
        ("strategy: grid\n", "", "strategy is missing: write one of dca, grid"),
        ("config:\n", "config: [\n", "This is not YAML"),
    ],
)
def test_yaml_that_no_field_can_hold_stays_as_it_is_and_says_why(
    old: str, new: str, told: str, visitor: Client
) -> None:
    text = WHOLE.replace(old, new, 1)
    answer = visitor.post(NEW, {"preset": text, "source": cast.SOURCE, "to_fields": "1"})
    assert answer.status_code == 422
    assert escape(told) in answer.text
    assert answer.context["form"]["preset"].value() == text


def test_enter_runs_and_does_not_change_to_yaml(visitor: Client) -> None:
    for address in (NEW, f"{NEW}?as=yaml"):
        _, _, form = visitor.get(address).text.partition('id="back-test-form"')
        first = re.search(r"<button[^>]*type=\"submit\"[^>]*>", form)
        assert first
        assert "name=" not in first[0]


def test_again_begins_with_what_a_back_test_was_of(visitor: Client) -> None:
    job = services.request_back_test(
        preset=preset_of(read_preset(WHOLE, environ={}).model_dump()).model_dump(mode="json"),
        source=cast.SOURCE,
        since=1_735_732_800_000,  # noon
        until=1_735_776_000_000,
        requested_by="alice",
    )
    page = visitor.get(f"{NEW}?again={job.pk}")
    assert 'type="datetime-local" name="since" value="2025-01-01T12:00:00"' in page.text
    assert 'type="date" name="until" value="2025-01-02"' in page.text
    visitor.post(f"{NEW}?strategy=grid", sent(page.context["form"], slippage="0.01"))
    again = BackTest.objects.latest("pk")
    assert (again.source, again.since, again.until) == (job.source, job.since, job.until)
    changed = preset_of(again.preset)
    assert (str(changed.slippage), str(preset_of(job.preset).slippage)) == ("0.01", "0.0002")
    assert same(changed, preset_of({**job.preset, "slippage": "0.01"}))


def test_again_of_a_strategy_that_is_gone_shows_its_preset_to_mend(visitor: Client) -> None:
    job = BackTest.objects.create(preset={**cast.PRESET, "strategy": "gone"}, source=cast.SOURCE, requested_by="alice")
    assert "strategy: gone" in visitor.get(f"{NEW}?again={job.pk}").text


@pytest.mark.parametrize("again", ["luck", "-1", "999", "9" * 30])
def test_again_of_nothing_is_not_found(again: str, visitor: Client) -> None:
    assert visitor.get(f"{NEW}?again={again}").status_code == 404


def test_a_back_test_that_is_over_can_be_run_again_changed(visitor: Client) -> None:
    job = cast.back_test()
    link = f'href="{NEW}?again={job.pk}"'
    assert link not in visitor.get(f"/back-tests/{job.pk}/").text
    visitor.post(f"/back-tests/{job.pk}/cancel/")
    assert link in visitor.get(f"/back-tests/{job.pk}/").text


def test_a_bot_made_from_a_back_test_has_its_switches_and_what_was_emptied(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"investment": "100", "pullback_entry": False, "daily_loss": None, "ema_fast": 7}
    preset = {**cast.PRESET, "strategy": "trend", "config": config}
    job = BackTest.objects.create(preset=preset, source=cast.SOURCE, requested_by="alice", status="done")
    monkeypatch.setattr(services, "report_of", lambda job: b"<!-- result -->seen<!-- /result -->")
    monkeypatch.setattr(services, "result_of", lambda job: b'{"trades": []}')
    (link,) = re.findall(r'href="(/new/\?[^"]*)"', visitor.get(f"/back-tests/{job.pk}/").text)
    account()
    form = visitor.get(unescape(link)).context["form"]
    assert {name: form[f"config.{name}"].value() for name in config} == {
        "investment": "100", "pullback_entry": False, "daily_loss": "", "ema_fast": "7",
    }  # fmt: skip
