"""A person signs in, creates a grid bot, watches it trade and stops it; and makes mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import DESKTOP, PHONE, Visitor, chromium
from tests.stack import DemoStack, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser, demo_stack: DemoStack) -> Visitor:
    visitor = Visitor(browser, demo_stack)
    visitor.sign_in()
    return visitor


def fill_in(visitor: Visitor, name: str, **fields: str) -> None:
    """SOL on spot, which none of the demo's own bots trades."""
    visitor.go("/new/")
    values = {"Name": name, "Symbol": "SOL/USDT", "Intervals": "10", "Investment": "2000"}
    for label, value in {**values, **{key.replace("_", " "): value for key, value in fields.items()}}.items():
        visitor.page.get_by_label(label, exact=False).first.fill(value)


def create_running_bot(visitor: Visitor, name: str) -> None:
    fill_in(visitor, name, Range_around_the_price="3")
    visitor.page.get_by_role("button", name="Create and start").click()
    visitor.page.wait_for_url(f"**/bots/{name}/")


def fills(visitor: Visitor) -> int:
    return int(visitor.attribute("#fill-count", "data-fills"))


def chart_count(visitor: Visitor, what: str) -> int:
    return int(visitor.attribute("#price-chart", f"data-{what}") or 0)


def test_a_grid_bot_from_the_form_to_its_end(visitor: Visitor) -> None:
    page = visitor.page

    fill_in(visitor, "sol-e2e", Range_around_the_price="3")
    expect(page.locator("#preview [data-level-count]")).to_have_text("10")
    wait_for(
        lambda: visitor.attribute("#preview-chart", "data-level-lines") == "10", timeout=60, what="lines of the preview"
    )
    page.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url("**/bots/sol-e2e/")
    expect(page.locator("[data-bot-status]")).to_have_attribute("data-bot-status", "stopped")
    assert fills(visitor) == 0
    assert chart_count(visitor, "order-lines") == 0

    page.get_by_role("button", name="Start", exact=True).click()
    # From here on the page is never loaded again: what is written on its window stays there.
    page.wait_for_load_state()
    page.evaluate("window.neverReloaded = true")
    expect(page.locator("[data-bot-status]")).to_have_attribute("data-bot-status", "running")
    # Every interval has one order resting, and what lies above the price was bought at market first.
    wait_for(lambda: chart_count(visitor, "order-lines") == 10, timeout=30, what="ten order lines on the chart")
    wait_for(lambda: fills(visitor) >= 1, timeout=30, what="the first fill counted")
    wait_for(lambda: chart_count(visitor, "fill-markers") >= 1, timeout=30, what="the first fill marked")
    expect(page.locator("#part-records .order-status.open")).to_have_count(10)
    first_price = visitor.attribute("#price-chart", "data-last-price")
    wait_for(
        lambda: visitor.attribute("#price-chart", "data-last-price") != first_price, timeout=60, what="the price moving"
    )

    # A tab, and the story of one order.
    page.get_by_role("link", name="Fills").click()
    expect(page.locator("#part-records")).to_contain_text("taker")
    page.get_by_role("link", name="Orders").click()
    expect(page.locator("#part-records td.why").first).to_contain_text("Interval")

    page.get_by_role("button", name="Stop…").click()
    page.get_by_label("Close the position").check()
    assert page.evaluate("window.neverReloaded") is True
    page.get_by_role("button", name="Stop the bot").click()
    expect(page.locator("[data-bot-status]")).to_have_attribute("data-bot-status", "stopped", timeout=30_000)
    wait_for(
        lambda: visitor.attribute("[data-open-orders]", "data-open-orders") == "0", timeout=30, what="no open orders"
    )
    # What is left is less than the market's step: fees were taken in SOL.
    wait_for(
        lambda: Decimal(visitor.attribute("[data-position]", "data-position")) < Decimal("0.001"),
        timeout=30,
        what="flat",
    )
    wait_for(lambda: chart_count(visitor, "order-lines") == 0, timeout=30, what="no order lines on the chart")
    assert visitor.complaints == []


def test_mistakes_are_told_beside_the_field_while_typing_and_after_sending(visitor: Visitor) -> None:
    page = visitor.page
    fill_in(visitor, "wrong", Lower_price="200", Upper_price="100")
    expect(page.locator("#error-config-upper")).to_contain_text("upper must be above lower")

    page.get_by_label("Intervals").fill("0")
    expect(page.locator("#error-config-grids")).to_contain_text("greater than or equal to 1")

    page.get_by_label("Intervals").fill("10")
    page.get_by_label("Upper price").fill("300")
    page.get_by_label("Investment").fill("3")
    expect(page.locator("#error-config-investment")).to_contain_text("minimum")

    page.get_by_label("Symbol").fill("SOL/EUR")
    expect(page.locator("#error-symbol")).to_contain_text("bybit has no market SOL/EUR. Did you mean SOL/USDT")

    page.get_by_label("Upper price").fill("100")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#error-config-upper")).to_contain_text("upper must be above lower")
    expect(page.get_by_label("Upper price")).to_have_value("100")
    assert page.url.endswith("/new/")


def test_a_start_below_the_minimum_is_refused_and_the_bot_stays(visitor: Visitor) -> None:
    page = visitor.page
    fill_in(visitor, "too-small", Range_around_the_price="3", Investment="3")
    page.get_by_role("button", name="Create and start").click()
    page.wait_for_url("**/bots/too-small/")
    expect(page.locator("#toasts")).to_contain_text("It was not started")
    expect(page.locator("[data-bot-status]")).to_have_attribute("data-bot-status", "stopped")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete the bot").click()
    expect(page.locator("#toasts")).to_contain_text("too-small is deleted.")
    expect(page.locator("#part-bots")).not_to_contain_text("too-small")


def test_the_page_goes_on_after_the_web_server_was_killed(visitor: Visitor, demo_stack: DemoStack) -> None:
    create_running_bot(visitor, "sol-reconnect")
    page = visitor.page
    expect(page.locator("#live-state")).to_have_attribute("data-state", "on")
    page.evaluate("window.neverReloaded = true")
    demo_stack.wait_restarted("web", demo_stack.kill("web"))
    expect(page.locator("#live-state")).to_have_attribute("data-state", "off")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "on", timeout=60_000)
    before = visitor.attribute("#price-chart", "data-last-price")
    wait_for(
        lambda: visitor.attribute("#price-chart", "data-last-price") != before, timeout=30, what="the price moving on"
    )
    assert page.evaluate("window.neverReloaded") is True
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Stop the bot").click()
    expect(page.locator("[data-bot-status]")).to_have_attribute("data-bot-status", "stopped", timeout=30_000)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_scrolls_sideways_or_complains(browser: Browser, demo_stack: DemoStack, size: tuple[int, int]) -> None:
    visitor = Visitor(browser, demo_stack, size)
    visitor.sign_in()
    page = visitor.page
    wait_for(
        lambda: (
            page.goto(f"{demo_stack.url}/bots/eth-grid/?tab=fills") and page.locator("#part-records tbody a").count()
        ),
        timeout=60,
        what="a fill",
    )
    order = page.locator("#part-records tbody a").first.get_attribute("href")
    tabs = [f"/bots/eth-grid/?tab={tab}" for tab in ("orders", "fills", "cycles", "events", "journal")]
    others = [f"/bots/{name}/" for name in ("btc-hybrid", "btc-smc", "btc-trend", "sol-dca")]
    forms = [f"/new/?strategy={name}" for name in ("dca", "hybrid", "smc", "trend")]
    for path in ["/", "/new/", *forms, *others, *tabs, "/bots/eth-grid/edit/", "/bots/eth-grid/stop/", str(order)]:
        visitor.go(path)
        expect(page.locator("#live-state")).to_have_attribute("data-state", "on")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"{path} is {width} px wide"
        expect(page.locator("#market-clock")).to_contain_text("Synthetic 60×")
    assert visitor.complaints == []


def test_money_on_the_overview_is_the_sum_of_its_bots(visitor: Visitor, demo_stack: DemoStack) -> None:
    page = visitor.page
    # Both are rendered in one part, so they show the same moment.
    page.set_content(page.request.get(f"{demo_stack.url}/?part=bots", headers={"HX-Request": "true"}).text())

    def number(text: str) -> Decimal:
        return Decimal(text.replace("−", "-").replace(",", "").replace("+", ""))

    rows = [number(cell) for cell in page.locator(".c-profit .num").all_inner_texts()]
    total = number(page.locator(".stat").nth(2).locator(".num").inner_text())
    assert len(rows) >= 5
    # Each shown figure is rounded to a cent (those below one to a hundredth of it).
    assert abs(sum(rows) - total) <= Decimal("0.01") * (len(rows) + 1)
