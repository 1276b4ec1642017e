"""Paying on another site's page and coming back, in a real browser; no plan is offered where none is sold; axe finds nothing (R-102, R-108, A18)."""

import pytest

from web.standins.razorpay import RazorpayStandin

from ..web.house import running
from .rig import axe_violations, browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.timeout(300)]
VIEWS = {
    "easy": {"viewport": {"width": 1280, "height": 900}},
    "medium": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "expert": {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True},
}
"""By difficulty: each costs more than the credit that the one before leaves."""
KEYS = {"razorpay_key_id": "rzp_test_standin", "razorpay_key_secret": "standin", "razorpay_webhook_secret": "whsec_standin"}
SAFE = "async (address) => (await import('/static/checkout.js')).safeCheckout(address)"


async def test_from_pay_and_start_to_the_receipt_and_back(tmp_path):
    """R-108: pay, be refused, look at the receipt, go back and pay: the interview starts; in the light, the dark and on a phone."""
    async with RazorpayStandin() as stand, browser() as chromium:
        settings = KEYS | {"payments": "razorpay", "free_monthly": False, "razorpay_base_url": stand.url}
        async with running(tmp_path, **settings) as house:
            for difficulty, view in VIEWS.items():
                made = await house.set_up(difficulty=difficulty)
                person = await candidate(await chromium.new_context(reduced_motion="reduce", **view), rig=False)
                page = person.page

                async def sound(page=page):
                    assert [] == await axe_violations(page), page.url
                    assert 0 >= await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

                await page.goto(f"{house.origin}/interviews/{made['sessionId']}")
                await page.check("#consent")
                await page.click("#start-typed")
                await page.click("text=Pay and start")
                await page.wait_for_url(f"{stand.url}/i/*")
                await page.click("button[value=fail]")
                link = stand.account.things[page.url.rsplit("/", 1)[-1]]
                await page.goto(f"{house.origin}/payments/{link['reference_id']}")
                assert "Waiting for the payment" == await page.inner_text("h1")
                await sound()
                await page.click("text=Back to the checkout page")
                await page.click("button[value=pay]")
                await page.wait_for_url(f"{house.origin}/payments/*")
                assert "Paid" == await page.inner_text("h1")
                await sound()
                for path in ("plans", "billing"):
                    await page.goto(f"{house.origin}/{path}")
                    assert "There are no monthly plans here" in await page.inner_text("main")
                    await sound()
                assert ["https://rzp.io/i/x", None, None] == [
                    await page.evaluate(SAFE, url) for url in ("https://rzp.io/i/x", "http://rzp.io/i/x", "javascript:1")
                ]
                # Chromium notes the 402 itself.
                assert [] == [said for said in person.complaints if "402" not in said]
                assert [] == person.foreign
                await page.context.close()
