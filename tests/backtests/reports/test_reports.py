"""The page, the picture and the bot of a result."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from backtests.reports import figures
from backtests.reports.bot_preset import bot_document, write_preset
from backtests.reports.drawing import COLUMNS
from backtests.reports.html import render, write_html
from backtests.reports.png import write_png
from bots.configuration import apply_configuration
from bots.models import Bot
from exchange.models import ExchangeAccount
from strategies.parsing import parse_config
from tests.backtests.reports.outcomes import swinging
from tests.bots.cast import alice
from traderagent.embedded.home import PROJECT

VOID = {"meta", "link", "br", "img", "input"}


class Reader(HTMLParser):
    """Every element is closed where it was opened; ``addresses`` are what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_stands_alone() -> None:
    reader = Reader()
    page = render(swinging())
    reader.feed(page)
    assert reader.open == []
    assert reader.addresses == []
    assert not re.findall(r"url\(|@import|fetch\(", page)


def test_the_page_says_what_came_of_it() -> None:
    outcome = swinging()
    reader = Reader()
    reader.feed(render(outcome))
    words = [text.strip() for text in reader.texts]
    assert f"{outcome.summary.total_return * 100:+,.2f} %" in words
    assert f"{outcome.summary.trades:,}" in words
    assert outcome.hash in words
    assert "synthetic:sine,days=2,period=240" in words
    assert f"{outcome.preset.initial_balance:,.2f} USDT" in words
    assert words[words.index("grids") + 1] == "10"


def test_the_size_of_a_page_is_bounded_however_long_the_run() -> None:
    page = render(swinging(days=90))
    lines = re.findall(r'class="line [a-z]+" d="([^"]*)"', page)
    assert len(lines) == 4
    assert max(line.count("L") for line in lines) <= 4 * COLUMNS
    assert len(page) < 400_000


def test_each_fill_is_a_dot_while_they_can_be_told_apart() -> None:
    outcome = swinging(days=0.25, period=360)
    page = render(outcome)
    bought, sold = re.findall(r'class="dots (?:bought|sold)" d="([^"]*)"', page)
    assert bought.count("h0") == int((outcome.fills.side == 1).sum()) > 0
    assert sold.count("h0") == int((outcome.fills.side == -1).sum()) > 0


def test_months_are_those_of_the_summary_and_empty_elsewhere() -> None:
    outcome = swinging(days=60)
    ((year, cells),) = figures.months(outcome.summary)
    assert year == 2025
    # From January 1 on for 60 days: January, February and the first of March.
    assert [bool(cell.text) for cell in cells] == [True, True, True] + [False] * 9
    january = next(month.value for month in outcome.summary.monthly_returns if month.month == 1)
    assert cells[0].text == f"{january * 100:+.2f}"


def test_the_picture_shows_a_gain_in_green(tmp_path: Path) -> None:
    write_png(swinging(), tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as image:
        assert image.size == (1200, 675)
        found = image.convert("RGB").getcolors(maxcolors=1 << 20) or []
    assert (0x3F, 0xB9, 0x50) in {colour for _, colour in found}


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "result.html"
    write_html(swinging(), path)
    write_html(swinging(), path)
    assert [file.name for file in path.parent.iterdir()] == ["result.html"]
    assert path.read_text(encoding="utf-8") == render(swinging())


@pytest.mark.django_db
def test_bots_apply_takes_the_preset_of_a_result(tmp_path: Path) -> None:
    outcome = swinging()
    write_preset(outcome, tmp_path / "bot.yaml")
    applied = apply_configuration(
        (tmp_path / "bot.yaml").read_text(encoding="utf-8"), owner=alice(), requested_by="test", environ={}
    )
    assert applied.created_accounts == ["paper"]
    assert applied.created_bots == ["eth-usdt-grid"]
    bot = Bot.objects.get(name="eth-usdt-grid")
    config, problems = parse_config("grid", bot.config)
    assert problems == []
    assert config == outcome.preset.strategy_config
    account = ExchangeAccount.objects.get(name="paper")
    assert account.paper_balances == {"USDT": "10000"}
    assert f"{account.paper_slippage:f}".rstrip("0") == "0.0005"


@pytest.mark.django_db
def test_remarks_of_a_preset_are_comments() -> None:
    text = bot_document(swinging().preset, ["one: {two"])
    assert text.startswith("# one: {two\n")
    assert apply_configuration(text, owner=alice(), requested_by="test", environ={}).created_bots


def test_the_command_writes_the_page_without_a_database(tmp_path: Path) -> None:
    outcome = swinging()
    (tmp_path / "preset.yaml").write_text(outcome.preset.to_yaml(), encoding="utf-8")
    command = [
        *(sys.executable, str(PROJECT / "manage.py"), "backtest", "preset.yaml"),
        *("--candles", "synthetic:sine,days=2,period=240", "--html", "report.html"),
    ]
    environ = {"PATH": "/usr/bin:/bin", "TRADERAGENT_HOME": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(outcome)
