"""The set-up page of a server with a model: documents pasted and read from a PDF, and a word when the model fails (R-014, C-40, A18)."""

import re

import pytest
import pytest_asyncio

from web.rehearsal.house import House
from web.standins import question_writer
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.gemini_minds import StandinBrain

from ..pdfs import pdf
from .rig import axe_violations, browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gemini():
    """Writes good questions unless told otherwise."""
    async with GeminiStandin(brain=StandinBrain().when(question_writer.write, purpose="questions")) as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, gemini):
    """A server with a key."""
    house = House(tmp_path_factory.mktemp("house"), environ={"GEMINI_API_KEY": "test-key", "GEMINI_BASE_URL": gemini.url})
    await house.start()
    yield house
    await house.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    """One browser for all."""
    async with browser() as chromium:
        yield chromium


async def details(context, url):
    """The step that asks for documents."""
    person = await candidate(context, rig=False)
    await person.page.goto(f"{url}/#details")
    await person.page.wait_for_selector("#cv", state="visible")
    return person


def file_of(data):
    """A file to choose."""
    return {"name": "cv.pdf", "mimeType": "application/pdf", "buffer": data}


@pytest.mark.parametrize("view", VIEWS)
async def test_the_step_is_accessible_and_fits(house, chromium, view):
    """A18: axe finds nothing, nothing is logged, nothing leaves the machine, nothing scrolls sideways."""
    context = await chromium.new_context(reduced_motion="reduce", **VIEWS[view])
    person = await details(context, house.url)
    await person.page.set_input_files("#cv-file", file_of(pdf(["Ada Lovelace"])))
    await person.page.wait_for_function("() => document.querySelector('#cv-status').textContent.startsWith('The text')")
    overflow = await person.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert ([], 0, [], []) == (await axe_violations(person.page), overflow, person.foreign, person.complaints)
    await context.close()


async def test_a_pdf_shapes_the_questions(house, chromium, gemini):
    """R-014: by keyboard alone the PDF is chosen, its text may be changed, the model has it, and the browser keeps none of it."""
    context = await chromium.new_context()
    page = (await details(context, house.url)).page
    # Playwright has the browser tell of choosers instead of opening them from the first listener on, and does not wait until it does.
    page.on("filechooser", lambda _: None)
    await page.focus("#cv")
    await page.keyboard.press("Tab")
    assert "cv-file" == await page.evaluate("document.activeElement.id")
    async with page.expect_file_chooser() as chooser:
        await page.keyboard.press("Space")
    await (await chooser.value).set_files(file_of(pdf(["Ada Lovelace, engines"])))
    await page.wait_for_function("() => document.querySelector('#cv').value.includes('Ada Lovelace')")
    await page.fill("#jobDescription", "Queues and caches")
    await page.reload()
    assert ("Ada Lovelace, engines", "Queues and caches") == (
        await page.input_value("#cv"),
        await page.input_value("#jobDescription"),
    )
    await page.goto(f"{house.url}/#review")
    assert "CV, job description" == await page.inner_text("[data-review=documents]")
    gemini.requests.clear()
    await page.click("#create")
    await page.wait_for_url(re.compile(r"/interviews/[0-9a-f-]{36}$"))

    assert all("Ada Lovelace, engines" in call.prompt and "Queues and caches" in call.prompt for call in gemini.requests)
    assert len(gemini.requests) >= 3
    kept = await page.evaluate("JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})")
    assert "Lovelace" not in kept
    await context.close()


async def test_a_file_of_no_use_is_said_beside_it(house, chromium):
    """In words, and the box keeps what it had."""
    context = await chromium.new_context()
    page = (await details(context, house.url)).page
    await page.fill("#cv", "What I wrote")
    for data, words in ((b"garbage", "cannot be read as a PDF"), (b"%PDF-" + bytes(2_100_000), "2 MB at most")):
        await page.set_input_files("#cv-file", file_of(data))
        await page.wait_for_function("words => document.querySelector('#cv-status').textContent.includes(words)", arg=words)

    assert "What I wrote" == await page.input_value("#cv")
    await context.close()


async def test_a_model_that_fails_is_told_before_the_interview(house, chromium, gemini):
    """C-40: the note is read first, then one goes on; a changed mind takes the interview back."""
    context = await chromium.new_context(reduced_motion="reduce")
    gemini.faults.add(Kind.SAFETY, count=None)
    person = await candidate(context, rig=False)
    page = person.page
    await page.goto(f"{house.url}/#review")
    await page.click("#create")
    await page.wait_for_selector("#note", state="visible")
    assert "Gemini's filters refused the request" in await page.inner_text("#note-text")
    assert ("note", "Continue") == (await page.evaluate("document.activeElement.id"), await page.inner_text("#create-text"))
    assert [] == await axe_violations(page)
    gemini.faults.clear()

    await page.click("#create")
    await page.wait_for_url(re.compile(r"/interviews/[0-9a-f-]{36}$"))
    await context.close()


async def test_without_a_model_nobody_is_asked_for_documents(tmp_path, chromium):
    """Only where they are of use."""
    plain = House(tmp_path)
    await plain.start()
    context = await chromium.new_context()
    person = await candidate(context, rig=False)
    await person.page.goto(f"{plain.url}/#details")
    await person.page.wait_for_selector("#company", state="visible")

    assert await person.page.query_selector("#cv") is None
    assert [] == person.complaints
    await context.close()
    await plain.stop()
