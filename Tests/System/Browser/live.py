# SPDX-License-Identifier: Apache-2.0
"""Drives the live page: URL TOKEN PUBLISHER PID

Rates move, a user signs in, the connection is cut and comes back, the hub is ended as by `kill -9` (PID; whoever called this
starts it again on the same port): every event is shown once, and the page says so itself.
"""

import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import chromium, open_page  # noqa: E402

URL, TOKEN, PUBLISHER, PID = sys.argv[1:]
SHOTS = os.environ.get("BROADTAPE_SHOTS")
# What Chromium writes by itself while nobody listens, and about answers that are no success.
IGNORED = ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "status of 401", "status of 503"]


def publish(*events):
    """Returns when they are committed. The ids make it safe to send them again."""
    request = urllib.request.Request(
        URL + "/events",
        data=json.dumps(list(events)).encode(),
        headers={"Authorization": f"Bearer {PUBLISHER}", "Content-Type": "application/json"},
    )
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code != 503 or time.monotonic() > end:
                raise
            time.sleep(0.1)


def rate(number, pair="BTC/USDT"):
    return {"type": "rateChange", "id": f"{pair} {number}", "data": {
        "pair": pair, "rate": f"{61000 + number * 37 % 101}.{number % 100:02}", "bid": "60999.10", "ask": "61200.90",
        "exchange": "test"}}


def transaction(number, status="completed", **data):
    return {"type": "transactionUpdate", "key": "u_42", "id": f"tx {number} {status}", "data": {
        "type": "deposit", "transactionId": f"tx-{number}", "amount": f"1234567890123456789.{number:02}",
        "currency": "USD", "status": status, **data}}


def balance(text, currency="USD"):
    return {"type": "balanceUpdate", "id": f"{currency} {text}", "data": {
        "userId": "u_42", "balance": text, "currency": currency}}


def shoot(page, name):
    if SHOTS:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def wait(page, expression, argument=None):
    page.wait_for_function(expression, arg=argument, timeout=30_000)


def wait_for_state(page, text):
    wait(page, "text => document.getElementById('state').textContent === text", text)


def wait_for_rate(page, seq, pair="BTC/USDT"):
    wait(page, "([pair, seq]) => document.querySelector(`[data-pair='${pair}']`)?.dataset.seq === String(seq)", [pair, seq])


def shown_transactions(page):
    """The numbers of all events in the table, in no order."""
    return sorted(
        int(number)
        for text in page.eval_on_selector_all("#transactions tr", "rows => rows.map(row => row.dataset.seqs)")
        for number in text.split()
    )


def check_policy(page, address):
    response = page.goto(address)
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy, policy
    return response


def check_narrow(page):
    """Nothing is wider than the window."""
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], f"the page is {wide[0]} px wide in a window of {wide[1]}"


def check_keyboard(page, last):
    """Everything that can be used is reached by the Tab key, and shows that it is."""
    reached = []
    page.evaluate("document.activeElement?.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        name, style = page.evaluate(
            "(() => { const it = document.activeElement; return [it.id || it.className, getComputedStyle(it).outlineStyle] })()"
        )
        reached.append(name)
        if name == last:
            assert style != "none", f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"{last} is not reached by the keyboard: {reached}")


def check_contrast(page):
    """Text on its ground has 4.5 to 1 (WCAG AA)."""
    pairs = [(ink, ground) for ink in ("ink", "soft", "accent", "up", "down", "warn") for ground in ("card", "ground")]
    pairs += [("accent-ink", "accent"), ("ink", "accent-wash"), ("up", "accent-wash"), ("warn", "warn-wash"), ("down", "down-wash"),
              ("ink", "warn-wash"), ("ink", "down-wash"), ("soft", "sunk"), ("ink", "sunk")]
    for ink, ground in pairs:
        one, other = (luminance(page.evaluate(
            "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", f"--{name}")) for name in (ink, ground))
        ratio = (max(one, other) + 0.05) / (min(one, other) + 0.05)
        assert ratio >= 4.5, f"{ink} on {ground} has {ratio:.2f} to 1"


def luminance(color):
    parts = [int(part, 16) / 255 for part in re.fullmatch("#(..)(..)(..)", color).groups()]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def run(page):
    check_policy(page, URL + "/")
    page.get_by_text("Nothing has been published yet").wait_for()
    shoot(page, "live-nothing-yet")

    # Rates move.
    publish(*(rate(number) for number in range(1, 41)), *(rate(number, "ETH/USDT") for number in range(1, 31)))
    wait_for_rate(page, 40)
    wait_for_state(page, "Live")
    publish(rate(41), rate(1, "EUR/USD"))
    wait_for_rate(page, 41)
    assert page.inner_text("[data-pair='BTC/USDT'] .value") == "61,002.41", page.inner_text("[data-pair='BTC/USDT']")
    assert page.locator("[data-pair='BTC/USDT'] svg path.stroke").count() == 1

    # A token that is none is refused with a sentence, and one that is good shows what is the user's.
    page.fill("#token", TOKEN[:-4] + "AAAA")
    page.click("#sign-in-button")
    page.get_by_text("The hub does not accept this token").wait_for()
    shoot(page, "live-bad-token")
    publish(balance("1000000000000000000.10"), balance("5.00", "EUR"), transaction(1, "pending"))
    page.fill("#token", TOKEN)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#balances").get_by_text("1,000,000,000,000,000,000.10").wait_for()
    page.locator("[data-transaction='tx-1']").get_by_text("pending").wait_for()
    wait_for_state(page, "Live")
    publish(transaction(1), balance("1000000000000000000.30"))
    page.locator("[data-transaction='tx-1']").get_by_text("completed").wait_for()
    page.locator("#balances").get_by_text("1,000,000,000,000,000,000.30").wait_for()
    assert page.locator("#transactions tr").count() == 1
    assert "1234567890123456789.01 USD: completed" in page.inner_text("#announcements")
    assert page.evaluate("Object.keys(localStorage).length") == 0

    # Cut by the reader: what happens meanwhile comes after.
    page.click("#cut")
    wait_for_state(page, "Cut by you")
    publish(*(rate(number) for number in range(42, 52)), transaction(2), transaction(3))
    shoot(page, "live-cut")
    page.click("#cut")
    wait_for_state(page, "Live")
    wait(page, "() => document.getElementById('report').dataset.missed === '12'")
    report = page.inner_text("#report")
    assert "Missed 12 events while offline; all received:" in report and "42…51" in report and "3…4" in report, report
    assert shown_transactions(page) == [1, 2, 3, 4]
    shoot(page, "live-back")

    # The hub dies.
    os.kill(int(PID), signal.SIGKILL)
    page.wait_for_function("() => document.getElementById('state').textContent !== 'Live'")
    shoot(page, "live-hub-away")
    publish(*(transaction(number) for number in range(4, 9)), rate(52), rate(2, "EUR/USD"))
    wait_for_rate(page, 52)
    wait_for_rate(page, 2, "EUR/USD")
    wait_for_state(page, "Live")
    publish(transaction(9))
    page.locator("[data-transaction='tx-9']").wait_for()
    assert shown_transactions(page) == list(range(1, 11)), shown_transactions(page)
    assert page.inner_text("#missing") == "none", page.inner_text("#missing")

    # The tab keeps the token; what was shown is shown again.
    page.reload()
    page.locator("[data-transaction='tx-9']").wait_for()
    page.locator("#balances").get_by_text("1,000,000,000,000,000,000.30").wait_for()
    wait_for_state(page, "Live")
    check_keyboard(page, "cut")
    check_contrast(page)
    page.emulate_media(color_scheme="dark")
    check_contrast(page)
    shoot(page, "live-dark")
    page.set_viewport_size({"width": 360, "height": 740})
    check_narrow(page)
    shoot(page, "live-phone")
    page.click("#sign-out")
    page.locator("#sign-in-card").wait_for()
    assert page.locator("#transactions tr").count() == 0
    assert page.evaluate("sessionStorage.getItem('broadtape.token')") is None
    wait_for_state(page, "Live")


if __name__ == "__main__":
    with chromium() as browser, open_page(browser, ignored=IGNORED, viewport={"width": 1280, "height": 900}) as page:
        run(page)
