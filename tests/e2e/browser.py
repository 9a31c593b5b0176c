"""A person at the dashboard: headless Chromium against a stack that really runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from deploy.install import find_browser
from tests.stack import DemoStack

# Nothing may leave the machine, and there is no graphics card in a test.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

DESKTOP = (1440, 900)
PHONE = (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test by name where there is no Chromium."""
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium or Chrome was found: install one, or name its program in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One signed-in browser window. ``complaints`` is what pages wrote to the console as errors."""

    def __init__(self, browser: Browser, stack: DemoStack, size: tuple[int, int] = DESKTOP) -> None:
        self._stack = stack
        self._context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme="dark")
        self._context.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", self._note)

    def sign_in(self) -> None:
        self.go("/")
        self.page.get_by_label("User name").fill(self._stack.username)
        self.page.get_by_label("Password").fill(self._stack.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self._stack.url}/")

    def go(self, path: str) -> None:
        self.page.goto(self._stack.url + path)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text().strip()

    def attribute(self, selector: str, name: str) -> str:
        return self.page.locator(selector).get_attribute(name) or ""

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _note(self, error: Error) -> None:
        self.complaints.append(str(error))
