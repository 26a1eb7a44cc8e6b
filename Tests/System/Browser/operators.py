# SPDX-License-Identifier: Apache-2.0
"""Drives the operators' page: URL ADMIN TOKEN PUBLISHER

Somebody is connected on the live page; an operator looks them up, disconnects them, revokes their tokens, lifts that, and
drains the node in the end. Each act is confirmed first, and is in the audit trail.
"""

import json
import os
import sys
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import chromium, open_page  # noqa: E402

URL, ADMIN, TOKEN, PUBLISHER = sys.argv[1:]
SHOTS = os.environ.get("BROADTAPE_SHOTS")
IGNORED = ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "status of 401", "status of 503", "response code: 503"]
HOSTILE = "<img src=x onerror=alert(1)>"


# Python would write them otherwise.
NUMBERS = """{"type":"transactionUpdate","key":"u_42","data":{"type":"deposit","amount":"2.00","status":"completed",\
"n":12345678901234567891,"o":1.10,"p":1e400,"q":[-0,7,"1.10"]}}"""


def ask(method, address, body=None, token=None):
    return send(method, address, json.dumps(body) if body is not None else None, token)


def send(method, address, text=None, token=None):
    headers = {"Content-Type": "application/json"} if text is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = text.encode() if text is not None else None
    with urllib.request.urlopen(urllib.request.Request(address, data, headers, method=method), timeout=10) as answer:
        return json.load(answer)


def publish(*events):
    return ask("POST", URL + "/events", list(events), PUBLISHER)


def acts():
    """What operators did, oldest first."""
    records = ask("GET", ADMIN + "/audit?limit=1000")["records"]
    return [(one["actor"], one["action"], one["object"]) for one in reversed(records) if one["action"] != "publish"]


def shoot(page, name):
    if SHOTS:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def confirm(page, button):
    page.locator("#dialog[open]").wait_for()
    assert "done by anna" in page.inner_text("#dialog-audit")
    page.click(f"#dialog-confirm:text-is('{button}')")


def run(live, page):
    publish(
        {"type": "rateChange", "data": {"pair": "BTC/USDT", "rate": "61000.10"}},
        {"type": "transactionUpdate", "key": "u_42", "data": {
            "type": "deposit", "amount": "1.00", "status": "completed", "note": HOSTILE}},
    )
    send("POST", URL + "/events", NUMBERS, PUBLISHER)
    live.goto(URL + "/")
    live.fill("#token", TOKEN)
    live.click("#sign-in-button")
    live.locator("#transactions tr").first.wait_for()
    live.wait_for_function("() => document.getElementById('state').textContent === 'Live'")

    policy = page.goto(ADMIN + "/").headers["content-security-policy"]
    assert "connect-src 'self';" in policy and "unsafe" not in policy, policy
    page.fill("#who", "anna")
    page.get_by_text("node-1: Ready").first.wait_for()
    for number in range(30):
        publish({"type": "rateChange", "data": {"pair": "BTC/USDT", "rate": f"61000.{number:02}"}})
    page.wait_for_function("() => document.querySelectorAll('#chart-delivery path, #chart-delivery circle').length > 0")
    page.locator("#channels").get_by_text("rateChange:BTC/USDT").wait_for()

    # Lists go on page by page, and back to the first.
    publish(*({"type": "rateChange", "data": {"pair": f"P{number:02}/X", "rate": "1"}} for number in range(40)))
    page.fill("#prefix", "rateChange:P")
    page.locator("#channels").get_by_text("rateChange:P24/X").wait_for()
    assert page.locator("#channels tr").count() == 25
    page.click("#channels-next")
    page.locator("#channels").get_by_text("rateChange:P39/X").wait_for()
    assert page.locator("#channels tr").count() == 15 and page.is_disabled("#channels-next")
    page.click("#channels-first")
    page.locator("#channels").get_by_text("rateChange:P00/X").wait_for()
    page.fill("#prefix", "")
    page.locator("#channels").get_by_text("rateChange:BTC/USDT").wait_for()

    # Looking up a user, and reading what is theirs: only when sure, and told.
    page.fill("#look-for", "u_42")
    page.press("#look-for", "Enter")
    page.locator("#found h3").get_by_text("u_42: 1 session on this node").wait_for()
    page.locator("#found").get_by_role("row").filter(has_text="transactionUpdate:u_42").get_by_role("button").click()
    page.locator("#dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Not read.").wait_for()
    assert acts() == [], acts()
    page.fill("#look-for", "transactionUpdate:u_42")
    page.press("#look-for", "Enter")
    confirm(page, "Read")
    page.locator("#found td.data").get_by_text(HOSTILE).wait_for()
    assert page.locator("#found img").count() == 0
    shown = page.locator("#found td.data").first.inner_text()
    assert shown.endswith('"n":12345678901234567891,"o":1.10,"p":1e400,"q":[-0,7,"1.10"]}'), shown
    expected = [("anna", "support-read", "transactionUpdate:u_42")]
    assert acts() == expected, acts()

    # Disconnecting: the client comes back by itself.
    page.fill("#look-for", "u_42")
    page.press("#look-for", "Enter")
    row = page.locator("#found tr[data-session]")
    row.wait_for()
    session = row.get_attribute("data-session")
    row.get_by_role("button", name="Disconnect…").click()
    shoot(page, "operators-confirm")
    confirm(page, "Disconnect")
    page.get_by_text(f"{session} was disconnected.").wait_for()
    expected.append(("anna", "disconnect", f"session:{session}"))
    assert acts() == expected, acts()
    live.locator("#report").get_by_text("Back after").wait_for()
    live.wait_for_function("() => document.getElementById('state').textContent === 'Live'")

    # Revoking: the client is signed out and told why; lifted, the token is good again.
    page.select_option("#revoke-kind", "subject")
    page.fill("#revoke-value", "u_42")
    page.fill("#revoke-reason", "lost phone")
    page.get_by_role("button", name="Revoke…").last.click()
    confirm(page, "Revoke")
    live.get_by_text("revoked. Sign in with").wait_for()
    page.locator("#revocations").get_by_text("lost phone").wait_for()
    page.locator("#revocations").get_by_role("button", name="Lift…").click()
    confirm(page, "Lift")
    page.get_by_text("No active revocations.").wait_for()
    live.fill("#token", TOKEN)
    live.click("#sign-in-button")
    live.locator("#transactions tr").first.wait_for()
    expected += [("anna", "revoke", "subject:u_42"), ("anna", "lift-revocation", "subject:u_42")]
    assert acts() == expected, acts()
    page.locator("#errors").get_by_text("4502").first.wait_for()
    page.select_option("#audit-action", "disconnect")
    page.locator("#audit").get_by_text(f"session:{session}").wait_for()
    shoot(page, "operators-light")
    page.emulate_media(color_scheme="dark")
    shoot(page, "operators-dark")
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], f"the page is {wide[0]} px wide in a window of {wide[1]}"
    shoot(page, "operators-phone")
    page.set_viewport_size({"width": 1280, "height": 900})

    # Draining: not without a number, and then the node goes.
    page.click("#drain")
    page.fill("#dialog-input", "soon")
    confirm(page, "Drain and stop")
    page.get_by_text("enter a number of seconds").wait_for()
    page.click("#drain")
    page.fill("#dialog-input", "3")
    with page.expect_response("**/drain?over=3000&by=anna") as answer:
        confirm(page, "Drain and stop")
    assert answer.value.status == 202, answer.value.status
    page.get_by_text("The node does not answer").wait_for(timeout=30_000)
    shoot(page, "operators-away")


if __name__ == "__main__":
    size = {"width": 1280, "height": 900}
    with chromium() as browser, open_page(browser, ignored=IGNORED, viewport=size) as live:
        with open_page(browser, ignored=IGNORED, viewport=size) as page:
            run(live, page)
