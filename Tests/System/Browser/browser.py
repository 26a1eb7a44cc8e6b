# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium for tests: Debian's own, driven by Playwright.

A page opened here keeps account of whatever must not happen (uncaught errors, `console.error`, violations of the
content security policy); leaving the block without an exception of its own raises if there was any.
"""

import os
import sys
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("BROADTAPE_CHROMIUM", "/usr/bin/chromium")


@contextmanager
def chromium():
    """A browser; nothing of it is left when the block ends."""
    # Chromium's sandbox does not work for root, which containers and CI run tests as.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        # /dev/shm is small in containers: a page that outgrows it crashes.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=arguments + ["--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Faults:
    """Whatever a page did that it must not do."""

    def __init__(self, page, ignored):
        self.list = []
        self.ignored = ignored
        page.on("pageerror", lambda error: self.add(f"uncaught: {error}"))
        page.on("console", lambda message: message.type == "error" and self.add(f"console: {message.text}"))
        page.on("crash", lambda _: self.add("the page crashed"))

    def add(self, text):
        if not any(part in text for part in self.ignored):
            self.list.append(text)


@contextmanager
def open_page(browser, *, ignored=(), **context):
    """A page in a context (cookies, storage) of its own.

    - ignored: parts of messages that are no faults here, such as "ERR_CONNECTION_REFUSED" while a hub is down, which
      Chromium writes to the console by itself.
    - context: as `browser.new_context` takes it: viewport={"width": 390, "height": 844}, color_scheme="dark", …
    """
    owner = browser.new_context(**context)
    try:
        page = owner.new_page()
        page.set_default_timeout(20_000)
        page.faults = Faults(page, ignored)
        yield page
        if page.faults.list:
            raise AssertionError("the page did what it must not do:\n" + "\n".join(page.faults.list))
    finally:
        owner.close()


if __name__ == "__main__":
    # Says whether the harness works: prints the browser's version and the title of a page.
    with chromium() as browser, open_page(browser) as page:
        page.goto("data:text/html,<title>works</title>")
        print(browser.version, page.title())
        sys.exit(0)
