from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import strategies
from strategies import explanations
from strategies.contract import Reason
from strategies.explanations import ENGLISH, LANGUAGES, explain
from tests.strategies.grid_bot import GridBot

SOURCES = sorted(Path(strategies.__file__).parent.glob("*/*.py"))


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def codes_in_the_source() -> set[str]:
    """Everything that looks like a reason's code in a strategy's source."""
    found: set[str] = set()
    for path in SOURCES:
        found |= set(re.findall(rf"\"({path.parent.name}\.[a-z_]+)\"", path.read_text()))
    return found


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert codes_in_the_source() == set(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_the_same_numbers(language: str) -> None:
    for code, template in LANGUAGES[language].items():
        assert placeholders(template) == placeholders(ENGLISH[code]), code


def test_a_language_is_asked_for_by_its_tag_and_what_it_lacks_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    german = {"grid.armed": "Der Preis ist {price} und wartet auf {trigger}."}
    monkeypatch.setattr(explanations, "LANGUAGES", {"en": ENGLISH, "de": german})
    armed, triggered = (Reason(code, {"price": 120.5, "trigger": 115}) for code in ("grid.armed", "grid.triggered"))
    assert explain(armed, "de") == explain(armed, "de-AT") == "Der Preis ist 120.5 und wartet auf 115."
    assert explain(triggered, "de") == "The price reached the trigger 115 at 120.5: the grid starts."
    assert explain(armed, "fr") == explain(armed) == "Waiting for the price to reach 115; it is 120.5."


def test_no_number_that_is_written_beside_its_code_goes_untold() -> None:
    """Where a source says ``Reason("code", {…})`` in one breath. What back-tests say is held in ``shown``."""
    checked = 0
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text())):
            match call:
                case ast.Call(ast.Name("Reason"), [ast.Constant(str(code)), ast.Dict(keys)]):
                    given = {key.value for key in keys if isinstance(key, ast.Constant)}
                    assert given <= placeholders(ENGLISH[code]), f"{code} in {path.name}"
                    checked += 1
    assert checked > 0


def test_a_sentence_shows_its_numbers_as_one_would_write_them() -> None:
    reason = Reason("grid.open", {"interval": 7, "amount": 0.1, "price": 1850.25, "target": 1900.0})
    assert explain(reason) == "Interval 7 waits at 1850.25 to open 0.1 and close it at 1900."


def test_small_and_large_numbers_have_no_exponent() -> None:
    numbers = {"interval": 0, "amount": 5e7, "price": 0.00001005, "target": 0.0000101}
    assert explain(Reason("grid.open", numbers)) == (
        "Interval 0 waits at 0.00001005 to open 50000000 and close it at 0.0000101."
    )


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert explain(Reason("mine.own", {"x": 1.5})) == "mine.own: x 1.5"


@pytest.mark.parametrize("direction", ["long", "short", "neutral"])
def test_what_a_grid_says_in_its_life_can_be_told(direction: str) -> None:
    bot = GridBot(direction=direction, trailing_up=True, trigger_price=115, stop_loss_percent=10)
    said: list[Reason] = []
    for price in (119.0, 115.0):
        said += [order.reason for order in bot.at(price).wanted] + list(bot.decision.notes)
    if "entry" in bot.slots:
        said += [order.reason for order in bot.at(115, bot.filled("entry", price=115)).wanted]
    for price in (121.0, 109.0, 150.0):
        reached = [s for s in bot.slots if (bot.order(s).price or 0) <= price] if price > 115 else bot.slots[:2]
        said += [order.reason for order in bot.at(price, *map(bot.filled, reached)).wanted] + list(bot.decision.notes)
    bot.at(150, pnl=-100)
    said += [*bot.decision.notes, *(order.reason for order in bot.decision.wanted)]
    sentences = [explain(reason) for reason in said]
    assert all("{" not in sentence and sentence.endswith(".") for sentence in sentences)
    assert {reason.code for reason in said} >= {"grid.armed", "grid.triggered", "grid.built", "grid.open"}
    assert any(sentence.startswith("Stop loss: ") for sentence in sentences)
