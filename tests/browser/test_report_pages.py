"""A report in every state: accessible, quiet, never wider than the screen, and what can be pressed works (R-086, R-087, M5, M15)."""

from __future__ import annotations

import pytest
import pytest_asyncio

from .report_states import STATES, states
from .rig import axe_violations, browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
VIEWS = {
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True},
}
COMPLAINTS = {"shared-gone": 1}
"""The browser itself notes the 404 of the page that is one."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory):
    """A server with every state of a report."""
    async with states(tmp_path_factory.mktemp("reports")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    """One browser for all pages."""
    async with browser() as chromium:
        yield chromium


@pytest.mark.parametrize("state", [state for state in STATES if not state.startswith("progress")])
async def test_state_is_accessible_quiet_and_fits(made, chromium, state):
    """axe finds nothing, nothing is logged, nothing leaves the machine, nothing scrolls sideways."""
    for view, options in VIEWS.items():
        path = await made.open(state)
        context = await chromium.new_context(reduced_motion="reduce", **options)
        person = await candidate(context, rig=False)
        await person.page.goto(made.house.origin + path)
        await person.page.wait_for_load_state("load")
        overflow = await person.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

        assert ([], 0, []) == (await axe_violations(person.page), overflow, person.foreign), view
        assert COMPLAINTS.get(state, 0) == len(person.complaints), person.complaints
        await context.close()


async def test_a_letter_is_asked_for_in_the_dialog(made, chromium):
    """R-130: from the button to "Sent to …", by keyboard; a wrong address is said beside the field."""
    path = await made.open("full")
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(made.house.origin + path)
    await page.focus("#mail-open")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#mail-dialog[open]")
    await page.fill("#mail-address", "nobody")
    await page.press("#mail-address", "Enter")
    await page.wait_for_selector("#mail-problem:not([hidden])")
    assert "not an e-mail address" in await page.inner_text("#mail-problem")

    await page.fill("#mail-address", "ana@example.org")
    await page.press("#mail-address", "Enter")
    await page.wait_for_function("() => document.querySelector('#mail-status').textContent.startsWith('Sent to')", timeout=60_000)
    assert [] == await axe_violations(page)
    await context.close()


async def test_one_question_again_from_the_report(made, chromium):
    """M15: one click on the question's button leads to the pre-flight of that question alone."""
    path = await made.open("full")
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(made.house.origin + path)
    text = await page.inner_text("#question-3-title")
    await page.click("#question-3 button[data-again]")
    await page.wait_for_selector("#preflight", state="visible")
    repeat = page.url.split("/")[-1]
    async with made.house.store.read() as tx:
        session = await tx.session(repeat)

    assert session is not None
    assert [text] == [question.text for question in session.questions]
    await context.close()


async def test_a_sentence_is_heard_where_it_was_said(made, chromium):
    """M5: a click on a sentence plays the recording from there; the line, the slider and the sentence say where it is."""
    path = await made.open("full")
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(made.house.origin + path)
    sentence = page.locator(".line-candidate .sentence").nth(2)
    at = float(await sentence.get_attribute("data-t"))
    await sentence.click()
    await page.wait_for_function(
        "at => { const a = document.querySelector('#player'); return !a.paused && a.currentTime >= at }", arg=at
    )

    assert await page.evaluate("document.querySelector('#player').currentTime") < at + 20
    await page.wait_for_function("() => document.querySelector('.sentence[aria-current]') !== null")
    assert "of" in await page.get_attribute("#seek", "aria-valuetext")
    await context.close()


async def test_strengths_appear_while_the_report_is_written(made, chromium):
    """R-086: named steps with their count, each strength once and as text, then the report."""
    path = await made.open("waiting")
    context = await chromium.new_context(reduced_motion="reduce")
    page = await context.new_page()
    steps = [
        'event: step\ndata: {"reportStatus": "running", "step": "Comparing", "stepName": "comparing"}\n\n',
        'event: strength\ndata: {"order": 2, "text": "You name the trade-off. <b>x</b>", "quote": "a queue in front"}\n\n',
        'event: strength\ndata: {"order": 2, "text": "You name the trade-off. <b>x</b>", "quote": "a queue in front"}\n\n',
    ]

    async def stream(route):
        await route.fulfill(status=200, headers={"content-type": "text/event-stream"}, body="retry: 60000\n\n" + "".join(steps))

    await page.route("**/report/events", stream)
    await page.goto(made.house.origin + path)
    await page.wait_for_selector("#wait-strengths li")

    assert ["Question 2: You name the trade-off. <b>x</b> a queue in front"] == [
        " ".join(text.replace("“", "").replace("”", "").split())
        for text in await page.locator("#wait-strengths li").all_inner_texts()
    ]
    assert "comparing" == await page.get_attribute(".wait-steps [aria-current]", "data-step")
    assert [] == await axe_violations(page)
    await context.close()
