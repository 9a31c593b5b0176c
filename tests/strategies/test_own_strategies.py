"""Strategies in files of one's own: found, refused with file and line, and never in each other's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from strategies.registry import (
    UnknownStrategy,
    get_strategy,
    names,
    problems,
    regimes_of,
    source_of,
    strategies,
    use_folder,
)
from tests.strategies.own_files import write_example

MINIMAL = """
from strategies.contract import Decision, StrategyConfig
from strategies.plain import PlainStrategy


class {cls}(PlainStrategy):
    name = "{name}"
    version = "{version}"
    title = "Idle"
    description = "Wants nothing."
    Config = StrategyConfig
    State = dict

    def step(self, config, market, state, point, position, fills):
        return Decision(state)
"""


def minimal(folder: Path, file: str, *, name: str, version: str = "1", cls: str = "Idle") -> Path:
    path = folder / file
    path.write_text(MINIMAL.format(name=name, version=version, cls=cls))
    return path


def test_the_recipes_example_is_found(own: Path) -> None:
    path = write_example(own)
    found = get_strategy("ema_cross")
    assert (found.name, found.version, found.title) == ("ema_cross", "1", "EMA cross")
    assert regimes_of(found) == ("bull_trend",)
    assert regimes_of(get_strategy("grid")) == ("tight_range", "wide_range", "quiet_transition")
    assert source_of("ema_cross") == path
    assert source_of("grid") is None
    assert names() == sorted(names())
    assert "ema_cross" in [strategy.name for strategy in strategies()]
    assert problems() == []


def test_a_file_that_is_added_later_is_found(own: Path) -> None:
    with pytest.raises(UnknownStrategy):
        get_strategy("late")
    minimal(own, "late.py", name="late")
    assert get_strategy("late").version == "1"


def test_a_running_bot_keeps_the_code_it_has(own: Path) -> None:
    path = minimal(own, "idle.py", name="idle")
    first = get_strategy("idle")
    path.write_text(MINIMAL.format(name="idle", version="22", cls="Idle"))
    assert get_strategy("idle") is first
    assert names().count("idle") == 1


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("import os\n\ndef broken(:\n", 3, "SyntaxError"),
        ("\n\nx = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import no_such_module\n", 1, "No module named 'no_such_module'"),
        ("import sys\nsys.exit(1)\n", 2, "SystemExit"),
        ("x = 1\n", 0, "holds no class with a method step"),
        ("\nclass Half:\n    name = 'half'\n    def step(self): ...\n", 2, "class Half has no version"),
        (
            MINIMAL.format(name="x", version="1", cls="X").replace("Config = StrategyConfig", "Config = dict"),
            6,
            "class X has no Config",
        ),
        (
            MINIMAL.format(name="x", version="1", cls="X") + "\n    regimes = ('bull',)\n",
            6,
            "class X suits regimes that there are not: bull; there are tight_range,",
        ),
        (
            MINIMAL.format(name="x", version="1", cls="X") + "\n    def __init__(self):\n        raise OSError('no')\n",
            18,
            "OSError: no",
        ),
    ],
)
def test_a_broken_file_is_told_with_its_line_and_stops_no_other(own: Path, text: str, line: int, said: str) -> None:
    minimal(own, "sound.py", name="sound")
    broken = own / "broken.py"
    broken.write_text(text)
    assert get_strategy("sound").name == "sound"
    (problem,) = problems()
    assert (problem.path, problem.line) == (broken, line)
    assert said in problem.message
    with pytest.raises(UnknownStrategy) as raised:
        get_strategy("half")
    assert str(problem) in str(raised.value)


def test_a_mended_file_is_tried_again(own: Path) -> None:
    path = own / "mended.py"
    path.write_text("def broken(:\n")
    assert len(problems()) == 1
    minimal(own, "mended.py", name="mended")
    assert problems() == []
    assert get_strategy("mended").name == "mended"


def test_a_name_that_is_taken_is_not_given_away(own: Path) -> None:
    minimal(own, "a.py", name="idle", version="a")
    twice = minimal(own, "b.py", name="idle", version="b")
    grid = minimal(own, "c.py", name="grid")
    assert get_strategy("idle").version == "a"
    assert get_strategy("grid").title == "Grid"
    assert [(problem.path, "taken already" in problem.message) for problem in problems()] == [
        (twice, True),
        (grid, True),
    ]


def test_helpers_are_left_alone(own: Path) -> None:
    (own / "_shared.py").write_text("1 / 0\n")
    (own / "notes.txt").write_text("1 / 0\n")
    assert problems() == []


def test_a_folder_that_does_not_exist_is_an_empty_one(tmp_path: Path) -> None:
    use_folder(tmp_path / "nowhere")
    try:
        assert "grid" in names()
        assert problems() == []
    finally:
        use_folder(None)
