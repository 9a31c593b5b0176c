"""The simulator's own page, in a browser and as plain forms."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browser import DESKTOP, PHONE, chromium
from tests.exchange.simulator.process import SimulatorProcess


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, simulator: SimulatorProcess) -> Iterator[Page]:
    width, height = request.param
    opened = browser.new_page(viewport={"width": width, "height": height})
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"{simulator.url}/simulator/")
    yield opened
    opened.close()
    # The page that names a wrong rule is answered with 400, which Chromium writes to the console.
    assert [text for text in complaints if "400" not in text] == []


def test_rules_are_added_counted_and_removed(simulator: SimulatorProcess, page: Page) -> None:
    page.get_by_label("Rules, one to a line").fill("error 502 on market/time\n5% ban on order/*")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("error 502 on market/time").wait_for()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{simulator.url}/v5/market/time", timeout=5)
    page.reload()
    row = page.get_by_role("row").filter(has_text="error 502 on market/time")
    assert row.locator("td").all_text_contents()[1:4] == ["active", "1", "1"]
    # Whoever else asks the simulator is listed too: the newest of what this test asked.
    newest = page.locator("section").last.get_by_role("row").filter(has_text="GET market/time").first
    assert newest.locator("td").all_text_contents()[1:5] == ["GET market/time", "502", "", "error"]
    row.get_by_role("button").click()
    page.get_by_text("error 502 on market/time").wait_for(state="detached")
    page.get_by_role("button", name="Remove all").click()
    page.get_by_text("None: everything works.").wait_for()
    assert simulator.faults() == []


def test_a_wrong_rule_is_told_and_what_was_written_stays(simulator: SimulatorProcess, page: Page) -> None:
    page.get_by_label("Rules, one to a line").fill("eror on *")
    page.get_by_role("button", name="Add", exact=True).click()
    assert "line 1: 'eror' is no kind of fault" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Rules, one to a line").input_value() == "eror on *"
    assert simulator.faults() == []


def test_nothing_is_wider_than_the_screen(page: Page) -> None:
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_lists_are_fresh_without_a_reload(simulator: SimulatorProcess, page: Page) -> None:
    simulator.inject("latency 1ms on market/time")
    page.get_by_text("latency 1ms on market/time").wait_for(timeout=10_000)


def test_what_strangers_send_is_shown_and_not_run(simulator: SimulatorProcess, page: Page) -> None:
    path = urllib.parse.quote("<img src=x onerror=alert(1)>")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{simulator.url}/v5/{path}", timeout=5)
    page.reload()
    assert "<img src=x onerror=alert(1)>" in page.locator("section").last.inner_text()
    assert page.locator("img").count() == 0


def test_another_sites_form_is_refused(simulator: SimulatorProcess) -> None:
    for path in ("/simulator/", "/simulator/faults/clear", "/simulator/faults/1/remove"):
        request = urllib.request.Request(
            simulator.url + path, data=b"script=ban", headers={"Origin": "https://elsewhere.example"}
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=5)
        assert caught.value.code == 403
    assert simulator.faults() == []
