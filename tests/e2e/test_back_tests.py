"""A person runs a back-test in a browser, a worker does it, and a bot can be made from it."""

from __future__ import annotations

import re

import pytest

from tests.e2e.browser import PHONE, Visitor, chromium
from tests.stack import DemoStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("demo")]


def test_from_the_form_to_the_result_to_a_bot(demo_stack: DemoStack) -> None:
    with chromium() as browser:
        visitor = Visitor(browser, demo_stack)
        visitor.sign_in()
        visitor.go("/back-tests/new/?strategy=grid")
        page = visitor.page
        page.get_by_role("button", name="Run").click()
        page.wait_for_url(re.compile(r"/back-tests/\d+/$"))
        address = page.url.removeprefix(demo_stack.url)
        # The page comes to its result by itself.
        page.get_by_role("link", name="Create a bot from this").wait_for(timeout=90_000)
        assert page.locator(".plot svg").count() == 4
        page.get_by_role("link", name="Again, changed").click()
        page.get_by_role("button", name="As YAML").click()
        page.get_by_role("button", name="Fields").click()
        page.get_by_label("Intervals").fill("12")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/back-tests/\d+/$"))
        assert page.url != f"{demo_stack.url}{address}"
        visitor.go(address)
        page.get_by_role("link", name="Create a bot from this").click()
        page.wait_for_url(re.compile(r"/new/\?strategy=grid"))
        assert page.get_by_label("Name").input_value() == "eth-usdt-grid"
        assert visitor.complaints == []

        phone = Visitor(browser, demo_stack, PHONE)
        phone.sign_in()
        for path in (
            "/back-tests/",
            "/back-tests/new/",
            "/back-tests/new/portfolio/",
            "/back-tests/new/?kind=robustness",
            address,
        ):
            phone.go(path)
            assert phone.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        assert phone.complaints == []
